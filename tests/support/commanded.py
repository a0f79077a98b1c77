# SPDX-License-Identifier: Apache-2.0
"""Emulated prepay meters that obey commands, over DTLS and LwM2M against a running system; what a person does is done by CLI and API.

The radio is a real socket (``SecureMeter``), the rest is the emulator's ``Terminal``. Its clock is the wall clock plus ``ahead_s``: a day
passes at the meter without anybody waiting. A test decides what is lost: ``deaf`` hears nothing, ``mute`` says nothing of a command,
``quiet`` sends nothing at all, ``forgets`` loses its memory between the delivery and the answer.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from openmains.app.command.signer.keys import command_key
from openmains.bench.system import engine_urls
from openmains.domain.fleet.identifiers import imei_of
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, NONE, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Action, Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from openmains.run.care.ledger import master_key
from openmains.run.settings import load
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code, Method
from tests.support.patience import PATIENCE_S
from tests.support.secure import SecureMeter, import_keys
from tests.support.system import System, add_product, found_utility, import_meters, until

DRIVER = "openmains/water-1"
DOWNLINK = ("19", "1", "0")
OBJECTS = b"</3/0>,</19/0>,</19/1>"
FIRST_IMEI = 86_440_000_000_000
RICH_FEN = 1_000_000  # far above every threshold: nothing but a command moves the valve
ANN = {"login": "ann", "password": "ann's own long words"}
BEN = {"login": "ben", "password": "ben's own long words"}
TICK_S = 0.2


def noon_zone() -> str:
    """A zone in which it is about noon now: office hours, whenever the tests run (on working days)."""
    ahead = 12 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"


def still(instants: Sequence[int]) -> list[int]:
    """Nobody uses anything, so that credit is a matter of top-ups alone."""
    return [1_000_000] * len(instants)


class CommandedMeter(SecureMeter):
    """One meter; ``wake`` it first. ``frames``: what was written to it, in order; one that was answered late comes again as it was."""

    def __init__(
        self, number: int, imei: int, psk: bytes, port: int, key: bytes, *, money: bool = True, seed: int = 1
    ) -> None:
        super().__init__(imei, psk, port, seed=seed)
        price = PriceSet(1, 0, 1, 12, False, (0,), (25_000,))
        account = Account(MONEY if money else NONE, RICH_FEN * UNITS_A_FEN if money else 0, price=price)
        self.number, self.ahead_s = number, 0
        self.deaf = self.mute = self.quiet = self.forgets = False
        self.frames: list[bytes] = []
        self.terminal = Terminal(
            number, Profile(), still, DriverFrames(DRIVER, number), key=key, store=Store(Held(account=account))
        )
        self.on_request = self._asked
        self._work: set[asyncio.Task[Any]] = set()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def now(self) -> int:
        """True time at the meter, s."""
        return int(time.time()) + self.ahead_s

    @property
    def credit(self) -> int:
        """What was topped up, in its smallest units."""
        return self.terminal.store.held.account.balance - RICH_FEN * UNITS_A_FEN

    async def wake(self) -> None:
        """Handshake, registration, first report."""
        assert await self.connect()
        query = (f"ep=urn:imei:{self.imei:015d}", "lt=86400", "lwm2m=1.1", "b=U", "Q")
        code, text = await self.request(("rd",), OBJECTS, query=query)
        assert code == int(Code.CREATED), (code, text)
        await self.carry_out(self.terminal.switch_on(self.now, attach_after_s=0))
        self._ticking = asyncio.create_task(self._tick())

    async def speak(self) -> int:
        """A short report, as in the window after the daily one; the answer's code."""
        frame = self.terminal._frames.heartbeat(self.terminal.meter.snapshot(self.now))
        code, body = await self.report(frame)
        if code == int(Code.CHANGED):
            await self.carry_out(self.terminal.on_answer(-1, body, self.now, ahead_s=self.ahead_s))
        return code

    async def carry_out(self, actions: Sequence[Action]) -> None:
        """What the meter wants done, and what follows from it."""
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, self.now)
            elif isinstance(action, Send) and not (self.mute and action.kind == "command"):
                code, body = await self.report(action.payload)
                if code == int(Code.CHANGED):
                    todo += self.terminal.on_answer(action.message, body, self.now, ahead_s=self.ahead_s)
                else:
                    todo += self.terminal.on_failure(action.message, self.now)

    async def starts_to_speak(self) -> "asyncio.Task[int]":
        """A report is on its way; its answer is another matter."""
        task = asyncio.get_running_loop().create_task(self.speak())
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        await asyncio.sleep(0)
        return task

    def serials(self) -> list[int]:
        """Serial numbers of the frames that came, in order."""
        return [self.terminal._frames.driver.read_command(frame).serial for frame in self.frames]

    def close(self) -> None:
        """For good."""
        for task in (*self._work, self._ticking):
            if task is not None:
                task.cancel()
        super().close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.deaf:
            super().datagram_received(data, addr)

    def _flush(self) -> None:
        if self.quiet:
            self._coap.datagrams()  # said, and lost
        super()._flush()

    def _asked(self, request: Request) -> tuple[int, bytes]:
        if request.method != Method.PUT or request.path != DOWNLINK:
            return int(Code.CONTENT), b""
        self.frames.append(request.payload)
        actions = self.terminal.on_command(request.payload, self.now)
        if self.forgets:  # the module is reset between the delivery and the answer
            self.forgets = False
            actions = self.terminal.cut_power(self.now)
        task = asyncio.get_running_loop().create_task(self.carry_out(actions))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return int(Code.CHANGED), b""

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            due = self.terminal.next_timer()
            if due is not None and due <= self.now:
                await self.carry_out(self.terminal.handle(self.now))


def enrol(
    system: System, tenant_id: int, person: Mapping[str, str], *, approver: bool = False, administrator: bool = False
) -> None:
    """As the runbook says: at the machine, by the command."""
    words = ["signer", "enrol", str(tenant_id), person["login"], "--password-stdin"]
    done = subprocess.run(
        [sys.executable, "-m", "openmains.run.cli", *words, *(["--approver"] if approver else []),
         *(["--administrator"] if administrator else [])],
        env=os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8"},
        input=person["password"] + "\n", capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def sign_facts(system: System, tenant_id: int, first: Mapping[str, str], second: Mapping[str, str]) -> None:
    """Two people sign what the registry says now, at the machine."""
    words = ["signer", "sign-facts", str(tenant_id), first["login"], second["login"], "--password-stdin"]
    done = subprocess.run(
        [sys.executable, "-m", "openmains.run.cli", *words],
        env=os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8"},
        input=f"{first['password']}\n{second['password']}\n", capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class CommandedTown:
    """A utility with commanded meters, two enrolled people, and the hands of a person at the API."""

    system: System
    tenant_id: int
    first_number: int
    keys: dict[int, bytes]
    master: bytes
    meter_ids: dict[str, int]
    meters: list[CommandedMeter] = field(default_factory=list)

    def number(self, index: int) -> int:
        return self.first_number + index

    def imei(self, index: int) -> int:
        return int(imei_of(FIRST_IMEI + index))

    def id_of(self, index: int) -> int:
        return self.meter_ids[str(self.number(index))]

    def meter(self, index: int, *, money: bool = True) -> CommandedMeter:
        """A meter of this place, not yet awake."""
        made = CommandedMeter(
            self.number(index), self.imei(index), self.keys[index], self.system.dtls,
            command_key(self.master, self.id_of(index)), money=money, seed=index + 1,
        )  # fmt: skip
        self.meters.append(made)
        return made

    def give(self, index: int, kind: str, key: str, *, signed: bool = False, **more: Any) -> int:
        """Give a command; where the signer wants a second person, Ben agrees. The command's id."""
        body = {"kind": kind, "unique_key": key, **({"signer": ANN} if signed else {}), **more}
        given = self.system.send("POST", f"/meters/{self.id_of(index)}/commands", body)
        command_id: int = given["command"]["command_id"]
        if given["verdict"] == "needs_approval":
            verdict = self.system.send("POST", f"/commands/{command_id}/approve", {"signer": BEN})
            assert verdict["state"] == "authorised", verdict
        elif signed:
            assert given["verdict"] == "authorised", given
        return command_id

    def command(self, command_id: int) -> Any:
        return self.system.get(f"/commands/{command_id}")

    def state(self, command_id: int) -> str:
        found: str = self.command(command_id)["state"]
        return found

    async def reaches(self, command_id: int, *states: str) -> Any:
        """Until it is in one of these states; the command."""

        def reached() -> Any:
            found = self.command(command_id)
            return found if found["state"] in states else None

        try:
            return await until(reached)
        except AssertionError:
            raise AssertionError((self.command(command_id), self.system.counters())) from None

    async def sql(self, statement: str, *values: Any) -> Any:
        """As the owner: for what only time or an attacker does."""
        owner = await asyncpg.connect(engine_urls(self.system.var)["postgres_owner"])
        try:
            return await owner.fetch(statement, *values)
        finally:
            await owner.close()

    async def age(self, command_id: int, seconds: int) -> None:
        """Let a command's time pass: its end and its pauses lie so much earlier now."""
        await self.sql("UPDATE command SET not_after = not_after - $2 WHERE command_id = $1", command_id, seconds)
        await self.sql(
            "UPDATE command_waiting SET not_after = not_after - $2, due_at = due_at - $2 WHERE command_id = $1",
            command_id, seconds,
        )  # fmt: skip


async def awake(town: CommandedTown, place: int, *, money: bool = True) -> CommandedMeter:
    """Awake; what it said on waking is no longer on its way to the dispatcher, and stands in its state: that it pays in advance,
    say, which the signer looks at twice."""
    meter = town.meter(place, money=money)
    before = town.system.counters().get("dispatch.command.spoke", 0)
    await meter.wake()
    await until(lambda: town.system.counters().get("dispatch.command.spoke", 0) > before)
    await until(lambda: (town.system.get(f"/meters/{town.id_of(place)}")["state"] or {}).get("last_seen_at"))
    return meter


@asynccontextmanager
async def commanded_town(
    system: System, count: int, *, first_number: int = 440_000_000_000, also: Callable[[int], Any] | None = None
) -> AsyncIterator[CommandedTown]:
    """Found it on a running system. ``also(tenant_id)``: awaited before the first meter is imported."""
    await found_utility(system, zone=noon_zone())
    add_product(system, "prepay", DRIVER)
    owner = await asyncpg.connect(engine_urls(system.var)["postgres_owner"])
    tenant_id = await owner.fetchval("SELECT tenant_id FROM tenant WHERE code = 'test'")
    await owner.close()
    if also is not None:
        await also(tenant_id)
    keys = {index: secrets.token_bytes(16) for index in range(count)}
    home = load({"OPENMAINS_VAR": str(system.var)}).settings.signer_home
    town = CommandedTown(system, tenant_id, first_number, keys, master_key(home), {})
    await import_meters(system, [(town.number(k), f"{town.imei(k):015d}", "prepay") for k in keys])
    import_keys(system, {town.imei(index): key for index, key in keys.items()})
    found = await town.sql(
        "SELECT number, meter_id FROM meter WHERE number = ANY($1)", [str(town.number(k)) for k in keys]
    )
    town.meter_ids = {row["number"]: row["meter_id"] for row in found}
    enrol(system, tenant_id, ANN, administrator=True)
    enrol(system, tenant_id, BEN, approver=True)
    await asyncio.to_thread(sign_facts, system, tenant_id, ANN, BEN)
    try:
        yield town
    finally:
        for meter in town.meters:
            meter.close()
