# SPDX-License-Identifier: Apache-2.0
"""What a fleet is made of and what is told of it: its meters, what goes wrong, the radio, the sessions, the counts."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from openmains.emulator.device.endpoint import PERFECT, Network
from openmains.emulator.device.secure_device import OFFERS, DtlsOffer, ReportTransport
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.memory import Memory
from openmains.emulator.meter.profile import Frames, Profile
from openmains.emulator.meter.radio import RadioPlace
from openmains.emulator.meter.store import Held
from openmains.wire.coap.reliability import RFC7252, Timing


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """One meter of the fleet. ``number`` decides its consumption and its spreading."""

    imei: str
    number: int
    medium: Medium
    frames: Frames
    profile: Profile
    held: Held | None = None  # a prepaid account, settings: what a meter with commands holds when it is new
    used_permille: int = 0  # of its battery
    place: RadioPlace | None = None  # its cell and signal, if not from its number
    energy_share_ppm: int = 1_000_000  # see ``Battery``


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, besides the network. Shares are 0…1."""

    drift_ppm: int = 0  # clocks drift by up to ± this
    register_resets: float = 0.0  # share of reports before which the register falls to 0
    wrong_crc: float = 0.0  # share of messages with one broken byte
    unknown: float = 0.0  # share of meters whose IMEI is registered nowhere
    attach_failures: float = 0.0
    alarms_per_day: float = 0.0  # causes of events a meter and (virtual) day (``meter/causes.py``)
    pace: int = 1  # so many times faster do these run their course
    busy: float = 0.0  # share of messages that the module refuses with error 513 (T4.2.2)


@dataclass(frozen=True, slots=True)
class Secure:
    """Meters with DTLS sessions. ``psks``: IMEI → key; ``imsis``: IMEI → IMSI for the registration (R13.3).

    ``transport`` is for meters that ``transports`` (by IMEI) does not name. ``address_changes``: share of messages before which a meter's
    address has changed. ``offer``: what the modules' DTLS stacks have.
    """

    psks: Mapping[str, bytes]
    imsis: Mapping[str, str] = field(default_factory=dict)
    transport: ReportTransport = ReportTransport.OBJECT19
    transports: Mapping[str, ReportTransport] = field(default_factory=dict)
    address_changes: float = 0.0
    offer: DtlsOffer = OFFERS["all"]


@dataclass(frozen=True, slots=True)
class Radio:
    """What lies between meters and platform. ``sockets`` 0: as many as the fleet needs; equal to the number of meters: one
    each. ``rate`` > 0 caps messages a second."""

    network: Network = PERFECT
    timing: Timing = RFC7252
    sockets: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Commanded:
    """The meters that obey commands and have a valve, all of them only over ``Secure``. ``keys``: IMEI → command key.
    ``memory``: what they keep from one run to the next. ``press_after_s``: virtual seconds until somebody presses the
    button of a meter that permits to open, or that shut its valve for a reason that is over (0: nobody does)."""

    keys: Mapping[str, bytes] = field(default_factory=dict)
    memory: Memory | None = None
    press_after_s: int = 0


@dataclass(slots=True)
class FleetSummary:
    """Counts since the start; latencies in ms from the first transmission to the acknowledgement."""

    meters: int = 0
    seconds: float = 0.0
    sent: int = 0
    acknowledged: int = 0
    retransmitted: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    p50_ack_ms: float = 0.0
    p99_ack_ms: float = 0.0
    virtual_now: int = 0
    commands: int = 0
    handshakes: int = 0
    moved: int = 0

    def json(self) -> str:
        """One line."""
        return json.dumps(
            {
                "meters": self.meters,
                "seconds": round(self.seconds, 1),
                "sent": self.sent,
                "acknowledged": self.acknowledged,
                "retransmitted": self.retransmitted,
                "p50_ack_ms": round(self.p50_ack_ms, 1),
                "p99_ack_ms": round(self.p99_ack_ms, 1),
                "failed": dict(self.failed),
                "kinds": dict(self.kinds),
                "virtual_now": self.virtual_now,
                "commands": self.commands,
                "handshakes": self.handshakes,
                "moved": self.moved,
            }
        )

    def line(self) -> str:
        """For people, once a second."""
        failed = " ".join(f"{reason}:{count}" for reason, count in self.failed.most_common(4)) or "-"
        return (
            f"{self.seconds:6.0f} s  sent {self.sent}  acknowledged {self.acknowledged}  "
            f"retransmitted {self.retransmitted}  p50 {self.p50_ack_ms:.0f} ms  p99 {self.p99_ack_ms:.0f} ms  "
            f"failed {failed}"
        )


class VirtualClock:
    """Virtual seconds UTC: ``start`` when made, ``speed`` virtual seconds a real one."""

    def __init__(self, start: float, speed: float, real: Callable[[], float]) -> None:
        self._start, self._speed, self._real, self._origin = start, speed, real, real()

    def now(self) -> float:
        return self._start + (self._real() - self._origin) * self._speed

    def real_wait(self, until: float) -> float:
        """Real seconds until a virtual instant; 0 if it has passed."""
        return max(0.0, (until - self.now()) / self._speed)
