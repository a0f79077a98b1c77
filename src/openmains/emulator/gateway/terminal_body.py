# SPDX-License-Identifier: Apache-2.0
"""The whole emulated meter behind a radio: it speaks the frames of its driver page, which pass the gateway as they are (type 15)."""

from collections import deque
from typing import Final

from openmains.drivers import catalog
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.body import BodyMessage
from openmains.emulator.meter.profile import Action, Attach, Send
from openmains.wire.gbt36330.frame import MessageType

UTC_OFFSET_MIN: Final = 480


class TerminalBody:
    """``MeterBody`` of a ``Terminal``. What it says is kept until the gateway has it; its answer is then the driver's, with the meter's
    own time: the radio has set that."""

    def __init__(self, terminal: Terminal, driver: str) -> None:
        self.terminal = terminal
        self._driver = catalog.load().driver(driver)
        self._open: dict[
            int, tuple[int, bytes]
        ] = {}  # by mark: the terminal's own number of the message, and the message
        self._given: set[int] = set()
        self._count = 0
        self._is_on = False

    def report(self, at_s: int) -> list[BodyMessage]:
        self._turn(at_s)
        self._given.clear()
        if not self._open:
            self._put(-1, self.terminal._frames.heartbeat(self.terminal.meter.snapshot(at_s)))
        return self.unasked(at_s)

    def unasked(self, at_s: int) -> list[BodyMessage]:
        self._turn(at_s)
        new = [mark for mark in self._open if mark not in self._given]
        self._given.update(new)
        return [BodyMessage(MessageType.CARRIED, self._open[mark][1], mark) for mark in new]

    def next_timer(self) -> int | None:
        return self.terminal.next_timer() if self._is_on else None

    def confirmed(self, said: BodyMessage, at_s: int) -> None:
        self._given.discard(said.mark)
        message, payload = self._open.pop(said.mark, (-1, said.data))
        self._carry_out(
            self.terminal.on_answer(message, self._driver.answer(payload, at_s, UTC_OFFSET_MIN), at_s), at_s
        )

    def command(self, message_type: int, data: bytes, at_s: int) -> bytes | None:
        if message_type != MessageType.CARRIED:
            return None
        self._carry_out(self.terminal.on_command(data, at_s), at_s)
        return b""

    def _turn(self, at_s: int) -> None:
        if not self._is_on:
            self._is_on = True
            self._carry_out(self.terminal.switch_on(at_s, attach_after_s=0), at_s)
        due = self.terminal.next_timer()
        if due is not None and due <= at_s:
            self._carry_out(self.terminal.handle(at_s), at_s)

    def _carry_out(self, actions: list[Action], at_s: int) -> None:
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, at_s)
            elif isinstance(action, Send):
                self._put(action.message, action.payload)

    def _put(self, message: int, payload: bytes) -> None:
        """The same message again takes the place of the one before."""
        for mark, (known, _) in list(self._open.items()):
            if known == message and message != -1:
                del self._open[mark]
        self._count += 1
        self._open[self._count] = message, payload
