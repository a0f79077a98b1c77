# SPDX-License-Identifier: Apache-2.0
"""Meters with a session at this edge: which are in memory, how one comes back from the store, how it leaves.

Memory is a cache of the store (ADR 0009). The least recently heard session leaves first; its last sequence number is
written with it, so that coming back within the same run costs no write. After a crash nothing below the reserved
number is used again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from openmains.app.link.ports import SessionStore
from openmains.app.security.keys.ports import KeyName
from openmains.domain.fleet.identifiers import imei_text
from openmains.wire.dtls.session import Session
from openmains.wire.errors import WireError

Address = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class CachedTerminal:
    """A ``Terminal`` over a DTLS session in memory, whose owner it is. ``heard_at``: the address of its newest message.
    ``held``: what could not be sent before a reservation is on disk. ``key``: the one the session was made with, until it is in service."""

    imei: int
    text: str
    cid: bytes
    session: Session
    heard_at: Any
    peer: str
    heard_us: int = 0
    held: list[bytes] | None = None
    key: KeyName | None = None

    @property
    def host(self) -> str:
        host: str = self.heard_at[0]
        return host

    @property
    def address(self) -> object:
        return self.session.address

    @property
    def proven(self) -> bool:
        return self.session.confirmed


def peer_text(address: Address) -> str:
    """An address as it is stored and shown."""
    return " ".join(map(str, address))


class Terminals:
    """The cache. ``leave(terminal)`` is called when one leaves memory. ``run``: not 0, another one for each process."""

    def __init__(self, store: SessionStore, run: int, most: int, leave: Callable[[CachedTerminal], None]) -> None:
        self._store = store
        self._run = run
        self._most = most
        self._leave = leave
        self._live: OrderedDict[bytes, CachedTerminal] = OrderedDict()
        self._by_imei: dict[int, CachedTerminal] = {}
        self.unreadable = 0

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[CachedTerminal]:
        return iter(list(self._live.values()))

    def get(self, cid: bytes) -> CachedTerminal | None:
        """In memory only."""
        return self._live.get(cid)

    def of_imei(self, imei: int) -> CachedTerminal | None:
        """In memory only."""
        return self._by_imei.get(imei)

    def load(self, cid: bytes) -> tuple[Session, bytes | None] | None:
        """A stored session and its registration; None when there is none, or when it is in memory (a second copy of a session
        would use its sequence numbers again)."""
        stored = None if cid in self._live else self._store.find(cid)
        if stored is None:
            return None
        try:
            session = Session.load(stored.secrets)
        except (WireError, ValueError):
            self.unreadable += 1
            return None
        session.go_on(
            reserved=stored.reserved, newest=stored.newest, sent=stored.sent if stored.run == self._run else None
        )
        self.add(session, stored.imei).heard_us = stored.heard_us
        return session, stored.registration

    def add(self, session: Session, imei: int) -> CachedTerminal:
        """Into the cache, as the newest of its meter; whoever is over the limit leaves."""
        address: Any = session.address
        terminal = CachedTerminal(imei, imei_text(imei), session.cid, session, address, peer_text(address))
        session.owner = terminal
        self._live[session.cid] = terminal
        self._by_imei[imei] = terminal
        while len(self._live) > self._most:
            self.evict(next(iter(self._live.values())))
        return terminal

    def seen(self, terminal: CachedTerminal, now_us: int) -> None:
        """A fresh record came."""
        session = terminal.session
        self._live.move_to_end(session.cid)
        if self._by_imei.get(terminal.imei) is not terminal:
            self._by_imei[terminal.imei] = terminal
        address: Any = session.address
        if address is not terminal.heard_at:
            terminal.heard_at, terminal.peer = address, peer_text(address)
        terminal.heard_us = now_us
        self._store.note(session.cid, session.newest, terminal.peer, now_us, 0, 0)

    def evict(self, terminal: CachedTerminal) -> None:
        """Out of memory, still in the store."""
        session = terminal.session
        self._store.note(session.cid, session.newest, terminal.peer, terminal.heard_us, session.send_seq, self._run)
        self.drop(terminal)

    def drop(self, terminal: CachedTerminal) -> None:
        """Out of memory; what is stored is the caller's business."""
        self._leave(terminal)
        self._live.pop(terminal.session.cid, None)
        if self._by_imei.get(terminal.imei) is terminal:
            del self._by_imei[terminal.imei]
