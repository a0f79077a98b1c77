# SPDX-License-Identifier: Apache-2.0
"""Customers' own pages (ADR 0059): a phone signs in by a code, sees what its customer holds and nothing else, pays, and asks; strangers
learn nothing."""

import json
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from openmains.app.notice.work import NoticeLoop
from openmains.app.portal.sign_in import US, wait_s
from openmains.domain.period import DAY_S, HOUR_S, date_to_day, day_to_date, zone
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.http.limiter import Limiter
from openmains.emulator.pay.wechat import EmulatedWechat
from tests.edges.http.test_announcements import TAKEN, household, sms
from tests.edges.http.test_notices import Clock, desk_of, turn
from tests.edges.http.test_tariffs import days, made, problem
from tests.edges.http.world import OWN, Utility, World, new_meter
from tests.support.providers import caller_to
from tests.support.receiver import Receiver, receiver

PHONE = "13800138001"
STRANGER = "13912345678"


def test_limits_of_codes_are_of_the_phone() -> None:
    now = 10 * DAY_S * US
    assert wait_s([], now) == 0
    assert wait_s([now - 10 * US], now) == 50
    assert wait_s([now - 61 * US], now) == 0
    assert wait_s([now - n * 61 * US for n in range(1, 6)], now) == HOUR_S - 5 * 61
    assert wait_s([now - n * HOUR_S * US for n in range(1, 11)], now) == DAY_S - 10 * HOUR_S


@dataclass
class Phones:
    """A utility whose messages go to a receiver, with its notices' turn."""

    world: World
    utility: Utility
    receiving: Receiver
    desk: NoticeLoop
    clock: Clock
    staff: httpx.AsyncClient

    async def ask(self, client: httpx.AsyncClient, phone: str = PHONE) -> httpx.Response:
        self.clock.us += 61 * US
        return await client.post("/my/code", json={"phone": phone, "tenant": self.utility.code})

    async def code(self) -> str:
        await turn(self.desk)
        return str(json.loads(self.receiving.got[-1].query["TemplateParam"])["code"])

    @asynccontextmanager
    async def signed_in(self, phone: str = PHONE) -> AsyncIterator[httpx.AsyncClient]:
        async with self.world.client() as client:
            asked = await self.ask(client, phone)
            assert asked.status_code == 202, asked.text
            body = {"challenge": asked.json()["challenge"], "code": await self.code()}
            entered = await client.post("/my/session", json=body)
            assert entered.status_code == 201, entered.text
            client.headers.update(OWN)
            yield client


@pytest.fixture
async def phones(world: World) -> AsyncIterator[Phones]:
    utility, clock = await world.utility(), Clock()
    async with (
        receiver(lambda got: (200, TAKEN)) as receiving,
        world.client(utility.token) as staff,
        desk_of(world, clock) as desk,
    ):
        desk.personal = world.deps.personal
        await sms(staff, receiving, fields="code")
        before = world.deps.customer_sign_in
        assert before is not None
        before._now_us = clock  # the clock of this test, as the world's is
        try:
            yield Phones(world, utility, receiving, desk, clock, staff)
        finally:
            before._now_us = world.deps.now_us


async def _charged_at_server(world: World, account: int) -> None:
    """With a day that was deducted while the customer held it, and one of who held it before."""
    day = date_to_day(date(2026, 9, 21))
    await world.owner.execute(
        "INSERT INTO server_account (tenant_id, account_id, since_day, warn_fen, limit_fen, open_day, changed_by, changed_us)"
        " SELECT tenant_id, account_id, $2, 700, 0, $2, 1, 1 FROM account WHERE account_id = $1",
        account,
        day,
    )
    await world.owner.execute(
        "INSERT INTO deduction (tenant_id, account_id, day, version, fen, day_fen, volume_ml, is_estimated, cited, made_us)"
        " SELECT tenant_id, account_id, unnest($2::int[]), 1, 0, 0, 1500000, false, '[]', 1 FROM account WHERE account_id = $1",
        account,
        [1000, day],
    )


async def test_a_code_lets_in_once_and_a_stranger_learns_nothing(
    phones: Phones, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await household(world, phones.utility, phones.staff, phone=PHONE)
    async with world.client() as client:
        known, strange = await phones.ask(client), await phones.ask(client, STRANGER)
        assert (known.status_code, known.json().keys()) == (strange.status_code, strange.json().keys())
        assert (await phones.ask(client, "138")).status_code == 400
        code = await phones.code()
        assert len(phones.receiving.got) == 1 and phones.receiving.got[0].query["PhoneNumbers"] == PHONE
        # five guesses, alike for both
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for asked in (known, strange):
            body = {"challenge": asked.json()["challenge"], "code": wrong}
            told = [problem(await client.post("/my/session", json=body)) for _ in range(6)]
            assert told == ["wrong-code"] * 5 + ["code-over"]
        assert problem(await client.post("/my/session", json={**body, "code": code})) == "code-over"
        # too soon, alike for both
        for phone in (PHONE, STRANGER):
            await phones.ask(client, phone)
            again = await client.post("/my/code", json={"phone": phone, "tenant": phones.utility.code})
            assert again.status_code == 429 and int(again.headers["retry-after"]) <= 60
        body = {"challenge": (await phones.ask(client)).json()["challenge"], "code": await phones.code()}
        assert problem(await client.get("/my/homes")) == "customer-sign-in-needed"
        entered = await client.post("/my/session", json=body)
        assert entered.status_code == 201
        (cookie,) = [one for one in client.cookies.jar if one.name == "openmains_customer"]
        assert cookie.path == "/api/v1/my" and cookie.has_nonstandard_attr("HttpOnly")
        assert problem(await client.post("/my/session", json=body)) == "code-over"
        # of 5 minutes
        late = (await phones.ask(client)).json()["challenge"]
        body = {"challenge": late, "code": await phones.code()}
        phones.clock.us += 301 * US
        assert problem(await client.post("/my/session", json=body)) == "code-over"
        # nothing of the staff's, and no change without the own header
        assert (await client.get("/meters")).status_code == 401
        assert problem(await client.delete("/my/session")) == "foreign-origin"
        assert (await client.delete("/my/session", headers=OWN)).status_code == 204
        assert problem(await client.get("/my/homes")) == "customer-sign-in-needed"
    # neither stands anywhere: log, trail, notices
    kept = await world.owner.fetch(
        "SELECT to_jsonb(a)::text AS t FROM audit a WHERE tenant_id = $1", phones.utility.tenant_id
    )
    kept += await world.owner.fetch(
        "SELECT to_jsonb(n)::text AS t FROM notice n WHERE tenant_id = $1", phones.utility.tenant_id
    )
    listed = await phones.staff.get("/notices")
    shown = await phones.staff.get(f"/notices/{listed.json()['items'][0]['notice_id']}")
    seen = listed.text + shown.text + "".join(row["t"] for row in kept) + caplog.text
    assert PHONE not in seen and STRANGER not in seen
    codes = [json.loads(got.query["TemplateParam"])["code"] for got in phones.receiving.got]
    assert not any(f'"{one}"' in seen or f" {one}" in seen for one in codes) and "••••••" in seen
    actions = {
        row["action"]
        for row in await world.owner.fetch(
            "SELECT action FROM audit WHERE tenant_id = $1 AND actor LIKE '%(customer)'", phones.utility.tenant_id
        )
    }
    assert actions == {"ask_for_code", "sign_in", "sign_in_refused", "sign_out"}


async def test_an_address_guesses_at_many_phones_no_more_than_at_one(phones: Phones, world: World) -> None:
    await household(world, phones.utility, phones.staff, phone=PHONE)
    deps = world.deps
    before = deps.sign_in_limiter, deps.guess_limiter
    try:
        async with world.client() as client:
            deps.guess_limiter = Limiter(0.001, 2)
            first, second = [(await phones.ask(client, one)).json()["challenge"] for one in (STRANGER, PHONE)]
            code = await phones.code()
            wrong = f"{(int(code) + 1) % 10**6:06d}"
            for challenge in (first, second):
                body = {"challenge": challenge, "code": wrong}
                assert problem(await client.post("/my/session", json=body)) == "wrong-code"
            refused = await client.post("/my/session", json=body | {"code": code})
            assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 900
        deps.sign_in_limiter = Limiter(0.001, 1)
        told = []
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"):
            async with world.client(address=address) as client:
                told.append((await phones.ask(client, STRANGER)).status_code)
        assert told == [202, 429, 202]  # a household has a whole /64
    finally:
        deps.sign_in_limiter, deps.guess_limiter = before


async def test_without_a_channel_for_codes_it_says_so(world: World) -> None:
    utility = await world.utility()
    async with world.client() as client:
        asked = await client.post("/my/code", json={"phone": PHONE, "tenant": utility.code})
        assert problem(asked) == "codes-not-sent"
        assert problem(await client.post("/my/code", json={"phone": PHONE, "tenant": "nobody"})) == "invalid-input"


async def test_a_customer_sees_and_does_what_is_his_and_nothing_else(
    phones: Phones, world: World, clickhouse: ClickHouse
) -> None:
    staff, utility = phones.staff, phones.utility
    phones.clock.us = world.deps.now_us()
    mine = await household(world, utility, staff, phone=PHONE)
    other = await household(world, utility, staff, phone=STRANGER)
    account, foreign = [
        await world.owner.fetchval("SELECT account_id FROM account_holder WHERE customer_id = $1", one)
        for one in (mine, other)
    ]
    provider = EmulatedWechat(lambda: phones.clock.us // US)
    world.deps.provider_call = caller_to(provider)
    body = {
        "provider": "wechat", "name": "main", "reason": "contract", "settings": provider.settings() | {"notify_base": "https://utility.example/api/v1"},
        "secrets": provider.secrets(),
    }  # fmt: skip
    channel = (await made(staff, "/payment-channels", body))["channel_id"]
    try:
        async with phones.signed_in() as client:
            (home,) = (await client.get("/my/homes")).json()
            assert (home["account_id"], home["owed_fen"], home["credit_fen"], home["meters"]) == (account, 0, 0, [])
            use = (await client.get(f"/my/homes/{account}/use")).json()
            assert use["tiers"] == [] and len(use["days"]) >= 27 and use["why"] == ""
            (way,) = (await client.get("/my/channels")).json()
            # another's is not there
            for path in ("use", "bills", "receipts", "payments", "requests"):
                assert problem(await client.get(f"/my/homes/{foreign}/{path}")) == "not-found"
            pay = {"key": secrets.token_hex(8), "channel_id": channel, "fen": 5000}
            assert problem(await client.post(f"/my/homes/{foreign}/payments", json=pay)) == "not-found"
            # pays once, however often it is sent
            order = await made(client, f"/my/homes/{account}/payments", pay)
            assert (await made(client, f"/my/homes/{account}/payments", pay))["order_id"] == order["order_id"]
            assert order["state"] == "open" and order["code"].startswith("weixin://") and way["channel_id"] == channel
            drawn = (await client.get(f"/my/payments/{order['order_id']}/code")).json()
            assert drawn["svg"].startswith("<svg")
            number = await world.owner.fetchval(
                "SELECT number FROM payment_order WHERE order_id = $1", order["order_id"]
            )
            trade = provider.book.pay(number, phones.clock.us // US)
            url, headers, told = provider.callback(trade)
            async with world.client() as outside:
                path = urlsplit(url).path.removeprefix("/api/v1")
                assert (await outside.post(path, content=told, headers=headers)).status_code == 200
            paid = (await client.get(f"/my/payments/{order['order_id']}")).json()
            assert (paid["state"], paid["code"]) == ("paid", "")
            (home,) = (await client.get("/my/homes")).json()
            assert home["credit_fen"] == 5000 and home["at_server"] is None
            await _charged_at_server(world, account)
            (home,) = (await client.get("/my/homes")).json()
            last = {"day": "2026-09-21", "fen": 0, "volume_m3": "1.5", "is_estimated": False}
            assert home["at_server"] == {"balance_fen": 5000, "warn_fen": 700, "stage": "enough", "last": last}
            (receipt,) = (await client.get(f"/my/homes/{account}/receipts")).json()
            assert receipt["fen"] == 5000 and receipt["receipt_id"] == paid["receipt_id"]
            pdf = await client.get(f"/my/receipts/{receipt['receipt_id']}/pdf")
            assert pdf.content.startswith(b"%PDF")
            # another's papers and payments are not held up by who knows their numbers
            limiter = world.deps.sign_in_limiter
            world.deps.sign_in_limiter = Limiter(0.001, 1)
            try:
                assert problem(await client.post(f"/my/homes/{foreign}/payments", json=pay)) == "not-found"
                assert problem(await client.post(f"/my/homes/{foreign}/payments", json=pay)) == "too-many-requests"
                assert list(world.deps.sign_in_limiter._buckets) == [f"payments of customer {mine}"]
                assert (await client.get(f"/my/receipts/{receipt['receipt_id']}/pdf")).status_code == 200
                assert (await client.get(f"/my/receipts/{receipt['receipt_id']}/pdf")).status_code == 429
            finally:
                world.deps.sign_in_limiter = limiter
            # asks for a repair: a work order, once
            wanted = {"key": secrets.token_hex(8), "kind": "no_supply", "text": "厨房没有水 no water"}
            blank = await client.post(f"/my/homes/{account}/requests", json=wanted | {"text": " \n "})
            assert problem(blank) == "invalid-input"
            request = await made(client, f"/my/homes/{account}/requests", wanted)
            assert (await made(client, f"/my/homes/{account}/requests", wanted))["order_id"] == request["order_id"]
            assert (
                problem(await client.post(f"/my/homes/{account}/requests", json=wanted | {"text": "x"}))
                == "order-key-used"
            )
            seen = (await staff.get(f"/work-orders/{request['order_id']}")).json()
            assert (seen["source"], seen["account_id"], seen["what"], seen["kind"]) == (
                "customer", account, "厨房没有水 no water", "no_supply",
            )  # fmt: skip
            await world.owner.execute(
                "UPDATE work_order SET state = 'done', outcome = 'mended', result = '已换阀 valve replaced', done_us = 1,"
                " due_us = NULL, left_s = 1 WHERE order_id = $1", request["order_id"],
            )  # fmt: skip
            (answered,) = (await client.get(f"/my/homes/{account}/requests")).json()
            assert (answered["answer"], answered["outcome"]) == ("已换阀 valve replaced", "mended")
            for _ in range(4):
                await made(client, f"/my/homes/{account}/requests", wanted | {"key": secrets.token_hex(8)})
            full = await client.post(f"/my/homes/{account}/requests", json=wanted | {"key": secrets.token_hex(8)})
            assert problem(full) == "requests-full"
            async with phones.signed_in(STRANGER) as elsewhere:
                assert (await elsewhere.get("/my/homes")).json()[0]["account_id"] == foreign
                for path in (f"payments/{order['order_id']}", f"receipts/{receipt['receipt_id']}/pdf"):
                    assert problem(await elsewhere.get(f"/my/{path}")) == "not-found"
            # another number in the record: the old phone sees nothing more
            row = (await staff.get(f"/customers/{mine}")).json()
            changed = await staff.patch(
                f"/customers/{mine}", json={"phone": "13700137000", "reason": "new phone"}, headers={"If-Match": f'"{row["revision"]}"'}
            )  # fmt: skip
            assert changed.status_code == 200, changed.text
            assert problem(await client.get("/my/homes")) == "customer-sign-in-needed"
            # and the old number, given to somebody else, shows nobody to who signed in before
            row = (await staff.get(f"/customers/{other}")).json()
            changed = await staff.patch(
                f"/customers/{other}", json={"phone": PHONE, "reason": "a number given out again"}, headers={"If-Match": f'"{row["revision"]}"'}
            )  # fmt: skip
            assert changed.status_code == 200, changed.text
            assert problem(await client.get("/my/homes")) == "customer-sign-in-needed"
    finally:
        world.deps.provider_call = None


async def test_use_stands_against_the_tiers_that_a_bill_would_count(
    phones: Phones, world: World, clickhouse: ClickHouse
) -> None:
    staff, utility = phones.staff, phones.utility
    phones.clock.us = world.deps.now_us()
    mine = await household(world, utility, staff, phone=PHONE)
    account = await world.owner.fetchval("SELECT account_id FROM account_holder WHERE customer_id = $1", mine)
    today = day_to_date(zone("Asia/Shanghai").day_of(world.deps.now_s()))
    month = (today - timedelta(days=1)).replace(day=1)  # on the first of a month that of the last whole day
    meter = await made(staff, "/meters", new_meter(utility))
    page = next(one for one in world.deps.drivers.pages() if one.name == meter["driver"])
    tariff = (
        await made(
            staff, "/tariffs", {"code": "T", "name": "household", "medium": page.medium, "customer_class": "resident"}
        )
    )["tariff_id"]
    document = {
        "bounds_m3": ["10"], "components": [{"name": "water", "prices": ["2", "3"]}], "cycle_months": 1,
    }  # fmt: skip
    entry = {"from_day": "2020-01-01", "document": document, "reason": "as decided"}
    plan = await made(staff, f"/tariffs/{tariff}/plans", entry)
    async with world.client(await world.user(utility, "administrator")) as chief:
        await made(chief, f"/tariff-plans/{plan['plan_id']}/approve", {"reason": "as decided"})
    member = {"account_id": account, "meter_id": meter["meter_id"], "began": "2024-01-02"}
    entries = {"members": [member], "from_day": "2024-01-02", "reason": "as decided"}
    assert (await staff.post(f"/tariffs/{tariff}/members", json=entries)).status_code == 204
    count = (today - month).days
    await days(clickhouse, utility, meter["meter_id"], month, count, 10**-page.unit_exponent)  # a cubic metre a day
    async with phones.signed_in() as client:
        use = (await client.get(f"/my/homes/{account}/use")).json()
    assert [one["price"] for one in use["tiers"]] == ["2.00", "3.00"]
    assert use["tiers"][0]["used_m3"] == str(min(count, 10)) and use["counted_m3"] == str(count)
    assert use["counted_since"] == month.isoformat() and use["why"] == ""
