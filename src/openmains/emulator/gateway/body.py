# SPDX-License-Identifier: Apache-2.0
"""What is behind a meter's radio: what it reports, and what commands do to it.

``PlainBody`` speaks the reference content of GB/T 36330 and is as small as can be, so that fifty thousand of them fit into a test.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from openmains.domain.period import DAY_S
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.content import (
    MOST_HISTORY,
    Control,
    ControlResult,
    History,
    TopUp,
    TopUpResult,
    decode_untrusted,
    encode,
)

REMEMBERED: Final = 64  # commands
MOST_DAYS: Final = 12  # of a report, so that it fits into one data area
DONE, REFUSED, TOO_LATE, REPEAT = range(4)


@dataclass(frozen=True, slots=True)
class BodyMessage:
    """A message; ``mark``: the body's own, given back once the gateway has it."""

    message_type: int
    data: bytes
    mark: int = 0


class MeterBody(Protocol):
    """``at_s``: by the meter's own clock."""

    def report(self, at_s: int) -> list[BodyMessage]:
        """What it says in its slice, or when it is woken."""
        ...

    def unasked(self, at_s: int) -> list[BodyMessage]:
        """What it says besides, now."""
        ...

    def next_timer(self) -> int | None:
        """When ``unasked`` may have something, by its own clock; None: not before the next command."""
        ...

    def confirmed(self, said: BodyMessage, at_s: int) -> None:
        """The gateway has it."""
        ...

    def command(self, message_type: int, data: bytes, at_s: int) -> bytes | None:
        """What it answers; None: it refuses."""
        ...


class PlainBody:
    """``register(day)``: what its dial shows at 00:00 UTC of a day since 1970. Registers are kept until the gateway has them."""

    def __init__(self, register: Callable[[int], int], first_day: int, balance: int = 10_000) -> None:
        self._register = register
        self._next_day = first_day  # the first whose register the gateway does not have
        self.balance, self.valve = balance, 0
        self.effects: Counter[int] = Counter()  # by serial
        self._done: OrderedDict[int, bytes] = OrderedDict()

    def report(self, at_s: int) -> list[BodyMessage]:
        today = at_s // DAY_S
        first = max(self._next_day, today - MOST_HISTORY + 1)
        days = range(first, today + 1)[:MOST_DAYS] if today >= first else range(today, today)
        registers = tuple(map(self._register, days))
        content = History(at_s, self._register(today), self.valve, 3_600, 0, days.start, registers)
        return [BodyMessage(History.TYPE[0], encode(content), days.stop)]

    def unasked(self, at_s: int) -> list[BodyMessage]:
        return []

    def next_timer(self) -> int | None:
        return None

    def confirmed(self, said: BodyMessage, at_s: int) -> None:
        self._next_day = max(self._next_day, said.mark)

    def command(self, message_type: int, data: bytes, at_s: int) -> bytes | None:
        try:
            told = decode_untrusted(message_type, True, data)
        except WireError:
            return None
        if not isinstance(told, Control | TopUp):
            return None
        result = REPEAT if self._done.get(told.serial) == data else REFUSED if told.serial in self._done else DONE
        if result == DONE and at_s > told.valid_until:
            result = TOO_LATE
        if result == DONE:
            self._done[told.serial] = data
            if len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
            self.effects[told.serial] += 1
            if isinstance(told, Control):
                self.valve = 0 if told.action == 1 else 1
            else:
                self.balance += told.amount
        if isinstance(told, Control):
            return encode(ControlResult(told.serial, result, self.valve))
        return encode(TopUpResult(told.serial, result, told.kind, self.balance))
