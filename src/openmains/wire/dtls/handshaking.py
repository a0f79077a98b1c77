# SPDX-License-Identifier: Apache-2.0
"""The handshakes in progress on a server, one an address (RFC 6347 section 4.2).

Theory: everything runs through :meth:`Handshakes.step` and the table ``states.SERVING``: this file turns records into
inputs and actions into flights. What a stranger can make us keep ends with its handshake, by success, failure or
time, and their number is bounded.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from hmac import digest
from typing import Final

from openmains.wire.dtls import client_hello, hello_verify
from openmains.wire.dtls.codes import FATAL, Alert, Content, Extension, Message
from openmains.wire.dtls.cookie import Cookies
from openmains.wire.dtls.events import Established, KeyWanted, Limits, Psk, Refused, ServerEvent, Suspicious
from openmains.wire.dtls.fragments import Fragment, fragments_untrusted, message
from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.record import HEADER_SIZE, Record, pack, plain_record
from openmains.wire.dtls.serving import Handshake, Refusal
from openmains.wire.dtls.session import Session, inner
from openmains.wire.dtls.states import SERVING, Serving, ServingAction, ServingInput
from openmains.wire.dtls.tickets import Tickets, TicketState
from openmains.wire.errors import WireError

_RANDOM_SIZE: Final = 32
_CID_TRIES: Final = 8
_COMPACT_AT: Final = 1024
_MOST_ASKED: Final = 8
TRIED: Final = 2  # keys a handshake: a new one and the one that it replaces
_IN, _DO = ServingInput, ServingAction


class Handshakes:
    """See :class:`openmains.wire.dtls.server.Server`, whose part it is. ``taken``: connection ids in use."""

    def __init__(
        self,
        limits: Limits,
        *,
        node: int,
        secret: bytes,
        random: Callable[[int], bytes],
        counters: dict[str, int],
        out: list[tuple[Peer, bytes]],
        taken: Mapping[bytes, Session],
        weak: bool,
    ) -> None:
        self.cookies = Cookies(secret)
        self.tickets = Tickets(secret)
        self._false_keys = digest(secret, b"openmains dtls false keys", "sha256")
        self._limits = limits
        self._node = bytes((node,))
        self._random = random
        self._counters = counters
        self._out = out
        self._taken = taken
        self._weak = weak
        self._by_peer: dict[Peer, Handshake] = {}  # oldest first
        self._by_cid: dict[bytes, Handshake] = {}
        self._timers: list[tuple[float, int, Handshake]] = []
        self._serial = 0
        self._answered = False

    # --- records ---

    def begin_datagram(self) -> None:
        """Records of another datagram follow. One datagram makes us say at most one cookie or repeated flight."""
        self._answered = False

    def by_peer(self, peer: Peer) -> Handshake | None:
        """The handshake of an address."""
        return self._by_peer.get(peer)

    def by_cid(self, cid: bytes) -> Handshake | None:
        """The handshake that a connection id was given to."""
        return self._by_cid.get(cid)

    def plain(self, record: Record, peer: Peer, now: float) -> list[ServerEvent]:
        """A record of epoch 0 that is not application data. Raises WireError."""
        if record.kind == Content.HANDSHAKE:
            events: list[ServerEvent] = []
            for piece in fragments_untrusted(record.body):
                if piece.kind == Message.CLIENT_HELLO:
                    events += self._hello(piece, record.sequence, peer, now)
                elif piece.kind == Message.CLIENT_KEY_EXCHANGE:
                    events += self._key_exchange(piece, peer, now)
                else:
                    self._counters["unexpected"] += 1
            return events
        handshake = self._by_peer.get(peer)
        if handshake is None:
            self._counters["unexpected"] += 1
            return []
        if record.kind == Content.CHANGE_CIPHER_SPEC and record.body == b"\x01":
            return self.step(handshake, _IN.CHANGE_CIPHER, now)
        if record.kind == Content.ALERT and len(record.body) == 2:
            self._counters["alerts"] += 1
            if record.body[0] == FATAL or record.body[1] == Alert.CLOSE_NOTIFY:
                return self.step(handshake, _IN.ALERT, now)
            return []
        self._counters["unexpected"] += 1
        return []

    def protected(self, handshake: Handshake, record: Record, now: float) -> list[ServerEvent]:
        """A record of the new epoch that belongs to a handshake in progress."""
        return self.step(handshake, _IN.PROTECTED, now, raw=record.raw)

    def _hello(self, piece: Fragment, record_seq: int, peer: Peer, now: float) -> list[ServerEvent]:
        counters = self._counters
        handshake = self._by_peer.get(peer)
        if piece.offset:  # a later piece is of use only to an address that has returned its cookie with the first
            counters["hello_fragment"] += 1
            if handshake is None or handshake.state is not Serving.HELLO:
                return []
            return self._collect_hello(handshake, piece, now)
        counters["hello"] += 1
        front = client_hello.peek_untrusted(piece.body)
        if not self.cookies.check(front.cookie, peer, front.random, now):
            if front.cookie:
                counters["cookie_bad"] += 1
            return self._ask_cookie(piece.sequence, record_seq, peer, front.random, now)
        if handshake is not None and handshake.random == front.random and handshake.hello_seq == piece.sequence:
            if handshake.state is Serving.HELLO:
                return self._collect_hello(handshake, piece, now)
            counters["hello_repeated"] += 1
            if self._answered:
                return []
            self._answered = True
            return self.step(handshake, _IN.HELLO_AGAIN, now)
        if handshake is None and not self._has_room(now):
            counters["handshakes_full"] += 1
            return []
        if handshake is not None:
            self._drop(handshake)
        handshake = Handshake(peer, front.random, piece.sequence, record_seq, self._limits.max_message)
        self._by_peer[peer] = handshake
        counters["handshakes_started"] += 1
        self._answered = True
        handshake.expires = now + self._limits.handshake_s
        self._schedule(handshake, handshake.expires)
        return self._collect_hello(handshake, piece, now)

    def _ask_cookie(self, sequence: int, record_seq: int, peer: Peer, random: bytes, now: float) -> list[ServerEvent]:
        """Answer from the hello alone; message and record take its numbers (RFC 6347 section 4.2.1)."""
        if self._answered:
            return []
        self._answered = True
        self._counters["cookie_sent"] += 1
        verify = message(
            Message.HELLO_VERIFY_REQUEST, sequence, hello_verify.encode(self.cookies.make(peer, random, now))
        )
        self._out.append((peer, plain_record(Content.HANDSHAKE, record_seq, verify)))
        return []

    def _has_room(self, now: float) -> bool:
        limits = self._limits
        if len(self._by_peer) < limits.max_handshakes:
            return True
        oldest = next(iter(self._by_peer.values()))
        if oldest.state is not Serving.DONE:  # one that is only kept for a copy of the last flight gives way at once
            if oldest.expires - limits.handshake_s + limits.yield_after_s > now:
                return False
            self._counters["handshakes_expired"] += 1
        self._drop(oldest)
        return True

    def _collect_hello(self, handshake: Handshake, piece: Fragment, now: float) -> list[ServerEvent]:
        got = handshake.take(piece)
        if got is None:
            return []
        try:
            hello = client_hello.read_untrusted(got[1])
            if hello.random != handshake.random:
                raise Refusal(Alert.ILLEGAL_PARAMETER, "hello_form", "random")
            handshake.accept_hello(hello, got[2], weak=self._weak)
            handshake.ticket = self._ticket_of(hello, now)
        except (Refusal, WireError) as error:
            said = error if isinstance(error, Refusal) else Refusal(Alert.DECODE_ERROR, "hello_form", str(error))
            self._refuse(handshake, said.alert)
            self._counters["hello_refused"] += 1
            return [Refused(said.reason, said.detail, handshake.peer)]
        cid = self._new_cid() if handshake.their_cid is not None else self._any_cid()
        if cid is None:
            self._drop(handshake)
            return []
        handshake.cid = cid
        if handshake.their_cid is not None:
            self._by_cid[cid] = handshake
        return self.step(handshake, _IN.HELLO if handshake.ticket is None else _IN.TICKET_HELLO, now)

    def _ticket_of(self, hello: client_hello.ClientHello, now: float) -> TicketState | None:
        """What a ticket in the hello says, if it is ours, in force, and its suite is offered again. Raises Refusal where it is not
        resumed as it was made, with the extended master secret (RFC 7627 section 5.3)."""
        ticket = hello.extensions.get(Extension.SESSION_TICKET)
        if not ticket or not self._limits.ticket_s:
            return None
        state = self.tickets.open(ticket, now)
        if state is None or state.suite not in hello.suites:
            return None
        if Extension.EXTENDED_MASTER_SECRET not in hello.extensions:
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no_ems", "resumption")
        return state

    def _new_cid(self) -> bytes | None:
        for _ in range(_CID_TRIES):
            cid = self._any_cid()
            if cid not in self._taken and cid not in self._by_cid:
                return cid
        return None

    def _any_cid(self) -> bytes:
        return self._node + self._random(self._limits.cid_size - 1)

    def _key_exchange(self, piece: Fragment, peer: Peer, now: float) -> list[ServerEvent]:
        handshake = self._by_peer.get(peer)
        if handshake is None or handshake.state is not Serving.KEY_EXCHANGE:
            self._counters["unexpected"] += 1
            return []
        got = handshake.take(piece)
        if got is None or got[0] != Message.CLIENT_KEY_EXCHANGE:
            return []
        try:
            handshake.accept_key_exchange(got[1], got[2], self._limits.max_identity)
        except WireError as error:
            self._counters["handshakes_failed"] += 1
            self._counters["malformed"] += 1
            self._refuse(handshake, Alert.DECODE_ERROR)
            return [Refused("identity_form", str(error), peer)]
        return self.step(handshake, _IN.KEY_EXCHANGE, now)

    # --- the table at work ---

    def step(self, handshake: Handshake, what: ServingInput, now: float, *, raw: bytes = b"") -> list[ServerEvent]:
        """One input: the next state and its action. ``raw``: the record of PROTECTED."""
        before = handshake.state
        handshake.state, action = SERVING[before, what]
        match action:
            case _DO.SEND_HELLO:
                handshake.ticket = None  # a full handshake from here on, whatever was offered
                # What was let in for want of something better is not made to last: it says each time what it has.
                wanted = bool(self._limits.ticket_s) and Extension.SESSION_TICKET in _offered(handshake)
                wanted = wanted and not handshake.weaknesses
                handshake.compose_hello(self._random(_RANDOM_SIZE), self._limits.mtu, ticket=wanted)
                self._first_flight(handshake, now)
            case _DO.SEND_SHORT:
                state = handshake.ticket
                if state is not None:
                    session = handshake.compose_short(self._random(_RANDOM_SIZE), state, self._limits.mtu)
                    session.pad_to = self._limits.pad_to
                    self._first_flight(handshake, now)
            case _DO.REPEAT:
                self._repeat(handshake, asked=what is not _IN.TIMER)
            case _DO.ASK_KEY:
                handshake.tries = self._limits.retransmissions  # the next move is not the peer's
                identity = handshake.identity if handshake.ticket is None else handshake.ticket.identity
                weaknesses = handshake.weaknesses if handshake.ticket is None else frozenset()
                return [KeyWanted(handshake, identity, handshake.peer, weaknesses)]
            case _DO.DERIVE:
                handshake.derive(self._limits.pad_to)
                events: list[ServerEvent] = []
                held, handshake.held = handshake.held, []
                for kept in held:
                    events += self.step(handshake, _IN.PROTECTED, now, raw=kept)
                if handshake.state in (Serving.CHANGE, Serving.FINISHED):
                    self._await(handshake, now)  # the rest of its flight is not here
                return events
            case _DO.HOLD:
                self._hold(handshake, raw)
            case _DO.OPEN:
                return self._open(handshake, raw, now)
            case _DO.ESTABLISH if handshake.session is not None:
                handshake.tries = self._limits.retransmissions
                handshake.key_mark = self.tickets.mark(handshake.keys[0].secret)
                name = handshake.keys[0].name
                handshake.keys = []
                return [Established(handshake.session, name)]
            case _DO.SEND_LAST:
                self._last_flight(handshake, now)
                self._await(handshake, now)
                self._done(handshake)
            case _DO.ADMIT:
                self._counters["resumed"] += 1
                self._done(handshake)
                self._drop(handshake)
            case _DO.REFUSE:
                self._counters["wrong_key"] += 1
                self._counters["handshakes_failed"] += 1
                self._refuse(handshake, Alert.DECRYPT_ERROR)
                if handshake.given < 0:
                    return []
                return [Suspicious("wrong_key", None, handshake.identity, handshake.peer, handshake.given > 0)]
            case _DO.FORGET:
                if before is not Serving.DONE:
                    self._counters["handshakes_expired" if what is _IN.EXPIRE else "handshakes_failed"] += 1
                self._drop(handshake)
        return []

    def provide_keys(
        self, handshake: Handshake, given: Sequence[Psk], now: float, *, blameless: bool
    ) -> list[ServerEvent]:
        """The keys of the identity, none: unknown. All ways compute the same, so that time tells nothing: what is missing of
        ``TRIED`` is made up by keys that nobody holds."""
        name = handshake.identity if handshake.ticket is None else handshake.ticket.identity
        if len(given) > TRIED:
            raise ValueError("keys")
        false = [Psk(digest(self._false_keys, bytes((n,)) + name, "sha256")[:16]) for n in range(TRIED)]
        keys = [*given, *false][:TRIED]
        if handshake.state is Serving.SHORT_KEY and handshake.ticket is not None:
            marks = [self.tickets.is_marked(handshake.ticket, key.secret) for key in keys]
            if True not in marks:
                return self.step(handshake, _IN.OTHER_KEY, now)
            handshake.keys = [keys[marks.index(True)]]
            return self.step(handshake, _IN.KEY, now)
        if handshake.state in (Serving.KEY, Serving.KEY_CHANGED):
            handshake.keys, handshake.given = keys, -1 if blameless else len(given)
            return self.step(handshake, _IN.KEY, now)
        return []

    def stored(self, handshake: Handshake, now: float) -> list[bytes]:
        """The session is durable. Records that came meanwhile, in order."""
        held, handshake.held = handshake.held, []
        self.step(handshake, _IN.STORED, now)
        return held

    def settle(self, session: Session) -> None:
        """The last flight need not be repeated any more."""
        handshake, session.flight = session.flight, None
        if isinstance(handshake, Handshake):
            self._drop(handshake)

    def _hold(self, handshake: Handshake, raw: bytes) -> None:
        if len(handshake.held) >= self._limits.max_held or len(raw) > self._limits.max_held_size:
            self._counters["held_full"] += 1
            return
        self._counters["held"] += 1
        handshake.held.append(raw)

    def _open(self, handshake: Handshake, raw: bytes, now: float) -> list[ServerEvent]:
        """A record that should hold Finished."""
        session = handshake.session
        assert session is not None  # noqa: S101 – by the state table
        sequence = int.from_bytes(raw[5:11], "big")
        if session.is_replay(sequence):
            return []
        head = HEADER_SIZE + (len(session.cid) if session.uses_cid else 0)
        while (content := session.open(raw, head)) is None:
            other = handshake.derive_next(self._limits.pad_to)
            if other is None:
                return self.step(handshake, _IN.BAD_FINISHED, now)
            session = other
        del handshake.keys[1:]  # the record was made with this one; a wrong Finished in it is no reason to try others
        session.mark(sequence)
        kind = raw[0]
        if session.uses_cid:
            kind, content = inner(content)
        if kind != Content.HANDSHAKE:
            self._counters["unexpected"] += 1  # data before Finished is not delivered
            return []
        try:
            if not handshake.opens_finished(content):
                return []
        except WireError:
            return self.step(handshake, _IN.BAD_FINISHED, now)
        return self.step(handshake, _IN.FINISHED, now)

    # --- flights and time ---

    def _last_flight(self, handshake: Handshake, now: float) -> None:
        ticket = b""
        if handshake.wants_ticket:
            ticket = self._new_ticket(handshake, now)
        handshake.compose_last(ticket, self._limits.ticket_s, self._limits.mtu)
        self._send_flight(handshake)

    def _new_ticket(self, handshake: Handshake, now: float) -> bytes:
        state = TicketState(
            handshake.suite.code,
            int(now) + self._limits.ticket_s,
            handshake.key_mark,
            handshake.master,
            handshake.identity,
        )
        return self.tickets.seal(state, self._random(12))

    def _done(self, handshake: Handshake) -> None:
        self._counters["handshakes_done"] += 1
        self._by_cid.pop(handshake.cid, None)

    def _first_flight(self, handshake: Handshake, now: float) -> None:
        self._send_flight(handshake)
        self._await(handshake, now)

    def _await(self, handshake: Handshake, now: float) -> None:
        """The next move is the peer's: without it the flight is repeated (RFC 6347 section 4.2.4)."""
        handshake.tries, handshake.wait_s = 0, self._limits.first_wait_s
        self._schedule(handshake, min(now + handshake.wait_s, handshake.expires))

    def _repeat(self, handshake: Handshake, *, asked: bool) -> None:
        """By time, or because the peer repeats. Some answer a repeated Finished with a flight of their own, which we would
        answer again, and so on: what is asked for has an end."""
        if asked and handshake.state is Serving.DONE:
            if handshake.asked >= _MOST_ASKED:
                return
            handshake.asked += 1
        self._counters["retransmitted"] += 1
        self._send_flight(handshake)

    def _send_flight(self, handshake: Handshake) -> None:
        for datagram in pack(handshake.records(), self._limits.mtu):
            self._out.append((handshake.peer, datagram))

    def _refuse(self, handshake: Handshake, alert: Alert) -> None:
        record = plain_record(Content.ALERT, handshake.record_seq, bytes((FATAL, alert)))
        self._out.append((handshake.peer, record))
        self._drop(handshake)

    def _drop(self, handshake: Handshake) -> None:
        if self._by_peer.get(handshake.peer) is handshake:
            del self._by_peer[handshake.peer]
        if self._by_cid.get(handshake.cid) is handshake:
            del self._by_cid[handshake.cid]
        if handshake.session is not None and handshake.session.flight is handshake:
            handshake.session.flight = None
        handshake.due = -1.0
        handshake.state = Serving.FAILED

    def _schedule(self, handshake: Handshake, when: float) -> None:
        handshake.due = when
        self._serial += 1
        heappush(self._timers, (when, self._serial, handshake))
        if len(self._timers) > _COMPACT_AT + 4 * len(self._by_peer):
            self._timers[:] = [entry for entry in self._timers if entry[2].due == entry[0]]
            heapify(self._timers)

    def next_timer(self) -> float | None:
        """When the first retransmission or expiry is due."""
        timers = self._timers
        while timers and timers[0][2].due != timers[0][0]:
            heappop(timers)
        return timers[0][0] if timers else None

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            when, _, handshake = heappop(timers)
            if handshake.due != when:
                continue
            if handshake.expires <= now:
                self.step(handshake, _IN.EXPIRE, now)
                continue
            if handshake.tries < self._limits.retransmissions:
                handshake.tries += 1
                handshake.wait_s = min(2 * handshake.wait_s, self._limits.max_wait_s)
                self.step(handshake, _IN.TIMER, now)
                self._schedule(handshake, min(now + handshake.wait_s, handshake.expires))
            else:
                self._schedule(handshake, handshake.expires)

    def sizes(self) -> dict[str, int]:
        """How much is remembered."""
        return {"handshakes": len(self._by_peer), "timers": len(self._timers)}


def _offered(handshake: Handshake) -> dict[int, bytes]:
    return handshake.hello.extensions if handshake.hello is not None else {}
