# SPDX-License-Identifier: Apache-2.0
"""An LwM2M server and devices of ours on one perfect link, under a virtual clock: what each said, in order."""

from decimal import Decimal
from typing import Any

from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Done, RegisterWanted, Report
from openmains.wire.lwm2m.server import Server
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Value

SERVER = "server"
IMEI = "861234567890123"
METER: dict[tuple[int, ...], Value] = {
    (1, 0, 0): 101,
    (1, 0, 1): 86_400,
    (1, 0, 6): True,
    (1, 0, 7): "U",
    (3, 0, 0): "OpenMains",
    (3, 0, 9): 87,
    (3, 0, 11, 0): 0,
    (3, 0, 13): 1_789_000_000,
    (3, 0, 16): "U",
    (19, 0, 0): b"frame one",
    (19, 1, 0): b"",
    (3424, 0, 1): Decimal("12345.678"),
}


def meter_tree() -> Tree:
    """A small water meter."""
    return Tree(definitions(), METER)


class Pair:
    """``server`` and one device ``client``; datagrams arrive at once. The server accepts, and acknowledges reports with
    ``report_code`` unless that is None."""

    def __init__(self, client: Client | None = None, server: Server | None = None) -> None:
        self.now = 1000.0
        self.server = Server(seed=7) if server is None else server
        self.client = Client(meter_tree(), endpoint=f"urn:imei:{IMEI}", seed=11) if client is None else client
        self.heard: list[Any] = []
        self.felt: list[Any] = []
        self.report_code: int | None = 0x44
        self.link = "link"

    def run(self) -> None:
        """Carry datagrams until nobody has anything to say."""
        for _ in range(200):
            moved = False
            for event in self.server.handle_timer(self.now):
                self._server_event(event)
            for _, datagram in self.client.datagrams():
                moved = True
                for event in self.server.receive(datagram, self.link, self.now):
                    self._server_event(event)
            for _, datagram in self.server.datagrams():
                moved = True
                self.felt += self.client.receive(datagram, SERVER, self.now)
            if not moved:
                return
        raise AssertionError("they never stop talking")

    def _server_event(self, event: Any) -> None:
        self.heard.append(event)
        if isinstance(event, RegisterWanted):
            self.server.accept(event, self.now)
        elif isinstance(event, Report) and self.report_code is not None:
            self.server.respond(event, self.report_code, now=self.now)

    def pass_time(self, seconds: float) -> None:
        """Let timers run that come due within ``seconds``."""
        end = self.now + seconds
        self.run()
        while True:
            times = [one for one in (self.server.next_timer(), self.client.next_timer()) if one is not None]
            if not times or min(times) > end:
                self.now = end
                return
            self.now = max(self.now, min(times))
            for event in self.server.handle_timer(self.now):
                self._server_event(event)
            self.felt += self.client.handle_timer(self.now)
            self.run()

    def registered(self) -> "Pair":
        """The device registers."""
        self.client.register(SERVER, self.now)
        self.run()
        return self

    def do(self, operation: Any) -> Done:
        """An operation and its answer."""
        self.server.submit(self.link, operation, self.now)
        self.run()
        done = [event for event in self.heard if isinstance(event, Done) and event.operation is operation]
        assert len(done) == 1, self.heard[-3:]
        return done[0]

    def reports(self) -> list[Report]:
        """All reports so far."""
        return [event for event in self.heard if isinstance(event, Report)]
