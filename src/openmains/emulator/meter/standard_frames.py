# SPDX-License-Identifier: Apache-2.0
"""A meter that speaks standard LwM2M objects: its messages as SenML-CBOR packs for Send (``ReportTransport.SEND``)."""

from decimal import Decimal

from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.frames import AT_ONCE
from openmains.emulator.meter.profile import UNKNOWN, Snapshot
from openmains.emulator.meter.radio import RadioPlace
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec.values import encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.value import Item, Value

_METER = {Medium.GAS: 3423, Medium.WATER: 3424}
_STATES = {  # resource of the meter object → event
    Medium.GAS: {9: "micro_leak", 10: "gas_leak"},
    Medium.WATER: {9: "micro_leak", 11: "reverse_flow", 13: "movement"},
}
LITRE = Decimal("0.001")


def immediate_standard(medium: Medium) -> frozenset[str]:
    """Events that report at once and that these objects can say."""
    return AT_ONCE[medium] & frozenset(_STATES[medium].values())


class StandardFrames:
    """One meter's messages; its radio follows from its number. Each report has the registers frozen in its period."""

    enhanced = False

    def __init__(self, medium: Medium, number: int = 0) -> None:
        self._meter, self._states = _METER[medium], _STATES[medium]
        self._place = RadioPlace.of(number)

    def report(self, snapshot: Snapshot) -> bytes:
        """Registers with their times, states, battery, radio."""
        registers = [
            Item((self._meter, 0, 1), register * LITRE, snapshot.start_at + k * snapshot.interval_s)
            for k, register in enumerate(snapshot.freezes)
            if register != UNKNOWN
        ]
        registers.append(Item((self._meter, 0, 1), snapshot.register * LITRE, snapshot.device_at))
        return self._pack([*registers, *self._state(snapshot, snapshot.active)])

    def alarm(self, snapshot: Snapshot) -> bytes:
        """The register, and all states as they are."""
        active = set(snapshot.active) | {snapshot.event} if snapshot.raised else set(snapshot.active) - {snapshot.event}
        register = Item((self._meter, 0, 1), snapshot.register * LITRE, snapshot.device_at)
        return self._pack([register, *self._state(snapshot, frozenset(active))])

    def heartbeat(self, snapshot: Snapshot) -> bytes:
        """States and radio."""
        return self._pack(self._state(snapshot, snapshot.active))

    def time_of(self, answer: bytes) -> int | None:
        """None: LwM2M sets the clock by writing /3/0/13."""
        return None

    def _state(self, snapshot: Snapshot, active: frozenset[str]) -> list[Item]:
        items = [Item((self._meter, 0, resource), event in active) for resource, event in self._states.items()]
        radio: dict[tuple[int, ...], Value] = {
            (3, 0, 7): snapshot.battery_mv,
            (3, 0, 9): snapshot.battery_pct,
            (4, 0, 2): self._place.rsrp_of(snapshot.frame_seq) // 10,
            (4, 0, 8): self._place.cell,
        }
        return items + [Item(path, value) for path, value in radio.items()]

    def _pack(self, items: list[Item]) -> bytes:
        return encode(items, content.SENML_CBOR, (), definitions().type)
