# SPDX-License-Identifier: Apache-2.0
"""A commanded meter on a table: steady supply, the platform's side of the frames, answers as plain numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openmains.drivers.model import Kind
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.authorise import command_mac
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import Account
from openmains.emulator.meter.profile import Action, Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Valve
from tests.drivers.test_all_drivers import meaning

T0 = 1_767_283_200  # 2026-01-01 16:00 UTC, midnight at +8
KEY = bytes(range(32))
BASE = 1_000_000
NUMBER = 202_600_123_456


def steady(litres_per_h: int) -> Any:
    """A supply that flows evenly; ``BASE`` litres at T0."""

    def registers(instants: Sequence[int]) -> list[int]:
        return [BASE + (at - T0) * litres_per_h // 3600 for at in instants]

    return registers


@dataclass
class Bench:
    """Runs a terminal under virtual time; every request of the meter is answered at once with the time."""

    terminal: Terminal
    now: int = T0
    counter: int = 0
    serial: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        driver: str = "openmains/water-1",
        *,
        account: Account | None = None,
        litres_per_h: int = 60,
        store: Store | None = None,
        valve: Valve | None = None,
        settings: Mapping[str, int] | None = None,
        profile: Profile | None = None,
        supply: Any = None,
        body: Body | None = None,
    ) -> "Bench":
        """Switched on, reported, reachable."""
        store = store or Store(Held(account=account or Account(), settings=dict(settings or {})))
        bench = cls(
            Terminal(
                NUMBER,
                profile or Profile(),
                supply or steady(litres_per_h),
                DriverFrames(driver, NUMBER),
                key=KEY,
                store=store,
                valve=valve,
                body=body,
            )
        )
        bench.do(bench.terminal.switch_on(bench.now, attach_after_s=0))
        return bench

    def do(self, actions: Sequence[Action]) -> list[dict[str, Any]]:
        """Carry out the actions and those that follow; returns what was said."""
        said: list[dict[str, Any]] = []
        todo = list(actions)
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, self.now)
            elif isinstance(action, Send):
                found = meaning(self.terminal._frames.driver, action.payload)
                assert found is not None
                said.append(found)
                answer = self.terminal._frames.driver.answer(action.payload, self.now, 480)
                todo += self.terminal.on_answer(action.message, answer, self.now)
        self.heard += said
        return said

    def run(self, seconds: int) -> list[dict[str, Any]]:
        """Let virtual time pass."""
        said: list[dict[str, Any]] = []
        end = self.now + seconds
        while (due := self.terminal.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            said += self.do(self.terminal.handle(self.now))
        self.now = end
        return said + self.do(self.terminal.handle(end))

    def frame(self, kind: str, params: Mapping[str, object] | None = None, **head: int) -> bytes:
        """A frame of the platform, signed where it must be; serial and counter go up unless given."""
        self.serial = head.get("serial", self.serial + 1)
        self.counter = head.get("counter", self.counter + 1)
        return self.terminal._frames.driver.command(
            kind,
            params or {},
            serial=self.serial,
            counter=self.counter,
            not_after=head.get("not_after", self.now + 3600),
            mac=lambda body: command_mac(KEY, body),
        )

    def command(self, kind: str, params: Mapping[str, object] | None = None, **head: int) -> dict[str, Any]:
        """Send a command, let the valve arrive, return the result message."""
        return self.deliver(self.frame(kind, params, **head))

    def deliver(self, frame: bytes) -> dict[str, Any]:
        said = self.do(self.terminal.on_command(frame, self.now)) + self.run(10)
        results = [m for m in said if m["kind"] == Kind.COMMAND_RESULT and m["command_serial"]]
        assert results, said
        return results[-1]
