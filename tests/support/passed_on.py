# SPDX-License-Identifier: Apache-2.0
"""The emulator's meter behind somebody who passes its frames on: a network server, an operator's platform. Its time comes from there, so what
the platform answers to a report is made of the driver; what comes down is given to ``hear``."""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from openmains.drivers import catalog
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, NONE, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Action, Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from tests.support.commanded import DRIVER, RICH_FEN, still

UTC_OFFSET_MIN = 480
SOON_S = 60  # what is due at the meter within it is done at once: a valve's way, an answer


def prepay_terminal(number: int, key: bytes, *, money: bool) -> Terminal:
    """One whose balance is far above every threshold, or that has none."""
    price = PriceSet(1, 0, 1, 12, False, (0,), (25_000,))
    account = Account(MONEY if money else NONE, RICH_FEN * UNITS_A_FEN if money else 0, price=price)
    return Terminal(number, Profile(), still, DriverFrames(DRIVER, number), key=key, store=Store(Held(account=account)))


class PassedOnMeter:
    """``pass_on(payload)``: whoever stands before it takes what it says. ``frames``: all that came down, in order."""

    def __init__(self, number: int, key: bytes, pass_on: Callable[[bytes], Awaitable[None]], *, money: bool) -> None:
        self.terminal = prepay_terminal(number, key, money=money)
        self.frames: list[bytes] = []
        self._pass_on = pass_on

    async def begin(self) -> None:
        """Switched on; its first report."""
        await self.carry_out(self.terminal.switch_on(int(time.time()), attach_after_s=0))
        await self.run_on(SOON_S)

    async def speak(self) -> None:
        """A short report."""
        frame = self.terminal._frames.heartbeat(self.terminal.meter.snapshot(int(time.time())))
        await self.carry_out([Send(-1, "heartbeat", frame, 1)])

    async def hear(self, frame: bytes) -> None:
        """What came down; it acts, and answers."""
        self.frames.append(frame)
        await self.carry_out(self.terminal.on_command(frame, int(time.time())))
        await self.run_on(SOON_S)

    async def run_on(self, seconds: int) -> None:
        """What is due at the meter in the next seconds, now."""
        until_s = int(time.time()) + seconds
        while (due := self.terminal.next_timer()) is not None and due <= until_s:
            await self.carry_out(self.terminal.handle(max(due, int(time.time()))))

    async def carry_out(self, actions: Sequence[Action]) -> None:
        """What it does, and what it does about the answers."""
        todo, now = deque(actions), int(time.time())
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, now)
            elif isinstance(action, Send):
                await self._pass_on(action.payload)
                answer = catalog.load().driver(DRIVER).answer(action.payload, now, UTC_OFFSET_MIN)
                todo += self.terminal.on_answer(action.message, answer, now)
