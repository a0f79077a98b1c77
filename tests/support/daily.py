# SPDX-License-Identifier: Apache-2.0
"""Messages of a water meter that speaks the reference driver, and what the API must say of them."""

import time
from dataclasses import dataclass, field

from openmains.domain.period import zone
from openmains.drivers import catalog
from openmains.drivers.model import Kind

DRIVER = catalog.load().driver("openmains/water-1")
SLOTS = 48


@dataclass(slots=True)
class Daily:
    """The report of a meter on yesterday (local days of ``place``), sent now."""

    number: int
    seq: int = 1
    base: int = 100_000
    events: list[str] = field(default_factory=list)
    place: str = "Asia/Shanghai"
    sent_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def start(self) -> int:
        """Start of yesterday, s UTC."""
        here = zone(self.place)
        return here.start_of(here.day_of(self.sent_at) - 1)

    @property
    def midnight(self) -> int:
        """Start of today, s UTC."""
        return self.start + SLOTS * 1800

    @property
    def increments(self) -> list[int]:
        """Litres of each half hour."""
        return [(self.number * 7 + slot * 13) % 29 for slot in range(SLOTS)]

    @property
    def register(self) -> int:
        """Register now."""
        return self.base + sum(self.increments) + 12

    def frame(self) -> bytes:
        """The message."""
        history = [self.base + sum(self.increments), *(self.base - 251 * back for back in range(7))]
        return DRIVER.encode(
            Kind.REPORT,
            {
                **head(self.number, self.seq, self.sent_at, self.events),
                "interval_s": 1800,
                "start_at": self.start,
                "base": self.base,
                "increments": self.increments,
                "register": self.register,
                "history": history,
                "history_at": [self.midnight - 86_400 * back for back in range(len(history))],
                "balance": 4250,
                "rsrp_ddbm": -1013,
                "sinr_ddb": 45,
                "ecl": 1,
                "pci": 321,
                "cell": 19_114_957,
                "earfcn": 3736,
                "battery_pct": 87,
                "battery_mv": 3584,
            },
            "report",
        )


def head(number: int, seq: int, sent_at: int, events: list[str]) -> dict[str, object]:
    """Points that all messages have."""
    return {
        "frame_seq": seq,
        "device_at": sent_at,
        "meter_number": number,
        "events": events,
        "valve": 0,
        "balance_kind": 0,
    }


def alarm(number: int, seq: int, events: list[str], register: int) -> bytes:
    """An alarm message sent now: all events that are active; none of them: everything is over."""
    now = int(time.time())
    values = head(number, seq, now, events)
    values |= {"raised_at": now - 5, "register": register, "balance": 0, "battery_mv": 3584, "rsrp_ddbm": -1013}
    return DRIVER.encode(Kind.ALARM, values | {"attempt": 1})


def heartbeat(number: int, seq: int) -> bytes:
    """State only, nothing active."""
    values = head(number, seq, int(time.time()), [])
    values |= {"rsrp_ddbm": -1013, "sinr_ddb": 45, "ecl": 1, "battery_pct": 87, "battery_mv": 3584}
    return DRIVER.encode(Kind.HEARTBEAT, values)
