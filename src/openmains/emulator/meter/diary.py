# SPDX-License-Identifier: Apache-2.0
"""What really happened to an emulated meter: causes, events, closings, each with its instant and its reason.

No part of a real meter: its own log (R1.14) does not know why. A test holds the platform's alarms against this.
"""

from dataclasses import dataclass, field
from enum import StrEnum

MOST = 2_000  # newest entries kept, and up to as many more until the oldest go


class What(StrEnum):
    """Of an entry."""

    CAUSE = "cause"  # begins or ends in the world; ``name`` is a Cause
    EVENT = "event"  # the meter sees it or sees it end; ``name`` is an event of points.toml
    VALVE = (
        "valve"  # shut (on) or opened by the meter itself or at the meter; ``name`` is the event, 'arrears' or 'press'
    )
    POWER = "power"  # the meter works (on) or is dead


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: true time; ``device_at``: the meter's clock (s). ``why``: a Cause, an event, or 'own'."""

    at: int
    device_at: int
    what: What
    name: str
    on: bool
    why: str = ""


@dataclass(slots=True)
class Diary:
    """Of one meter, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, at: int, device_at: int, what: What, name: str, on: bool, why: str = "") -> None:
        """Something happened."""
        if len(self.entries) >= 2 * MOST:
            del self.entries[:MOST]
        self.entries.append(Entry(at, device_at, what, name, on, why))

    def of(self, what: What, name: str = "") -> list[Entry]:
        """Entries of one kind, and name if given."""
        return [entry for entry in self.entries if entry.what is what and name in ("", entry.name)]
