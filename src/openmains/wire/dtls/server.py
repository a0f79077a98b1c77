# SPDX-License-Identifier: Apache-2.0
"""A DTLS 1.2 server without a socket: pre-shared keys, connection ids (RFC 6347, 4279, 7627, 7925, 9146).

Theory: ``receive`` takes a datagram and gives events; ``provide_key``, ``commit`` and ``send`` take answers;
``datagrams`` gives what is to be sent; ``next_timer`` and ``handle_timer`` move time on. Nothing here reads a clock
or draws a random number. ``now``: seconds, must not go back; cookies and tickets outlive a restart only if it goes on.

Distrust: a datagram may be anything. Every path through ``receive`` ends in an event, an answer or silence and is
counted in ``counters`` (a fixed set of names). Before an address has returned a cookie nothing is kept for it and
it gets no more bytes than it sent; afterwards it may hold one handshake, bounded by ``Limits``. An unknown identity
goes the way of a wrong key, byte by byte and step by step.

A record with a connection id of ours finds its session by it, from whatever address; the others by their address. Both are looked
for in the store when they are not in memory: a client that was given no connection id hears nothing else that it could believe once its
session is forgotten (an unprotected record of the old epoch is dropped by all of them), so its session must not be.
Handshakes in progress are in ``handshaking.py``; this file is what happens to associations.
"""

from collections.abc import Callable, Sequence
from typing import Final

from openmains.wire.dtls.codes import FATAL, MAX_PLAINTEXT, WARNING, Alert, Content, Message
from openmains.wire.dtls.events import (
    COUNTERS,
    Closed,
    Foreign,
    Limits,
    Moved,
    Probe,
    Psk,
    Received,
    ServerEvent,
    Suspicious,
)
from openmains.wire.dtls.handshaking import Handshakes
from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.record import HEADER_SIZE, Record, records_untrusted
from openmains.wire.dtls.serving import Handshake
from openmains.wire.dtls.session import AMPLIFICATION, Session, inner
from openmains.wire.dtls.states import Serving, ServingInput
from openmains.wire.errors import WireError

DEFAULT_LIMITS: Final = Limits()
_PROTECTED_EPOCH: Final = b"\xfe\xfd\x00\x01"
_APPLICATION: Final = int(Content.APPLICATION_DATA)
_CID: Final = int(Content.CID)


class Server:
    """One server endpoint for any number of peers.

    ``node``: first byte of our connection ids, 0–255. ``secret``: 32 or more random bytes, the same on all nodes and after
    a restart; cookies, tickets and the false keys of unknown identities follow from it. ``random``: n → n random bytes.
    ``load``: a stored session by connection id, called for one of this node that is not in memory; ``load_at``: by the address of
    a peer without connection id, None: there is none. ``weak``: go on with clients
    that have only CBC, or no extended master secret, until their identity is known: ``KeyWanted`` says what they lack, and without a key
    for them no record of theirs is believed.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        node: int,
        secret: bytes,
        random: Callable[[int], bytes],
        load: Callable[[bytes], Session | None],
        load_at: Callable[[Peer], Session | None] = lambda _: None,
        weak: bool = False,
    ) -> None:
        if not 0 <= node <= 255:
            raise ValueError("node")
        if len(secret) < 32:
            raise ValueError("secret")
        self.limits = limits
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self._node = node
        self._load, self._load_at = load, load_at
        self._out: list[tuple[Peer, bytes]] = []
        self._sessions: dict[bytes, Session] = {}  # by our connection id
        self._by_peer: dict[Peer, Session] = {}  # associations without connection ids
        self._unspoken: dict[
            bytes, Session
        ] = {}  # the same by the id that we call them by, which the peer does not know
        self._head = HEADER_SIZE + limits.cid_size
        self._handshakes = Handshakes(
            limits, node=node, secret=secret, random=random, counters=self.counters, out=self._out, taken=self._sessions,
            weak=weak,
        )  # fmt: skip

    # --- what comes in ---

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[ServerEvent]:
        """One datagram from ``peer``. Never raises for what is in it."""
        counters = self.counters
        counters["datagrams"] += 1
        head = self._head
        # The common case, one record of an association with a connection id, without a detour.
        if datagram[:1] == b"\x19" and len(datagram) > head:
            session = self._sessions.get(datagram[11 : head - 2])
            if (
                session is not None
                and datagram[1:5] == _PROTECTED_EPOCH
                and int.from_bytes(datagram[head - 2 : head], "big") == len(datagram) - head
            ):
                return self._protected(session, _CID, int.from_bytes(datagram[5:11], "big"), datagram, peer, now)
        if len(datagram) > self.limits.max_datagram:
            counters["oversized"] += 1
            return []
        self._handshakes.begin_datagram()
        events: list[ServerEvent] = []
        try:
            for record in records_untrusted(datagram, self.limits.cid_size):
                events += self._record(record, datagram, peer, now)
        except WireError:
            counters["malformed"] += 1
        return events

    def _record(self, record: Record, datagram: bytes, peer: Peer, now: float) -> list[ServerEvent]:
        kind, handshakes = record.kind, self._handshakes
        if record.epoch > 1 or (record.epoch == 0 and kind == Content.CID):
            self.counters["epoch"] += 1  # a record of an epoch that does not exist changes nothing
            return []
        if kind == Content.CID:
            return self._record_with_cid(record, datagram, peer, now)
        if record.epoch == 0:
            if kind == Content.APPLICATION_DATA:
                self.counters["plaintext_data"] += 1
                return []
            return handshakes.plain(record, peer, now)
        # The new epoch without a connection id: the address has to tell.
        handshake = handshakes.by_peer(peer)
        session = self._by_peer.get(peer)
        if handshake is not None and handshake.their_cid is None and handshake.state is not Serving.DONE:
            wants_it = handshake.state is Serving.SHORT_STORING
            if wants_it or kind == Content.HANDSHAKE:
                before = handshake.state
                events = handshakes.protected(handshake, record, now)
                if session is None or events or handshake.state is not before or wants_it:
                    return events
        if session is None:
            session = self._load_at(peer)
            if session is None or session.uses_cid or session.peer != peer:
                self.counters["unknown_peer"] += 1
                return []
            self.counters["loaded"] += 1
            self._keep(session)
        return self._protected(session, kind, record.sequence, record.raw, peer, now)

    def _record_with_cid(self, record: Record, datagram: bytes, peer: Peer, now: float) -> list[ServerEvent]:
        cid = record.cid
        session = self._sessions.get(cid)
        if session is None:
            handshake = self._handshakes.by_cid(cid)
            if handshake is not None:
                # An address change in the middle of a handshake is not followed: nothing is verified yet.
                return self._handshakes.protected(handshake, record, now) if handshake.peer == peer else []
            if cid[0] != self._node:
                self.counters["foreign"] += 1
                return [Foreign(cid[0], cid, datagram, peer)]
            session = self.session(cid)
            if session is None or not session.uses_cid:
                self.counters["unknown_cid"] += 1
                return []
        return self._protected(session, _CID, record.sequence, record.raw, peer, now)

    def _protected(
        self, session: Session, kind: int, sequence: int, raw: bytes, peer: Peer, now: float
    ) -> list[ServerEvent]:
        """A record of an association."""
        if session.is_replay(sequence):
            self.counters["replay"] += 1
            return [Suspicious("replay", session, session.identity, peer)]
        content = session.open(raw, self._head if kind == _CID else HEADER_SIZE)
        if content is None:
            self.counters["bad_mac"] += 1
            return [Suspicious("bad_mac", session, session.identity, peer)]
        fresh = session.mark(sequence)
        if kind == _CID:
            kind, content = inner(content)
        events: list[ServerEvent] = []
        if peer != session.address or session.candidate is not None:
            self._address(session, peer, len(raw), fresh, events)
        if kind == _APPLICATION:
            if session.flight is not None:
                self._handshakes.settle(session)  # the peer has our last flight
            self.counters["received"] += 1
            events.append(Received(session, content, peer, fresh))
        else:
            self._control(session, kind, content, now, events)
        return events

    def _address(self, session: Session, peer: Peer, size: int, fresh: bool, events: list[ServerEvent]) -> None:
        """A genuine record and where it came from (RFC 9146 section 6)."""
        if fresh and peer == session.peer:
            session.candidate, session.budget = None, 0
        elif fresh and peer != session.candidate:
            session.candidate, session.budget = peer, AMPLIFICATION * size
            events.append(Probe(session, peer))
        elif peer == session.candidate:
            session.budget += AMPLIFICATION * size

    def _control(self, session: Session, kind: int, content: bytes, now: float, events: list[ServerEvent]) -> None:
        """A genuine record that is not application data."""
        if kind == Content.ALERT and len(content) == 2:
            self.counters["alerts"] += 1
            if content[1] == Alert.CLOSE_NOTIFY:
                self.close(session, now)
                events.append(Closed(session, "close_notify"))
            elif content[0] == FATAL:
                self.forget(session)
                events.append(Closed(session, "fatal_alert"))
        elif kind == Content.HANDSHAKE:
            if content[:1] == bytes((Message.CLIENT_HELLO,)):
                # RFC 5246 section 7.4.1.1: refuse a renegotiation and go on.
                self.counters["renegotiation"] += 1
                self._send(session, Content.ALERT, bytes((WARNING, Alert.NO_RENEGOTIATION)))
            elif content[:1] == bytes((Message.FINISHED,)) and isinstance(session.flight, Handshake):
                self._handshakes.step(session.flight, ServingInput.FINISHED, now)
            else:
                self.counters["unexpected"] += 1
        else:
            self.counters["bad_inner"] += 1

    # --- what the application says ---

    def provide_keys(
        self, handshake: Handshake, keys: Sequence[Psk], now: float, *, blameless: bool = False
    ) -> list[ServerEvent]:
        """The answer to KeyWanted: the keys that the peer may hold, at most ``handshaking.TRIED``, the likeliest first; none:
        there is no such identity. Which of them it is, its Finished tells. ``blameless``: none is given although there is one, and
        what follows is no wrong key (no ``Suspicious``). Too late is no harm. ValueError: too many."""
        return self._handshakes.provide_keys(handshake, keys, now, blameless=blameless)

    def provide_key(self, handshake: Handshake, psk: bytes | None, now: float) -> list[ServerEvent]:
        """The same for one key; None: there is no such identity."""
        return self.provide_keys(handshake, () if psk is None else (Psk(psk),), now)

    def commit(self, session: Session, now: float) -> list[ServerEvent]:
        """The session is durable: it is in use, our Finished goes out. Events: what a resumed peer has already sent, and the end of
        an older association of a peer without connection id."""
        handshake = session.flight
        if not isinstance(handshake, Handshake) or handshake.state not in (Serving.STORING, Serving.SHORT_STORING):
            return []
        events: list[ServerEvent] = []
        old = None if session.uses_cid else self._by_peer.get(session.peer)
        if old is not None:
            # It lived until this one was proved (RFC 6347 section 4.2.8).
            self.forget(old)
            events.append(Closed(old, "replaced"))
        self._keep(session)
        held = self._handshakes.stored(handshake, now)
        for raw in held:
            for record in records_untrusted(raw, self.limits.cid_size):  # whole: they were read from a datagram before
                events += self._protected(session, record.kind, record.sequence, raw, session.peer, now)
        return events

    def reject(self, session: Session, now: float) -> None:
        """It could not be stored, or is not wanted: as if it had never been."""
        if isinstance(session.flight, Handshake):
            self._handshakes.step(session.flight, ServingInput.REJECTED, now)

    def send(self, session: Session, payload: bytes, now: float) -> bool:
        """One record of application data to where the newest genuine record came from.

        False, and nothing sent: no sequence number is reserved, the session is not committed or no longer known, or the
        budget of an unconfirmed address is used up. ValueError: more than a record can hold.
        """
        if len(payload) > MAX_PLAINTEXT:
            raise ValueError("payload")
        return self._send(session, _APPLICATION, payload)

    def _send(self, session: Session, kind: int, content: bytes) -> bool:
        if session.send_seq >= session.reserved:
            self.counters["unreserved"] += 1
            return False
        if not self.knows(session):
            return False
        address = session.candidate
        if address is None:
            address = session.peer
        else:
            size = HEADER_SIZE + len(content) + session.overhead  # before the record is made, so that no number is lost
            if size > session.budget:
                self.counters["over_budget"] += 1
                return False
            session.budget -= size
        self.counters["sent"] += 1
        self._out.append((address, session.seal(kind, content)))
        return True

    def session(self, cid: bytes) -> Session | None:
        """The association of this connection id of ours, from memory or from the store; None when there is none."""
        found = self._sessions.get(cid) or self._unspoken.get(cid)
        if found is None and cid[:1] == bytes((self._node,)):
            found = self._load(cid)
            if found is not None:
                self.counters["loaded"] += 1
                self._keep(found)
        return found

    def _keep(self, session: Session) -> None:
        """Into memory."""
        if session.uses_cid:
            self._sessions[session.cid] = session
        else:
            self._by_peer[session.peer] = self._unspoken[session.cid] = session

    def knows(self, session: Session) -> bool:
        """Whether it is in memory and in use."""
        if session.uses_cid:
            return self._sessions.get(session.cid) is session
        return self._by_peer.get(session.peer) is session

    def confirm_address(self, session: Session, now: float, peer: Peer | None = None) -> list[ServerEvent]:
        """The application has proof that the newest address is reachable.

        ``peer``: the address that the proof is for. Give it when the proof took time: another record may have made another
        address the newest meanwhile, and nothing is proved of that one. None: whichever is the newest now.
        """
        new = session.candidate
        if new is None or (peer is not None and peer != new):
            return []
        old, session.peer = session.peer, new
        session.candidate, session.budget = None, 0
        self.counters["moved"] += 1
        return [Moved(session, old, new)]

    def close(self, session: Session, now: float) -> None:
        """Say close_notify and forget."""
        self._send(session, Content.ALERT, bytes((WARNING, Alert.CLOSE_NOTIFY)))
        self.counters["closed"] += 1
        self.forget(session)

    def forget(self, session: Session) -> None:
        """Out of memory; what is stored stays."""
        self._handshakes.settle(session)
        if self.knows(session):
            if session.uses_cid:
                del self._sessions[session.cid]
            else:
                del self._by_peer[session.peer], self._unspoken[session.cid]

    # --- what goes out ---

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        """What to send since the last call."""
        if not self._out:
            return []
        out = self._out[:]
        self._out.clear()
        return out

    def next_timer(self) -> float | None:
        """When to call :meth:`handle_timer`."""
        return self._handshakes.next_timer()

    def handle_timer(self, now: float) -> list[ServerEvent]:
        """Retransmit and expire what is due; there are no events."""
        self._handshakes.handle_timer(now)
        return []

    def sizes(self) -> dict[str, int]:
        """How much is remembered."""
        return {
            "sessions": len(self._sessions) + len(self._by_peer),
            "with_cid": len(self._sessions),
            **self._handshakes.sizes(),
        }
