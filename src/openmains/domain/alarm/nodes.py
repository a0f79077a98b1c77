# SPDX-License-Identifier: Apache-2.0
"""Faults of network nodes – gateways and their relays – as alarms (R5.5, R7.1, ADR 0069). Pure: what is wrong now and which alarms are open go
in; what is raised and what is over come out.

A fault is a standing fact that is looked at every two seconds, not an event: who was away finds it again, and who looks twice raises once.

| open | fault | result |
|---|---|---|
| no | stands | raised, unless a person said less than ``HUSHED_S`` ago that it is over |
| no | a clock that is off by less than ``OFF_MS`` | – |
| yes | stands, a clock until it is within ``WELL_AGAIN_MS`` | – |
| yes | gone, or the node is gone, or another utility's | cleared |
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from openmains.domain.ids import AlarmId, TenantId

NODE_EVENTS: Final[dict[str, tuple[str, str, str]]] = {  # how grave, and the name in both languages
    "gateway_silent": ("major", "网关失联", "Gateway silent"),
    "gateway_duplicated": ("major", "网关重复", "Duplicate gateway"),
    "relay_lost": ("major", "中继失联", "Relay lost"),
    "gateway_clock_off": ("minor", "网关时钟偏差", "Gateway clock off"),
    "gateway_on_battery": ("minor", "网关由电池供电", "Gateway on battery"),
    "concentrator_silent": ("major", "集中器失联", "Concentrator or DTU silent"),
}
SILENT_S: Final = 200  # after its edge began anew: three times a gateway should have said how it is
LATE_S: Final = (300, 26 * 3_600, 11 * 86_400, 32 * 86_400)
"""So long after its connection ended a concentrator or DTU that is always on is silent; after its newest word one that wakes by the day, the
ten days, the month – by the number that it registers with (``wire/station/content.py``)."""
DOUBLE_S: Final = 5_400  # a duplicate is over when nothing was seen of it for so long; gateways say it once an hour
OFF_MS: Final = 2_000  # R5.2: clocks within 2 s
WELL_AGAIN_MS: Final = 1_000
HUSHED_S: Final = 3_600
AGAIN_US: Final = 30_000_000


@dataclass(frozen=True, slots=True)
class NodeKey:
    """What is wrong with whom; ``relay`` 0: the gateway itself."""

    event: str
    tenant_id: TenantId
    concentrator_id: int
    relay: int


@dataclass(frozen=True, slots=True)
class NodeFault:
    """``number``: the gateway's; ``since_us``: when it was last well, or said so; ``off_ms``: of a clock, else 0."""

    key: NodeKey
    number: str
    since_us: int
    off_ms: int = 0

    @property
    def node(self) -> str:
        """As people read it: the gateway's number, with the relay's behind it."""
        return f"{self.number}/R{self.key.relay}" if self.key.relay else self.number

    @property
    def begins(self) -> bool:
        """Whether it is enough to raise an alarm, not only to keep one."""
        return self.key.event != "gateway_clock_off" or abs(self.off_ms) >= OFF_MS


class ClockReports:
    """Clocks that one report said are off: only a second one, ``AGAIN_US`` later, is believed. Reports that waited at the broker while no edge
    was there look like clocks that are late, and come all at once."""

    def __init__(self) -> None:
        self._first: dict[NodeKey, int] = {}

    def unsure(self, faults: Iterable[NodeFault]) -> set[NodeKey]:
        """Those of which that second report has not come. ``since_us`` is when the report came."""
        off = {fault.key: fault.since_us for fault in faults if fault.key.event == "gateway_clock_off" and fault.begins}
        self._first = {key: min(self._first.get(key, at), at) for key, at in off.items()}
        return {key for key, at in off.items() if at - self._first[key] < AGAIN_US}


@dataclass(frozen=True, slots=True)
class OpenNodeAlarm:
    """An alarm about a node that is not over."""

    alarm_id: AlarmId
    key: NodeKey


def decide(
    faults: Iterable[NodeFault], open_alarms: Sequence[OpenNodeAlarm], hushed: Collection[NodeKey]
) -> tuple[list[NodeFault], list[AlarmId]]:
    """What is raised, in the order of its nodes, and which alarms are over. ``hushed``: what a person said is over less than ``HUSHED_S`` ago,
    and what is not sure yet."""
    standing = {fault.key: fault for fault in faults}
    known = {alarm.key for alarm in open_alarms}
    raised = [fault for key, fault in standing.items() if fault.begins and key not in known and key not in hushed]
    raised.sort(key=lambda fault: (fault.key.concentrator_id, fault.key.relay, fault.key.event))
    return raised, [alarm.alarm_id for alarm in open_alarms if alarm.key not in standing]
