# SPDX-License-Identifier: Apache-2.0
"""What gateways say of their networks, gathered at the edge until it is written: states are overtaken by newer ones, events are all kept.

An event is a line of the network's log, so its gateway is told that it is stored once it is in the database and not before. Where the database
is away for long, no more than ``MOST_EVENTS`` wait here; the rest is not taken, and the gateway says it again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from openmains.domain.ids import MeterId
from openmains.wire.gateway.messages import GatewayState
from openmains.wire.gateway.network import NodeWord, RelayWord

MOST_EVENTS: Final = 5_000
FAILURES: Final = {"relay_lost": True, "relay_back": False, "silent": True, "heard_again": False}
_RELAY: Final = re.compile(r"relay ([0-9]{1,3})(?![0-9])")


@dataclass(frozen=True, slots=True)
class EventReport:
    """``gateway``: its number; ``item``: of its ``store``; ``at_us``: 0 where the gateway had no time; ``relay`` 0, ``meter`` "": of none."""

    gateway: str
    store: str
    item: int
    at_us: int
    received_us: int
    event: str
    relay: int
    meter: str
    meter_id: MeterId | None
    detail: str

    @property
    def fails(self) -> bool | None:
        """Whether the node fails or is back; None: neither."""
        return FAILURES.get(self.event) if self.relay or self.meter else None


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """``off_ms``: its clock minus ours, None where it has none; ``day``: of its utility."""

    gateway: str
    reported_us: int
    day: int
    off_ms: int | None
    state: GatewayState


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A relay or a meter, as the state of ``gateway`` in ``run`` had it."""

    gateway: str
    run: str
    reported_us: int
    day: int
    word: RelayWord | NodeWord
    meter_id: MeterId | None = None


@dataclass(slots=True)
class Taken:
    """To be written in one transaction; ``done``: called after it."""

    gateways: list[GatewayReport] = field(default_factory=list)
    nodes: list[NodeReport] = field(default_factory=list)
    events: list[EventReport] = field(default_factory=list)
    done: list[Callable[[], None]] = field(default_factory=list)


class NetworkCache:
    """One for each broker."""

    def __init__(self) -> None:
        self._gateways: dict[str, GatewayReport] = {}
        self._nodes: dict[tuple[str, str], NodeReport] = {}
        self._events: list[tuple[EventReport, Callable[[], None]]] = []
        self.refused = 0

    def state(self, said: GatewayReport, meter_of: Callable[[str], MeterId | None]) -> None:
        """How a gateway and its nodes are now."""
        self._gateways[said.gateway] = said
        for relay in said.state.net.relays:
            self._put(NodeReport(said.gateway, said.state.run, said.reported_us, said.day, relay))
        for node in said.state.net.nodes:
            self._put(NodeReport(said.gateway, said.state.run, said.reported_us, said.day, node, meter_of(node.number)))

    def _put(self, node: NodeReport) -> None:
        self._nodes[node.gateway, str(node.word.number)] = node

    def event(self, event: EventReport, done: Callable[[], None]) -> None:
        """``done`` once it is on disk."""
        if len(self._events) >= MOST_EVENTS:
            self.refused += 1
            return
        self._events.append((event, done))

    def take(self) -> Taken | None:
        """All there is; None where there is nothing."""
        if not (self._gateways or self._nodes or self._events):
            return None
        taken = Taken(
            list(self._gateways.values()),
            list(self._nodes.values()),
            [event for event, _ in self._events],
            [done for _, done in self._events],
        )
        self._gateways, self._nodes, self._events = {}, {}, []
        return taken

    def again(self, taken: Taken) -> None:
        """It could not be written; what is newer stays."""
        self._gateways = {said.gateway: said for said in taken.gateways} | self._gateways
        self._nodes = {(node.gateway, str(node.word.number)): node for node in taken.nodes} | self._nodes
        self._events = [*zip(taken.events, taken.done, strict=True), *self._events]


def relay_of(detail: str) -> int:
    """A relay that an event names at its beginning; 0: none."""
    found = _RELAY.match(detail)
    return int(found[1]) if found is not None and int(found[1]) <= 255 else 0
