# SPDX-License-Identifier: Apache-2.0
"""Some of the demo utility's gas meters are told the price that they hold, then a new one, and are topped up: from then on the platform
works their balances out again. Three of them have a fault that is planted in the emulated meter itself (``town.FAULTS``): one rounds each step
up, one keeps the old price, one forgets what is topped up; nothing of what is found is written by the demo.

Two persons are enrolled at the signer for this one act and dismissed again, as for the facts (``facts.py``). Once for ever: a mark says that it
was done.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from openmains.app.command.driver import CatalogCommands
from openmains.app.command.give import give_command
from openmains.app.command.model import NewCommand, SignerLogin
from openmains.app.command.signing_ports import Credential
from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Actor
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import MeterId, TenantId
from openmains.drivers import catalog
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.switch import FileSwitch
from openmains.run.care.ledger import LEDGER
from openmains.run.demo import town
from openmains.run.demo.chief import chief_of
from openmains.run.logs import say
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings

log = logging.getLogger("openmains.demo")
LOGINS = ("demo-prices", "demo-approves")
HELD, NEW = 2, 3  # versions: the price that the meters hold already, and half as much again
FEN = 5_000
LOOK_S, TURNS = 10.0, 120  # until the meters have confirmed
BETWEEN_S = 300.0  # that they deduct at the price they hold
_QUERIES = load(__package__)


async def fill_prepaid(settings: Settings, tenant_id: TenantId, stop: asyncio.Event) -> None:
    """Unless it was done before. What goes wrong is told, and the demo goes on without it."""
    pool = await create_pool(settings.urls().postgres_api, max_size=2)
    owner = await create_pool(settings.urls().postgres_owner, max_size=1)
    try:
        path = settings.signer_home / LEDGER
        chief = await chief_of(owner, tenant_id)
        done = await _QUERIES["prepaid_mark"].fetchval(owner, tenant_id=tenant_id)
        if not done and chief is not None and not settings.signer_socket and path.exists():
            ledger = SqliteLedger(path)
            signer = SocketSigner(settings.signer_path)
            try:
                await _Prices(settings, PostgresStore(pool), owner, chief, signer, ledger, stop).given()
            finally:
                for login in LOGINS:
                    ledger.dismiss(tenant_id, login)
                ledger.close()
                await signer.close()
    except Exception:
        log.exception("the demo's prepaid meters were not told their price")
        say("演示预付费表未能设置价格,详见日志 / the demo's prepaid meters were not told their price; the log says why")
    finally:
        await owner.close()
        await pool.close()


def price_of(version: int) -> dict[str, Any]:
    """Parameters of ``set_price``. The first one begins the billing period, so that the platform knows it."""
    held = town.GAS_PRICE
    share = 3 if version == NEW else 2
    return {
        "version": version,
        "effective_at": 0,
        "period_start": held.period_start,
        "cycle_months": held.cycle_months,
        "clear_total": int(version == HELD),
        "tiers": len(held.prices),
        "tier_from": list(held.tier_from),
        "prices": [price * share // 2 for price in held.prices],
    }


class _Prices:
    def __init__(
        self,
        settings: Settings,
        store: PostgresStore,
        owner: asyncpg.Pool,
        chief: Actor,
        signer: SocketSigner,
        ledger: SqliteLedger,
        stop: asyncio.Event,
    ) -> None:
        self._store, self._owner, self._chief, self._signer, self._ledger = store, owner, chief, signer, ledger
        self._switch, self._stop = FileSwitch(settings.stop_folder), stop
        self._drivers = CatalogCommands(catalog.load())
        self._people = [SignerLogin(login, secrets.token_urlsafe(24)) for login in LOGINS]

    async def given(self) -> None:
        """The price that is held, the new one, a top-up: each when the one before was confirmed."""
        tenant_id = self._chief.tenant_id
        for person, role in zip(self._people, ("operator", "approver"), strict=True):
            hashed = await asyncio.to_thread(hash_password, person.password)
            self._ledger.enrol(tenant_id, person.login, hashed, role, administrator=True)
        numbers = [str(number) for number in town.PREPAID]
        rows = await _QUERIES["meters_by_number"].fetch(self._owner, tenant_id=tenant_id, numbers=numbers)
        meters = [MeterId(row["meter_id"]) for row in rows]
        for what, kind, params in (
            ("held", Kind.SET_PRICE, price_of(HELD)),
            ("new", Kind.SET_PRICE, price_of(NEW)),
            ("paid", Kind.TOP_UP, {"amount": FEN, "balance_kind": 0}),
        ):
            await self._give(what, kind, params, meters)
            if not await self._confirmed(what, len(meters)):
                return
            if what == "held" and await self._waited(BETWEEN_S):
                return
        await _QUERIES["mark_prepaid"].execute(self._owner, tenant_id=tenant_id, mark={"meters": len(meters)})
        say(f"预付费表 {len(meters)} 只按新价扣费 / {len(meters)} prepaid meters deduct at the new price")

    async def _give(self, what: str, kind: Kind, params: Mapping[str, Any], meters: Sequence[MeterId]) -> None:
        keys = list[str]()
        for meter_id in meters:
            wanted = NewCommand(kind, f"demo-prepaid-{what}-{meter_id}", dict(params), signer=self._people[0])
            given = await give_command(
                self._store, self._signer, self._switch, self._drivers, self._chief, meter_id, wanted, now_us()
            )
            if given.verdict == "needs_approval":
                keys.append(wanted.unique_key)
        if keys:
            second = Credential(self._people[1].login, self._people[1].password, "demo")
            await self._signer.approve(self._chief.tenant_id, keys, second)

    async def _confirmed(self, what: str, count: int) -> bool:
        """Whether nearly all have confirmed it; False: the demo ends."""
        for _ in range(TURNS):
            done = await _QUERIES["prepaid_confirmed"].fetchval(
                self._owner, tenant_id=self._chief.tenant_id, keys=f"demo-prepaid-{what}-%"
            )
            if done == count:
                return True
            if await self._waited(LOOK_S):
                return False
        return True

    async def _waited(self, seconds: float) -> bool:
        """True: the demo ends."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return False
        return True
