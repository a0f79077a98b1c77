# SPDX-License-Identifier: Apache-2.0
"""Top-ups without end while processes die: cashiers at the API, meters on sockets, and somebody with ``kill -9``.

A cashier who gets no clear answer asks again with the same key, as a payment system does. At the end every top-up that was
ever asked for must be confirmed, and each meter's own credit must be the sum of its confirmed top-ups.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from openmains.bench.system import engine_urls
from openmains.emulator.meter.prices import UNITS_A_FEN
from openmains.wire.coap.message import code_text
from tests.support.chaos import pids
from tests.support.commanded import CommandedMeter, CommandedTown
from tests.support.patience import PATIENCE_S

VICTIMS = {"edge": 4, "core": 2, "dispatch": 3, "signer": 4, "postmaster": 2, "backend": 4, "jetstream": 2}
PACE_S = 0.8  # between two words of a meter
AGAIN_S = 0.5
SETTLE_S = 2 * PATIENCE_S


@dataclass
class Soak:
    """``cashiers``: logins at the signer with their passwords; the quota is 200 an hour each."""

    town: CommandedTown
    cashiers: list[dict[str, str]]
    rng: random.Random
    asked: dict[str, tuple[int, int]] = field(default_factory=dict)  # key → (meter's place, fen)
    given: dict[str, int] = field(default_factory=dict)  # key → command
    kills: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    ending: bool = False

    async def run(self, kills: int, *, pause_s: tuple[float, float], limit_s: float) -> None:
        """Until so many kills or ``limit_s``; then until all top-ups have ended."""
        async with asyncio.TaskGroup() as group:
            meters = [group.create_task(self._live(meter)) for meter in self.town.meters]
            cashiers = [group.create_task(self._cashier(person)) for person in self.cashiers]
            deadline = time.monotonic() + limit_s
            while self.kills.total() < kills and time.monotonic() < deadline:
                await asyncio.sleep(self.rng.uniform(*pause_s))
                self._kill()
            self.ending = True
            for task in cashiers:
                await task
            await self._settled()
            for task in meters:
                task.cancel()

    def _kill(self) -> None:
        """One process, whichever is alive, at whatever it is doing."""
        name = self.rng.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        found = pids(self.town.system, name)
        if found:
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(found), signal.SIGKILL)
                self.kills[name] += 1

    async def _live(self, meter: CommandedMeter) -> None:
        while True:
            code = await meter.speak()
            self.answers[code_text(code)] += 1
            await asyncio.sleep(PACE_S * self.rng.uniform(0.5, 1.5))

    async def _cashier(self, person: dict[str, str]) -> None:
        number = 0
        headers = dict(self.town.system.api.headers)
        base = str(self.town.system.api.base_url)
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as api:
            while not self.ending and number < 190:  # below the quota of an hour
                number += 1
                place = self.rng.randrange(len(self.town.meters))
                fen = self.rng.randrange(1, 50_000)
                key = f"pay-{person['login']}-{number}"
                self.asked[key] = (place, fen)
                await self._pay(api, place, fen, key, person)
                await asyncio.sleep(self.rng.uniform(0.2, 0.8) * len(self.cashiers) / 2)

    async def _pay(self, api: httpx.AsyncClient, place: int, fen: int, key: str, person: dict[str, str]) -> None:
        body: dict[str, Any] = {"kind": "top_up", "unique_key": key, "signer": person}
        body["params"] = {"amount": fen, "balance_kind": 0}
        while True:
            try:
                answer = await api.post(f"/meters/{self.town.id_of(place)}/commands", json=body)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 300:
                said = answer.json()
                if said["verdict"] == "authorised":
                    known = self.given.setdefault(key, said["command"]["command_id"])
                    assert known == said["command"]["command_id"], (key, known, said)
                    return
                raise AssertionError(said)
            code = 0 if answer is None else answer.status_code
            self.answers[f"api {code}"] += 1
            assert code == 0 or code == 429 or code >= 500, (code, answer and answer.text)
            await asyncio.sleep(AGAIN_S)

    async def states(self) -> Counter[str]:
        """How the top-ups stand."""
        rows = await self.town.sql("SELECT state, count(*) FROM command WHERE kind = 'top_up' GROUP BY state")
        return Counter({row[0]: row[1] for row in rows})

    async def _settled(self) -> None:
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            with suppress(OSError, asyncpg.PostgresError):
                found = await self.states()
                if found["confirmed"] == len(self.asked):
                    return
            await asyncio.sleep(1)
        raise AssertionError((await self.states(), len(self.asked), self.town.system.log))

    async def differences(self) -> list[tuple[int, int, int]]:
        """Meters whose credit (10⁻⁵ fen) is not the sum of their confirmed top-ups: (place, has, should have)."""
        rows = await self.town.sql(
            "SELECT meter_id, sum((params ->> 'amount')::bigint) FROM command"
            " WHERE kind = 'top_up' AND state = 'confirmed' GROUP BY meter_id"
        )
        confirmed = {row[0]: int(row[1]) for row in rows}
        asked: Counter[int] = Counter()
        for place, fen in self.asked.values():
            asked[place] += fen
        found = []
        for place, meter in enumerate(self.town.meters):
            should = confirmed.get(self.town.id_of(place), 0)
            if not meter.credit == should * UNITS_A_FEN == asked[place] * UNITS_A_FEN:
                found.append((place, meter.credit, should * UNITS_A_FEN))
        return found

    async def frames(self) -> tuple[int, int]:
        """(frames that went down, frames that were repeats)."""
        sent = [frame for meter in self.town.meters for frame in meter.frames]
        return len(sent), len(sent) - len(set(sent))


async def fill(town_var: Any, tenant_id: int, meters: int) -> None:
    """Meters that only make the utility and its zone large enough for the quotas of top-ups (2 % of a utility's meters an hour, half
    of a zone's a day)."""
    owner = await asyncpg.connect(engine_urls(town_var)["postgres_owner"])
    try:
        product = await owner.fetchval("SELECT min(product_id) FROM product WHERE tenant_id = $1", tenant_id)
        area = await owner.fetchval("SELECT min(area_id) FROM area WHERE tenant_id = $1", tenant_id)
        await owner.execute(
            "INSERT INTO meter (tenant_id, number, imei, product_id, area_id, dn, installed_on)"
            " SELECT $1, 'filler-' || i, NULL, $2, $3, 15, date '2020-01-01' FROM generate_series(1, $4::int) AS i",
            tenant_id, product, area, meters, timeout=PATIENCE_S,
        )  # fmt: skip
    finally:
        await owner.close()
