# SPDX-License-Identifier: Apache-2.0
"""What an emulated meter keeps through a reset: one record, written as a whole or not at all.

A real meter does this with two alternating pages and a check sum. The rule that makes commands exactly-once is only
that everything a command changes in memory goes into the same write as its serial number and counter (R1.11).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.emulator.meter.prices import Account

REMEMBERED = 64  # serial numbers of commands that were carried out


@dataclass(frozen=True, slots=True)
class Pending:
    """A valve motion that a command asked for: stored before the motor starts."""

    serial: int
    code: int
    digest: bytes
    target: int
    reply_counter: int


@dataclass(frozen=True, slots=True)
class Held:
    """The record. ``done``: serial number → what was asked, oldest first."""

    signed_counter: int = 0
    plain_counter: int = 0
    done: Mapping[int, bytes] = field(default_factory=dict)
    pending: Pending | None = None
    settings: Mapping[str, int] = field(default_factory=dict)  # those that differ from the page's defaults
    host: str = ""
    port: int = 0
    account: Account = field(default_factory=Account)
    permitted_until: int = 0  # gas: until then a person may open (meter's clock)
    closed_by_command: bool = False
    closed_by_arrears: bool = False
    safety_counter: int = 0  # of safety closings: apart, so that nobody's unanswered top-up is made void
    closed_for_safety: int = 0  # the reason in the frame; the key on the spot ends it
    shut_by: tuple[str, ...] = ()  # events that shut it (``protection.py``)

    def remembering(self, serial: int, digest: bytes) -> Mapping[int, bytes]:
        """``done`` with one more, the oldest forgotten."""
        kept = {**self.done, serial: digest}
        while len(kept) > REMEMBERED:
            del kept[next(iter(kept))]
        return kept


class Store:
    """Non-volatile memory. Tests put one in its place that cuts the power before or after a write."""

    def __init__(self, held: Held | None = None) -> None:
        self.held = held or Held()

    def write(self, held: Held) -> None:
        """All of it, or nothing."""
        self.held = held
