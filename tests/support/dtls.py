# SPDX-License-Identifier: Apache-2.0
"""Both ends of DTLS with an application behind the server, for tests: direct, or on ``tests/support/lossy.py``.

``Site`` is a server whose application answers at once: keys from a table, sessions into a store that survives
:meth:`Site.restart`, every received message answered if so wanted.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from openmains.wire.dtls.client import Client, Timing
from openmains.wire.dtls.events import Established, KeyWanted, Limits, Received
from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.session import Session

PSK = bytes(range(16))
IDENTITY = b"860000000000001"
SERVER = "server"
HOME: Peer = ("192.0.2.7", 40_000)
SECRET = bytes(range(32))


class Site:
    """A server, the keys it knows, and the store of its sessions.

    ``events``: all that the server told, in order. ``delivered``: application data, in order. ``answer``: what to send back
    to a message, None: nothing. ``store_each``: store a session again at each message, so that not even a kill lets a record
    count twice. ``weak``: clients with CBC only or without extended master secret are let in. ``late_keys``/``late_store``:
    leave KeyWanted or Established to the test.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        seed: int = 1,
        node: int = 1,
        keys: dict[bytes, bytes] | None = None,
        answer: Callable[[bytes], bytes | None] = lambda _: None,
        late_keys: bool = False,
        late_store: bool = False,
        store_each: bool = False,
        weak: bool = False,
    ) -> None:
        self.limits = limits or Limits()
        self.random = Random(seed)  # noqa: S311 – repeatable is the point
        self.node = node
        self.keys = {IDENTITY: PSK} if keys is None else keys
        self.answer = answer
        self.late_keys, self.late_store = late_keys, late_store
        self.store_each = store_each
        self.weak = weak
        self.store: dict[bytes, bytes] = {}
        self.events: list[Any] = []
        self.delivered: list[bytes] = []
        self.server = self._new_server()

    def _new_server(self) -> Server:
        random = self.random.randbytes
        return Server(
            self.limits,
            node=self.node,
            secret=SECRET,
            random=random,
            load=self.load,
            load_at=self.load_at,
            weak=self.weak,
        )

    def load(self, cid: bytes) -> Session | None:
        raw = self.store.get(cid)
        return None if raw is None else Session.load(raw)

    def load_at(self, peer: Peer) -> Session | None:
        """The newest of the peer's that uses no connection id."""
        stored = [Session.load(raw) for raw in self.store.values()]
        return next((each for each in reversed(stored) if not each.uses_cid and each.peer == peer), None)

    def restart(self) -> None:
        """kill -9: all that was not stored is gone."""
        self.server = self._new_server()

    def save(self, session: Session) -> None:
        """Store a session with the next reservation, and use that."""
        session.reserve()
        self.store[session.cid] = session.dump()
        session.reserved_durable()

    def send(self, session: Session, data: bytes, now: float) -> bool:
        """As the edge does it: reservations are made durable before they are needed."""
        if session.wants_reservation:
            self.save(session)
        return self.server.send(session, data, now)

    # --- the shape of an endpoint on the lossy network ---

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[Any]:
        return self.react(self.server.receive(datagram, peer, now), now)

    def react(self, events: Any, now: float) -> list[Any]:
        """Do what the application does about events; all that happened."""
        queue, happened = list(events), []
        while queue:
            event = queue.pop(0)
            happened.append(event)
            if isinstance(event, KeyWanted) and not self.late_keys:
                queue += self.server.provide_key(event.handshake, self.keys.get(event.identity), now)
            elif isinstance(event, Established) and not self.late_store:
                self.store[event.session.cid] = event.session.dump()
                queue += self.server.commit(event.session, now)
            elif isinstance(event, Received):
                self.delivered.append(event.data)
                if self.store_each:
                    self.store[event.session.cid] = event.session.dump()
                said = self.answer(event.data)
                if said is not None:
                    self.send(event.session, said, now)
        self.events += happened
        return happened

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        return self.server.datagrams()

    def next_timer(self) -> float | None:
        return self.server.next_timer()

    def handle_timer(self, now: float) -> list[Any]:
        return self.react(self.server.handle_timer(now), now)

    def of(self, kind: type) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def session(self) -> Session:
        """The session established last."""
        session: Session = self.of(Established)[-1].session
        return session


def make_client(seed: int = 2, **options: Any) -> Client:
    """A client with the key that ``Site`` knows."""
    chosen: dict[str, Any] = {"psk": PSK, "identity": IDENTITY, "random": Random(seed).randbytes} | options  # noqa: S311
    return Client(SERVER, **chosen)


PATIENT = Timing(first_wait_s=9.0, max_wait_s=60.0, retransmissions=40)


class Line:
    """A perfect line between a site and one client; keeps what went over it, and what the client was told."""

    def __init__(self, site: Site, client: Client, home: Peer = HOME) -> None:
        self.site, self.client, self.home = site, client, home
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.told: list[Any] = []

    def carry(self, now: float = 0.0) -> None:
        """Until nobody has anything to say."""
        while True:
            up = [raw for _, raw in self.client.datagrams()]
            for raw in up:
                self.site.receive(raw, self.home, now)
            down = [raw for peer, raw in self.site.datagrams() if peer == self.home]
            for raw in down:
                self.told += self.client.receive(raw, SERVER, now)
            self.up += up
            self.down += down
            if not up and not down:
                return

    def connect(self, now: float = 0.0) -> Session:
        """A whole handshake; the server's session."""
        self.client.start(now)
        self.carry(now)
        return self.site.session

    def say(self, data: bytes, now: float = 0.0) -> None:
        assert self.client.send(data, now)
        self.carry(now)

    def next_up(self, data: bytes) -> bytes:
        """A record of the client with ``data``, not carried."""
        assert self.client.send(data, 0.0)
        [(_, raw)] = self.client.datagrams()
        return raw


def connected(site: Site | None = None, **options: Any) -> Line:
    """A site and a client after their handshake."""
    line = Line(site or Site(), make_client(**options))
    line.connect()
    return line


def hello_of(seed: int = 2) -> bytes:
    """A client's first datagram."""
    client = make_client(seed)
    client.start(0.0)
    [(_, raw)] = client.datagrams()
    return raw


def hello_with_cookie(site: Site, now: float, peer: Any = HOME, seed: int = 2) -> bytes:
    """A hello with the cookie that the site gave to ``peer``."""
    client = make_client(seed)
    client.start(now)
    site.datagrams()
    [(_, raw)] = client.datagrams()
    site.server.receive(raw, peer, now)
    [(_, verify)] = site.datagrams()
    client.receive(verify, SERVER, now)
    [(_, raw)] = client.datagrams()
    return raw
