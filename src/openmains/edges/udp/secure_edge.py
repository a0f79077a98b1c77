# SPDX-License-Identifier: Apache-2.0
"""The DTLS socket of the edge: opens records, keeps sessions over restarts and address changes, seals the answers.

    socket → limiter → wire.dtls → Terminals → Traffic (LwM2M, reports, commands) → wire.dtls → socket

A session, with Connection ID or without, is on disk before its handshake ends, sequence numbers are reserved on disk before they are
used, and a record for another node's session goes to that node. What the meters say is none of this file's business: see ``app/link``.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.ports import Bridge, LinkUser, SessionStore, Terminal, Watch
from openmains.app.link.terminals import CachedTerminal, Terminals, peer_text
from openmains.app.security.key_lookup import KeyLookup
from openmains.app.security.keys.ports import KeyName, TerminalKeys
from openmains.app.security.refusals import RefusalStage
from openmains.domain.fleet.endpoint_name import EndpointName, NameFault, parse_identity_untrusted
from openmains.domain.fleet.identifiers import is_imei
from openmains.edges.udp.shell import UdpShell
from openmains.wire.dtls import events as dtls
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.session import Session

FORWARDED = 3  # host, port, node: a peer that spoke to another node. A socket's own have 2 parts (IPv4) or 4 (IPv6)


def imei_of(identity: bytes) -> int | None:
    """The IMEI that a PSK identity names, None: none in a known form."""
    name = parse_identity_untrusted(identity)
    return int(name.imei) if isinstance(name, EndpointName) else None


class SecureEdge:
    """Serves one socket in the running event loop until ``close``. Time is the loop's clock."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        node: int,
        secret: bytes,
        random: Callable[[int], bytes],
        store: SessionStore,
        desk: KeyLookup,
        limiter: AddressLimiter,
        shedding: Shedding,
        watch: Watch,
        cache: int,
        now_us: Callable[[], int],
    ) -> None:
        self._shell = UdpShell(sock, limiter, self, shedding)
        self._loop = asyncio.get_running_loop()
        self._store = store
        self._desk = desk
        self._watch = watch
        self._now_us = now_us
        self._dtls = Server(node=node, secret=secret, random=random, load=self._load, load_at=self._load_at, weak=True)
        self._terminals = Terminals(store, int.from_bytes(random(7), "big") | 1, cache, self._leave)
        self._user: LinkUser | None = None
        self._bridge: Bridge | None = None
        # Their rows may be read already, and a second copy of a session must not be made of them.
        self._storing: set[bytes] = set()
        self.not_stored = 0
        self._refused: Counter[str] = Counter()

    def start(self, user: LinkUser, bridge: Bridge) -> None:
        """Begin to read."""
        self._user, self._bridge = user, bridge
        self._shell.start()

    def stop_reading(self) -> None:
        """Take nothing new, but still answer what was taken."""
        self._shell.stop_reading()

    def close(self) -> None:
        """After ``stop_reading``: every session is noted with its last number, so that the next start writes nothing."""
        for terminal in self._terminals:
            self._terminals.evict(terminal)
        self._shell.close()

    @property
    def counters(self) -> dict[str, int]:
        """What happened here, by name."""
        counted = {f"dtls.{name}": value for name, value in self._dtls.counters.items()}
        return counted | {
            "dtls.sessions": len(self._terminals),
            "dtls.not_stored": self.not_stored,
            "dtls.unreadable": self._terminals.unreadable,
            "secure.received": self._shell.received,
            "secure.sent": self._shell.sent,
            "secure.ignored.flood": self._shell.ignored,
            "shed.kernel": self._shell.dropped,
            "secure.send_failed": self._shell.send_failed,
            **self._desk.counters,
            **self._refused,
        }

    # --- what comes in ---

    def take_forwarded(self, node: int, address: tuple[str, int], datagram: bytes) -> None:
        """A record of ours that came to another node; it is answered from there."""
        self.datagram_received(datagram, (*address, node), Verdict.PASS, self._loop.time())
        self.transmit_soon()

    def send_forwarded(self, address: tuple[str, int], datagram: bytes) -> None:
        """What another node answers to a meter that spoke to us."""
        self._shell.send(datagram, address)

    def datagram_received(self, datagram: bytes, peer: Any, verdict: Verdict, now: float) -> None:
        """One datagram of an address that is not ignored."""
        self._on_events(self._dtls.receive(datagram, peer, now), now)

    def _on_events(self, events: list[dtls.ServerEvent], now: float) -> None:
        for event in events:
            if type(event) is dtls.Received:
                self._on_data(event, now)
            else:
                self._on_event(event, now)

    def _on_data(self, event: dtls.Received, now: float) -> None:
        terminal: CachedTerminal | None = event.session.owner
        if terminal is None or self._user is None:
            return
        if event.fresh:
            self._terminals.seen(terminal, self._now_us())
            if not self._watch.seen(terminal.imei, terminal.cid, terminal.heard_at[0], now):
                return
        self._user.message_received(terminal, event.data, now)

    def _on_event(self, event: dtls.ServerEvent, now: float) -> None:
        match event:
            case dtls.KeyWanted():
                self._on_key_wanted(event, now)
            case dtls.Refused(reason, detail, peer):
                self._refused[f"handshake.refused.{reason}"] += 1
                self._watch.refused("", None, RefusalStage.HANDSHAKE, reason, detail, _host(peer))
            case dtls.Established(session, key):
                self._establish(session, key, now)
            case dtls.Foreign(node, _, datagram, peer):
                if self._bridge is not None and isinstance(peer, tuple) and len(peer) != FORWARDED:
                    self._bridge.forward(node, (peer[0], peer[1]), datagram)
            case dtls.Closed(session, _):
                terminal = session.owner
                if terminal is not None:
                    self._store.remove(session.cid)
                    self._terminals.drop(terminal)
            case dtls.Suspicious(kind, session, identity, peer, keyed):
                suspect = imei_of(identity or (session.identity if session is not None else b""))
                if suspect is not None:
                    self._watch.suspicious(kind, suspect, _host(peer), now, keyed=keyed)
            case _:
                pass  # Probe: a command, should one wait, asks for the proof (app/link/proofs.py); Moved: noted with the next record

    def _on_key_wanted(self, wanted: dtls.KeyWanted, now: float) -> None:
        name = parse_identity_untrusted(wanted.identity)
        imei = int(name.imei) if isinstance(name, EndpointName) else None
        if imei is not None and not self._watch.may_try(imei, _host(wanted.peer), now):
            imei = None  # as if unknown: the answer and its time tell nothing
        self._desk.ask(imei, lambda found: self._on_keys(wanted, name, found, imei is not None))

    def _on_keys(
        self, wanted: dtls.KeyWanted, name: EndpointName | NameFault, found: TerminalKeys, asked: bool
    ) -> None:
        """``asked``: False, nobody's key was looked up; where the terminal may not try, ``watch`` has noted why."""
        now = self._loop.time()
        lacking = wanted.weaknesses - found.allows if found.keys else frozenset()
        if not found.keys and (asked or isinstance(name, NameFault)):
            # The peer hears of all of these what it hears of a wrong key (ADR 0010); here they are told apart.
            if isinstance(name, NameFault):
                self._refuse(wanted, None, name.value)
            else:  # a mistyped IMEI has no key either
                self._refuse(wanted, int(name.imei), "no_key" if is_imei(name.imei) else "identity_check_digit")
        elif isinstance(name, EndpointName):
            for weakness in sorted(lacking):
                self._refuse(wanted, int(name.imei), f"{weakness}_not_allowed")
        keys = [] if lacking else [dtls.Psk(key.psk, key.name) for key in found.keys]
        self._on_events(self._dtls.provide_keys(wanted.handshake, keys, now, blameless=bool(lacking)), now)
        self.transmit_soon()

    def _refuse(self, wanted: dtls.KeyWanted, imei: int | None, reason: str) -> None:
        self._refused[f"handshake.refused.{reason}"] += 1
        said = wanted.identity.decode("utf-8", "backslashreplace")
        self._watch.refused(said, imei, RefusalStage.HANDSHAKE, reason, "", _host(wanted.peer))

    # --- sessions ---

    def _establish(self, session: Session, key: KeyName | None, now: float) -> None:
        name = parse_identity_untrusted(session.identity)
        if not isinstance(name, EndpointName):
            self._dtls.reject(session, now)
            return
        imei = int(name.imei)
        before = self._terminals.of_imei(imei)
        cid = before.session.cid if before is not None else self._store.cid_of(imei)
        stored = None if cid is None else self._store.find(cid)
        registration = None if stored is None else stored.registration
        self._storing.add(session.cid)
        self._store.add(
            session.cid, imei, session.dump(), session.reserved, peer_text(_tuple(session.peer)),
            self._now_us(), lambda done: self._established(session, imei, key, registration, done),
            by_address=not session.uses_cid,
        )  # fmt: skip

    def _established(
        self, session: Session, imei: int, key: KeyName | None, registration: bytes | None, done: bool
    ) -> None:
        now = self._loop.time()
        self._storing.discard(session.cid)
        if not done:
            self.not_stored += 1
            self._dtls.reject(session, now)
            return
        terminal = self._terminals.add(session, imei)
        terminal.key = key
        if self._user is not None:
            self._user.session_up(terminal, registration, now)
        if registration is not None:
            self._store.register(session.cid, registration)
        self._watch.established(imei, terminal.host, now)
        name = parse_identity_untrusted(session.identity)
        if isinstance(name, EndpointName) and name.imsi:
            self._watch.named_sim(imei, name.imsi, "", terminal.host)
        self._on_events(self._dtls.commit(session, now), now)
        self.transmit_soon()

    def _load(self, cid: bytes) -> Session | None:
        """Called by ``wire.dtls`` for a Connection ID of ours that is not in memory."""
        found = None if cid in self._storing else self._terminals.load(cid)
        if found is None:
            return None
        session, registration = found
        if self._user is not None:
            self._user.session_up(session.owner, registration, self._loop.time())
        return session

    def _load_at(self, peer: Any) -> Session | None:
        """The same for an address that sent a record without Connection ID."""
        cid = self._store.cid_at(peer_text(_tuple(peer)))
        return None if cid is None else self._load(cid)

    def _leave(self, terminal: CachedTerminal) -> None:
        if self._user is not None:
            self._user.session_down(terminal, self._loop.time())
        self._dtls.forget(terminal.session)

    def terminal(self, imei: int) -> CachedTerminal | None:
        """A meter's session, from memory or from the store; None when it has none here."""
        found = self._terminals.of_imei(imei)
        if found is None:
            cid = self._store.cid_of(imei)
            session = None if cid is None else self._dtls.session(cid)
            found = None if session is None else session.owner
        return found

    def terminal_of(self, cid: bytes) -> CachedTerminal | None:
        """The owner of a session in memory."""
        return self._terminals.get(cid)

    def in_service(self, terminal: Terminal) -> None:
        """The meter uses this session for its service: the key that it was made with has arrived."""
        known = self._terminals.get(terminal.cid)
        if known is not None and known.key is not None:
            key, known.key = known.key, None
            self._watch.used(key)

    def close_session(self, imei: int) -> None:
        """End it, in memory and in the store. Whether the meter may make another one is ``Watch``'s to say."""
        terminal = self.terminal(imei)
        if terminal is not None:
            self._store.remove(terminal.cid)
            self._dtls.close(terminal.session, self._loop.time())
            self._terminals.drop(terminal)
            self.transmit_soon()

    def confirm(self, terminal: Terminal, address: object) -> None:
        """The meter proved that it is at ``address``; nothing is said of a newer one."""
        known = self._terminals.get(terminal.cid)
        if known is not None:
            self._dtls.confirm_address(known.session, self._loop.time(), address)

    # --- what goes out ---

    def transmit_soon(self) -> None:
        """Send what there is at the end of this turn."""
        self._shell.transmit_soon()

    def datagrams_to_send(self, now: float) -> list[tuple[Any, bytes]]:
        """(Address, record) of what there is; what another node has to send goes to that node."""
        if self._user is not None:
            self._user.transmit(now)
        records: list[tuple[Any, bytes]] = self._dtls.datagrams()
        own = [each for each in records if len(each[0]) != FORWARDED]
        if len(own) < len(records) and self._bridge is not None:
            for address, record in records:
                if len(address) == FORWARDED:
                    self._bridge.answer(address[2], (address[0], address[1]), record)
        return own

    def next_timer(self) -> float | None:
        """The earlier one of the records' and of what is in them."""
        dues = [self._dtls.next_timer(), None if self._user is None else self._user.next_timer()]
        return min((due for due in dues if due is not None), default=None)

    def send(self, cid: bytes, message: bytes, now: float) -> None:
        """One message on a session in memory: at once, or when sequence numbers for it are reserved on disk."""
        terminal = self._terminals.get(cid)
        if terminal is None:
            return
        session = terminal.session
        if session.exhausted:
            if terminal.held is None:
                terminal.held = [message]
                self._reserve(terminal)
            else:
                terminal.held.append(message)
            return
        self._dtls.send(session, message, now)
        if session.wants_reservation and terminal.held is None:
            self._reserve(terminal)

    def _reserve(self, terminal: CachedTerminal) -> None:
        session = terminal.session
        self._store.reserve(session.cid, session.reserve(), lambda done: self._reserved(terminal, done))

    def _reserved(self, terminal: CachedTerminal, done: bool) -> None:
        """Not done: what was held is lost like any datagram; the next answer tries again."""
        held, terminal.held = terminal.held, None
        if not done:
            return
        terminal.session.reserved_durable()
        now = self._loop.time()
        for message in held or ():
            self._dtls.send(terminal.session, message, now)
        self.transmit_soon()

    def handle_timer(self, now: float) -> None:
        """A timer of the records, or of what is in them, is due."""
        self._on_events(self._dtls.handle_timer(now), now)
        if self._user is not None:
            self._user.handle_timer(now)


def _host(peer: Any) -> str:
    return str(peer[0])


def _tuple(peer: Any) -> tuple[Any, ...]:
    return tuple(peer)
