# SPDX-License-Identifier: Apache-2.0
"""One meter behind a radio that loses, repeats and delays, led by the program's own dispatcher and turns. Time is simulated.

The commands lie in a list (``held_commands``); no coroutine of the program waits for anything here, so none needs a loop.
"""

import random
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from openmains.app.command.dispatch import Dispatcher, WakeUp
from openmains.app.command.downlink import DownFrame
from openmains.app.command.driver import Mac
from openmains.app.command.model import Stop
from openmains.app.command.ports import Change, CommandResponse
from openmains.app.command.signing_ports import SignedFrame, ToSign, Verdict
from openmains.app.command.work import sweep, take_in
from openmains.domain.command.flow import CellFlow
from openmains.domain.command.kinds import Kind
from openmains.domain.command.life import ENDS, Event
from tests.support.command_meter import ModelMeter, PlainCommands, PlainDrivers
from tests.support.held_commands import HeldCommands, Row

METER, TENANT = 1, 1
T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for something")


class WillingSigner:
    """Allows whatever it is asked, and signs it with its next counter."""

    def __init__(self, mac: Mac | None) -> None:
        self._mac, self._counter = mac, 0

    async def verdicts(self, tenant_id: int, unique_keys: Sequence[str]) -> list[Verdict]:
        del tenant_id
        return [Verdict(key, "authorised") for key in unique_keys]

    async def sign(self, wanted: Sequence[ToSign]) -> list[SignedFrame | Verdict]:
        return [self._sign(item) for item in wanted]

    def _sign(self, item: ToSign) -> SignedFrame:
        self._counter += 1
        asked = item.request
        frame = PlainCommands().command(
            asked.kind,
            asked.params,
            serial=item.serial,
            counter=self._counter,
            not_after=asked.not_after,
            mac=self._mac,
        )
        return SignedFrame(asked.unique_key, frame, self._counter)


class OpenSwitch:
    """Nobody has stopped anything."""

    def stopped(self, tenant_id: int) -> bool:
        del tenant_id
        return False

    def standing(self, tenant_id: int) -> Stop | None:
        del tenant_id
        return None

    def stop(self, tenant_id: int | None, who: str, reason: str = "") -> None:
        raise NotImplementedError


class Platform:
    """What the platform does about one meter's commands."""

    def __init__(self, mac: Mac | None = None) -> None:
        self.commands = HeldCommands()
        self.now = 0
        self._out: list[bytes] = []
        self._signer: Any = WillingSigner(mac)
        self._dispatcher = Dispatcher(
            self.commands, PlainDrivers(), self._signer, self, OpenSwitch(), CellFlow(600), clock_us=lambda: self.now * 1_000_000
        )  # fmt: skip

    async def publish(self, frames: Sequence[DownFrame]) -> None:
        """The downlink."""
        self._out += [item.frame for item in frames]

    def add(self, kind: Kind, params: Mapping[str, Any], now: int, validity_s: int) -> Row:
        """Give a command."""
        self.now = now
        row = self.commands.draft(METER, kind, params, now + validity_s)
        at_once(take_in(self.commands, self._signer, now * 1_000_000))
        return row

    def cancel(self, row: Row, now: int) -> None:
        """Try to call it off."""
        self.commands.apply_changes([Change(row.command_id, Event.CANCEL, now * 1_000_000, "ann")])

    def window(self, now: int) -> list[bytes]:
        """Frames that go out when the meter has spoken; 'sent' is stored before they leave."""
        self.now = now
        self._out = []
        at_once(self._dispatcher.wake_up([WakeUp(METER, TENANT)]))
        return self._out

    def respond(self, serial: int, code: int, now: int) -> None:
        """The meter's word has arrived."""
        self.commands.apply_responses([CommandResponse(TENANT, METER, now * 1_000_000, serial, code)])

    def sweep(self, now: int) -> None:
        """Time passes."""
        at_once(sweep(self.commands, now * 1_000_000))

    @property
    def contradictions(self) -> int:
        """Words of the meter that cannot be."""
        return sum(note.event.startswith("contradiction:") for note in self.commands.notes)

    @property
    def ended(self) -> bool:
        """Whether every command has its end."""
        return all(row.state in ENDS for row in self.commands.rows.values())


@dataclass
class Radio:
    """Both directions: what is under way, with the instant it arrives. ``loss`` and ``repeat`` in percent."""

    chance: random.Random
    loss: int
    repeat: int
    longest_delay_s: int = 60
    down: list[tuple[int, bytes]] = field(default_factory=list)
    up: list[tuple[int, tuple[int, int]]] = field(default_factory=list)

    def send(self, way: list[Any], what: Any, now: int) -> None:
        copies = 1 + (self.chance.randrange(100) < self.repeat)
        for _ in range(copies):
            if self.chance.randrange(100) >= self.loss:
                way.append((now + self.chance.randint(0, self.longest_delay_s), what))

    def arrived(self, way: list[Any], now: int) -> list[Any]:
        ready = [what for at, what in way if at <= now]
        way[:] = [entry for entry in way if entry[0] > now]
        self.chance.shuffle(ready)
        return ready


def exchange(platform: Platform, meter: ModelMeter, radio: Radio, now: int, *, window: bool, reset: bool) -> None:
    """One moment: a window perhaps, then what arrives at the meter and at the platform. ``reset``: the meter's module
    forgets its answers (R1.11: not what it has done)."""
    if window:
        for frame in platform.window(now):
            radio.send(radio.down, frame, now)
    for frame in radio.arrived(radio.down, now):
        answer = meter.receive(frame, now)
        if answer is not None and not reset:
            radio.send(radio.up, answer, now)
    for serial, code in radio.arrived(radio.up, now):
        platform.respond(serial, code, now)
