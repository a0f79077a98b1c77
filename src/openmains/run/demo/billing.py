# SPDX-License-Identifier: Apache-2.0
"""The demo utility's last month, billed as its people would bill it: a tariff drafted by a clerk and approved by the administrator, a bill run
over all water accounts, payments at the counter and through a channel, one bill corrected by two persons, some who have not paid, and some who
are charged at the server since then.

Once for ever: a mark says that it was done, and what is there already is left as it is. The corrections go through the API, for the days they
look at are the core's.
"""

import asyncio
import contextlib
import http.client
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from openmains.app.billing.model import BillHead
from openmains.app.billing.ports import BillStore, RunStore
from openmains.app.billing.run import start_run
from openmains.app.identity.create_user import create_user
from openmains.app.identity.model import Actor
from openmains.app.identity.tokens import create_token, revoke_token
from openmains.app.payment.order_ports import ChannelSealer
from openmains.app.payment.shifts import open_shift
from openmains.app.payment.take import NewReceipt, take_payment
from openmains.app.problems import Problem
from openmains.app.tariff.members import add_members
from openmains.app.tariff.model import ComponentEntry, LateFeeEntry, NewMember, PersonsEntry, PlanDocument
from openmains.app.tariff.plans import approve_plan, create_tariff, draft_plan
from openmains.app.unit_of_work import Store
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone, date_to_day, day_to_date
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.demo import town
from openmains.run.demo.charging import fill_charged
from openmains.run.demo.debits import fill_debits
from openmains.run.demo.history import chance
from openmains.run.demo.payments import fill_payments
from openmains.run.logs import say
from openmains.run.roles.notify import sealer_of
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings

log = logging.getLogger("openmains.demo")
DAYS_WITHIN_S = 900  # until the pipeline has the month; then it is billed with what is there
LOOK_EVERY_S = 2.0
FLOAT_FEN = 50_000
BY_PHONE = 12
BY_DEBIT = 10
AT_SERVER = 12
REASON = "演示月 demo month"
CORRECTION = "住户提交六口人户籍证明 the household proved six persons"
DOCUMENT = PlanDocument(
    bounds_m3=["15", "22"],
    components=[
        ComponentEntry("基本水价 water", ["1.95", "2.93", "5.85"]),
        ComponentEntry("水资源费 resource", ["0.20", "0.20", "0.20"]),
        ComponentEntry("污水处理费 sewage", ["0.95", "0.95", "0.95"]),
    ],
    cycle_months=1,
    persons=PersonsEntry([4, 4], ["3", "4"]),
    late_fee=LateFeeEntry("0.0005", 15, "1"),
)
_QUERIES = load(__package__)


@dataclass(frozen=True, slots=True)
class BilledAccount:
    """An account of the town with its water meter."""

    account_id: int
    meter_id: int


@dataclass(frozen=True, slots=True)
class Till:
    """What is paid of a bill: through which channel, how much; nothing at all for some."""

    channel: str
    fen: int


def paid_of(account_id: int, total_fen: int) -> Till | None:
    """Seven in ten pay, each fourth of them by phone; one in ten pays more, and one leaves half open; the rest is in arrears."""
    drawn = chance(account_id, 0, 9)
    kind = drawn % 10
    if kind in (3, 6, 9) or not total_fen:
        return None
    channel = "wechat" if drawn // 10 % 4 == 0 else "cash"
    if kind == 1:
        return Till(channel, (total_fen // 10_000 + 1) * 10_000)  # a note more, which is credit
    return Till(channel, max(1, total_fen // 2) if kind == 7 else total_fen)


def to_correct(bills: Sequence[BillHead]) -> BillHead | None:
    """A bill that comes out lower with more persons: the smallest one that is above the first bound."""
    above = [one for one in bills if float(one.volume_m3) > 16]
    return min(above, key=lambda one: (float(one.volume_m3), one.bill_id), default=None)


def month_of(today: date, first_day: date) -> tuple[date, date]:
    """First day of the last month that is over, and the day from which the town's people pay: not before its history."""
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return month, max(month, first_day)


async def bill_last_month(settings: Settings, tenant_id: TenantId, place: Zone, stop: asyncio.Event) -> None:
    """All of it, unless it was done before. What goes wrong is told, and the demo goes on without it."""
    pool = await create_pool(settings.urls().postgres_api, max_size=2)
    owner = await create_pool(settings.urls().postgres_owner, max_size=1)
    keys = await create_pool(settings.urls().postgres_pipeline, max_size=1)
    try:
        sealer = sealer_of(settings, keys)
        await _Month(settings, PostgresStore(pool), owner, tenant_id, place, stop, sealer).made()
    except Exception:
        log.exception("the demo's month was not billed")
        say("演示账单未能生成,详见日志 / the demo's month was not billed; the log says why")
    finally:
        await keys.close()
        await owner.close()
        await pool.close()


class _Month:
    def __init__(
        self,
        settings: Settings,
        store: Store,
        owner: asyncpg.Pool,
        tenant_id: TenantId,
        place: Zone,
        stop: asyncio.Event,
        sealer: ChannelSealer,
    ) -> None:
        self._sealer = sealer
        self._settings, self._store, self._owner, self._stop = settings, store, owner, stop
        self._tenant_id = tenant_id
        self._today = place.day_of(int(time.time()))
        first = day_to_date(self._today - town.HISTORY_DAYS + 1)
        self._month, self._from = month_of(day_to_date(self._today), first)

    async def made(self) -> None:
        """Step by step; a step that finds its work done leaves it."""
        if await _QUERIES["billed_mark"].fetchval(self._owner, tenant_id=self._tenant_id):
            return
        chief = await self._person("admin", Role.ADMINISTRATOR)
        clerk = await self._person("cashier", Role.OPERATOR, chief)
        rows = await _QUERIES["water_accounts"].fetch(self._owner, tenant_id=self._tenant_id)
        accounts = [BilledAccount(row["account_id"], row["meter_id"]) for row in rows]
        tariff_id = await self._tariff(chief, clerk, accounts)
        if not await self._days_are_there():
            return
        run_id = await self._run(chief)
        if run_id is None:
            return
        async with self._store.tenant(self._tenant_id) as work:
            bills = await work[BillStore].heads(town.WATER, None, run_id=run_id)
        paid = await self._pay(clerk, bills)
        await _QUERIES["mark_billed"].execute(self._owner, tenant_id=self._tenant_id, mark={"run_id": run_id})
        one = to_correct(bills)
        if one is not None:
            meter = next(each.meter_id for each in accounts if each.account_id == one.account_id)
            more = [NewMember(one.account_id, meter, self._from.isoformat(), persons=6)]
            told = self._from.isoformat(), CORRECTION, self._today, now_us()
            await add_members(self._store, clerk, tariff_id, more, *told)
            await self._correct(chief, clerk, one.account_id)
        phone = await fill_payments(
            self._store, self._sealer, chief, clerk, [bill.account_id for bill in bills[:BY_PHONE]], self._today
        )
        owing = [bill.account_id for bill in bills if paid_of(bill.account_id, bill.total_fen) is None]
        debited = await fill_debits(self._store, self._sealer, chief, clerk, owing[:BY_DEBIT], self._today)
        middle = [bill.account_id for bill in bills[len(bills) // 2 :][:AT_SERVER]]
        charged = await fill_charged(self._store, chief, clerk, middle, self._today)
        say(f"平台预付费 {charged} 户 / {charged} accounts are charged at the server")
        say(f"银行代扣(模拟) {debited} 笔 / {debited} collected by an emulated bank")
        say(f"微信支付(模拟) {phone} 笔 / {phone} payments by emulated WeChat Pay")
        month = self._month.isoformat()[:7]
        say(f"已出 {month} 账单 {len(bills)} 张,收款 {paid} 笔 / {len(bills)} bills of {month}, {paid} of them paid")

    async def _person(self, login: str, role: Role, by: Actor | None = None) -> Actor:
        name = {"admin": "管理员", "cashier": "收费员 Cashier"}[login]
        row = await _QUERIES["person"].fetchrow(self._owner, tenant_id=self._tenant_id, login=login)
        if row is None:
            assert by is not None  # noqa: S101 the administrator is there from the beginning
            await create_user(self._store, by, login=login, name=name, role=role, locale="zh")
            row = await _QUERIES["person"].fetchrow(self._owner, tenant_id=self._tenant_id, login=login)
        assert row is not None  # noqa: S101 made above
        return Actor(self._tenant_id, row["user_id"], login, row["name"], role, "zh", "Asia/Shanghai", "session")

    async def _tariff(self, chief: Actor, clerk: Actor, accounts: Sequence[BilledAccount]) -> int:
        found: int | None = await _QUERIES["demo_tariff"].fetchval(self._owner, tenant_id=self._tenant_id)
        if found is not None:
            return found
        store, today, now = self._store, self._today, now_us
        name = "居民生活用水 household water"
        made = await create_tariff(store, clerk, "R-WATER", name, "water", CustomerClass.RESIDENT, today, now())
        drafted = await draft_plan(store, clerk, made.tariff_id, "2020-01-01", DOCUMENT, REASON, today, now())
        await approve_plan(store, chief, drafted.plan_id, REASON, today, now())
        since = self._from.isoformat()
        members = [NewMember(one.account_id, one.meter_id, since, persons=3) for one in accounts]
        await add_members(store, clerk, made.tariff_id, members, since, REASON, today, now())
        return made.tariff_id

    async def _days_are_there(self) -> bool:
        """Whether the pipeline has the month of nearly all; False: the demo ends."""
        after = date_to_day((self._month + timedelta(days=32)).replace(day=1))
        began = time.monotonic()
        while time.monotonic() - began < DAYS_WITHIN_S:
            behind = await _QUERIES["behind"].fetchval(self._owner, tenant_id=self._tenant_id, day=after)
            if behind * 50 <= town.WATER:
                return True
            if await self._stopped():
                return False
        return True

    async def _run(self, chief: Actor) -> int | None:
        month = self._month.isoformat()[:7]
        async with self._store.tenant(self._tenant_id) as work:  # of a demo that was stopped meanwhile
            there = next((one for one in await work[RunStore].page(50, None) if one.month == month), None)
        run = there or await start_run(self._store, chief, month, 0, REASON, self._today, now_us())
        while True:
            async with self._store.tenant(self._tenant_id) as work:
                now = await work[RunStore].get(run.run_id)
            if now is not None and now.state != "running":
                return run.run_id
            if await self._stopped():
                return None

    async def _stopped(self) -> bool:
        try:
            await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return False
        return True

    async def _pay(self, clerk: Actor, bills: Sequence[BillHead]) -> int:
        with contextlib.suppress(Problem):  # open already
            await open_shift(self._store, clerk, FLOAT_FEN, now_us())
        paid = 0
        for bill in bills:
            till = paid_of(bill.account_id, bill.total_fen)
            if till is not None:
                wanted = NewReceipt(f"demo-{bill.bill_id}", bill.account_id, till.channel, till.fen)  # type: ignore[arg-type]
                await take_payment(self._store, clerk, wanted, self._today, now_us())
                paid += 1
        return paid

    async def _correct(self, chief: Actor, clerk: Actor, account_id: int) -> None:
        """Asked for by the clerk, agreed to by the administrator, each with a token of the moment."""
        async with _Token(self._store, clerk) as asking, _Token(self._store, chief) as agreeing:
            body = {"account_id": account_id, "month": self._month.isoformat()[:7], "reason": CORRECTION}
            asked = await self._post("/bill-corrections", body, asking.secret)
            path = f"/bill-corrections/{asked['correction_id']}/approve"
            await self._post(path, {"reason": CORRECTION}, agreeing.secret)

    async def _post(self, path: str, body: Mapping[str, Any], secret: str) -> dict[str, Any]:
        def asked() -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", self._settings.http_port, timeout=60)
            try:
                headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
                connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        status, told = await asyncio.to_thread(asked)
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {told[:500]!r}")
        found: dict[str, Any] = json.loads(told)
        return found


class _Token:
    """A token of a person, revoked when it has done its work."""

    def __init__(self, store: Store, actor: Actor) -> None:
        self._store, self._actor = store, actor
        self.secret = ""

    async def __aenter__(self) -> "_Token":
        now = datetime.now(UTC)
        self._token, self.secret = await create_token(
            self._store, self._actor, name="demo", role=self._actor.role, valid_days=1, now=now, reason=REASON
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await revoke_token(self._store, self._actor, self._token.token_id, REASON)
