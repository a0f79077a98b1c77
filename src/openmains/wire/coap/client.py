# SPDX-License-Identifier: Apache-2.0
"""A CoAP client without a socket (RFC 7252, 7641, 7959), for the emulator, for tests and for downward requests.

Theory: the mirror of ``server.py``. One :class:`Client` serves any number of peers, so ten thousand emulated
meters are ten thousand small :class:`Call` objects at most. A peer is a name for one (own socket, other
address) pair: the caller maps it. Message ids are one counter for all peers: a caller that sends more than
65,536 messages in 247 s to the same address must spread them over several sockets, as the server recognises
copies by address and message id.

A response belongs to a call by its token and its peer; a piggybacked one also by the message id (section
5.3.2). A copy of one is the same byte for byte: a device that restarts counts its message ids anew, and a
notification is not another's copy because it has the other's number. The state of a call is a row of
``states.ASKING``. Only one request at a time should be outstanding to one peer (NSTART, section 4.7): that is left to
the caller, who knows what may wait.
"""

from collections import Counter, deque
from collections.abc import Collection, Sequence
from heapq import heappop, heappush

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import Broken, Call, ClientEvent, Held, Peer, ResetReceived, ResponseReceived, TimedOut
from openmains.wire.coap.message import (
    ACK,
    CON,
    NON,
    RST,
    Code,
    Message,
    Method,
    Option,
    decode,
    empty,
    encode,
    fingerprint,
    is_success,
)
from openmains.wire.coap.reliability import RFC7252, MessageIds, Retransmitter, Timing
from openmains.wire.coap.states import ASKING, Asking, AskingAction, AskingInput
from openmains.wire.errors import WireError

_Copy = tuple[Peer, int, int]  # peer, message id, fingerprint of the datagram
_FINISHED = (Asking.DONE, Asking.TIMED_OUT, Asking.RESET)
_NOT_REPEATED = frozenset({opt.BLOCK1, opt.SIZE1, opt.OBSERVE})  # not in the requests for further blocks of an answer


class Client:
    """One client endpoint.

    ``mid_seed`` and ``token_seed``: any integers, random where strangers share the network (section 5.3.1).
    ``response_timeout_s``: patience after an empty ACK or a NON request. ``max_body``: largest answer taken, bytes.
    ``ids``: a source of message ids shared with a server (``endpoint.py``); without it, one counter for all peers.
    ``hold_notifications``: notifications are a record, not just the newest state. Each is delivered, even when a later
    one overtook it, and a confirmable one is acknowledged only when the application says so (:meth:`acknowledge`).
    """

    def __init__(
        self,
        *,
        mid_seed: int,
        token_seed: int,
        timing: Timing = RFC7252,
        response_timeout_s: float | None = None,
        block_szx: int = 6,
        max_body: int = 1 << 20,
        max_recent: int = 10_000,
        ids: MessageIds | None = None,
        hold_notifications: bool = False,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._timing = timing
        self._timeout_s = timing.transmit_wait_s if response_timeout_s is None else response_timeout_s
        self._block_szx = block_szx
        self._max_body = max_body
        self._max_recent = max_recent
        self._ids = ids
        self._hold = hold_notifications
        self._mid = mid_seed & 0xFFFF
        self._token = token_seed & 0xFFFFFFFF
        self._out: list[tuple[Peer, bytes]] = []
        self._calls: dict[tuple[Peer, bytes], Call] = {}  # by peer and token
        self._non_mids: dict[tuple[Peer, int], Call] = {}  # unanswered NON requests, to match a Reset
        self._retransmitter: Retransmitter[Call] = Retransmitter(timing)
        self._expiries: list[tuple[float, int, Call, int]] = []
        self._serial = 0
        self._recent: dict[_Copy, float] = {}  # responses taken, and notifications
        self._held: dict[tuple[Peer, int], int] = {}  # not acknowledged yet: fingerprint of the newest of the id
        self._recent_order: deque[tuple[float, _Copy]] = deque()

    # --- what the application asks ---

    def request(
        self,
        peer: Peer,
        method: int,
        path: Sequence[str] = (),
        payload: bytes = b"",
        options: Collection[Option] = (),
        *,
        query: Sequence[str] = (),
        confirmable: bool = True,
        observe: bool = False,
        chance: float,
        now: float,
    ) -> Call:
        """Ask. ``chance`` in 0…1 is the random number of the retransmission timer (section 4.2)."""
        base = [*options]
        base += [(opt.URI_PATH, segment.encode()) for segment in path]
        base += [(opt.URI_QUERY, item.encode()) for item in query]
        if observe:
            base.append((opt.OBSERVE, b""))
        call = Call(peer, method, tuple(base), payload, self._block_szx, confirmable, chance)
        self._send(call, now)
        return call

    def cancel(self, call: Call) -> None:
        """Lose interest. Later responses are unknown: a notification is answered with a Reset (RFC 7641 3.6)."""
        for one in (call, call.child):
            if one is not None:
                one.state, _ = ASKING[one.state, AskingInput.CANCEL]
                self._forget(one)

    def deregister(self, call: Call, *, chance: float, now: float) -> Call:
        """End an observation in words: a GET with Observe 1 and the same token (RFC 7641 section 3.6)."""
        self.cancel(call)
        base = tuple(option for option in call.base if option[0] != opt.OBSERVE)
        last = Call(call.peer, call.method, (*base, (opt.OBSERVE, b"\x01")), call.body, call.szx, True, chance)
        last.token = call.token
        self._send(last, now)
        return last

    def resume(self, peer: Peer, token: bytes, method: int, options: Collection[Option], body: bytes = b"") -> Call:
        """An observation of an earlier life of this endpoint goes on: its notifications are taken from now on."""
        call = Call(peer, method, (*options, (opt.OBSERVE, b"")), body, self._block_szx, True, 0.5)
        call.token = token
        call.state = Asking.OBSERVING
        self._calls[peer, token] = call
        return call

    def expects(self, peer: Peer, mid: int) -> bool:
        """Whether an empty ACK or a Reset with ``mid`` from ``peer`` is about a request of ours."""
        return (peer, mid) in self._retransmitter or (peer, mid) in self._non_mids

    def acknowledge(self, response: ResponseReceived) -> None:
        """The notification is in safe hands: only now its sender hears so. Nothing for one that is not held.

        Nor for one whose message id a later notification has taken meanwhile: its sender would take it for the later's.
        """
        if response.held is not None:
            peer, (mid, mark) = response.call.peer, response.held
            if self._held.get((peer, mid)) == mark:
                del self._held[peer, mid]
                self._out.append((peer, empty(ACK, mid)))

    def decline(self, response: ResponseReceived) -> None:
        """The notification could not be kept: no acknowledgement, and its next copy is delivered like a new one."""
        if response.held is not None:
            self._unhold(response.call.peer, response.held)
            if response.call.sequence == response.sequence:
                response.call.sequence = -1

    def _unhold(self, peer: Peer, held: Held) -> None:
        mid, mark = held
        if self._held.get((peer, mid)) == mark:
            del self._held[peer, mid]
        self._recent.pop((peer, mid, mark), None)

    def _send(self, call: Call, now: float) -> None:
        """The next datagram of a call: the whole request, its next block, or the wish for a block of the answer."""
        if not call.token:
            call.token = self._next_token(call.peer)
        options = list(call.base)
        payload = call.body
        if call.received is not None:
            options.append((opt.BLOCK2, opt.Block(len(call.received) >> (call.szx + 4), False, call.szx).encode()))
        elif len(call.body) > 16 << call.szx:
            end = call.sent + (16 << call.szx)
            payload = call.body[call.sent : end]
            more = end < len(call.body)
            options.append((opt.BLOCK1, opt.Block(call.sent >> (call.szx + 4), more, call.szx).encode()))
            if call.sent == 0:
                options.append((opt.SIZE1, opt.uint(len(call.body))))
        call.mid = self._next_mid(call.peer)
        call.epoch += 1
        call.state = Asking.CONFIRMABLE if call.confirmable else Asking.NON
        self._calls[call.peer, call.token] = call
        kind = CON if call.confirmable else NON
        datagram = encode(Message(kind, call.method, call.mid, call.token, options, payload))
        self._out.append((call.peer, datagram))
        if call.confirmable:
            self._retransmitter.start(call.peer, call.mid, datagram, call, call.chance, now)
        else:
            self._non_mids[call.peer, call.mid] = call
            self._expire_at(call, now + self._timeout_s)

    # --- what comes in ---

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[ClientEvent]:
        """One datagram from ``peer``. Never raises for what is in it."""
        try:
            message = decode(datagram)
        except WireError as error:
            self.counters[error.reason] += 1
            if len(datagram) >= 4 and datagram[0] & 0xF0 == 0x40:
                self._out.append((peer, empty(RST, datagram[2] << 8 | datagram[3])))
            return []
        if message.code == 0:
            return self._empty(message, peer, now)
        mark = fingerprint(datagram)
        if message.code < 0x20:
            return self._unknown(message, mark, peer, "request")
        call = self._calls.get((peer, message.token))
        if call is None:
            return self._unknown(message, mark, peer, "token unknown")
        if message.kind == ACK and (message.mid != call.mid or (peer, message.mid) not in self._retransmitter):
            return self._unknown(message, mark, peer, "message id unknown")
        if message.kind == RST:
            return self._unknown(message, mark, peer, "reset with content")
        return self._response(message, mark, call, now)

    def _empty(self, message: Message, peer: Peer, now: float) -> list[ClientEvent]:
        if message.kind in (CON, NON):
            return self._unknown(message, None, peer, "ping")
        key = (peer, message.mid)
        call = self._retransmitter.settle(peer, message.mid)
        if call is None and message.kind == RST:
            call = self._non_mids.pop(key, None)
        if call is None:
            return self._unknown(message, None, peer, "ack unasked")
        return self._step(call, AskingInput.ACK if message.kind == ACK else AskingInput.RESET, now)

    def _unknown(self, message: Message, mark: int | None, peer: Peer, reason: str) -> list[ClientEvent]:
        """Nobody asked for it: a copy of a known message is acknowledged again, another CON or a notification reset.

        ``mark``: its fingerprint, None for an empty one, which is nobody's copy.
        """
        if mark is not None and (peer, message.mid, mark) in self._recent and message.kind in (CON, NON):
            self.counters["duplicate"] += 1
            if message.kind == CON and (peer, message.mid) not in self._held:
                self._out.append((peer, empty(ACK, message.mid)))
            return []
        self.counters[reason] += 1
        observed = message.kind == NON and opt.get(message.options, opt.OBSERVE) is not None
        if message.kind == CON or (observed and message.code >= 0x40):
            self._out.append((peer, empty(RST, message.mid)))
        return []

    def _response(self, message: Message, mark: int, call: Call, now: float) -> list[ClientEvent]:
        held: Held | None = None
        if message.kind != ACK:
            key = (call.peer, message.mid, mark)
            if self._remembered(key, now):
                return self._unknown(message, mark, call.peer, "duplicate")
            try:
                opt.check(message.options, opt.UNDERSTOOD)
            except opt.Refused:
                # Section 5.4.1: an unknown critical option in a response rejects it.
                return [*self._unknown(message, mark, call.peer, "bad option"), *self._break(call, "bad option")]
            self._remember(key, now)
            if message.kind == CON and self._hold and self._is_notification(call, message):
                self._held[call.peer, message.mid] = mark
                held = Held(message.mid, mark)
            elif message.kind == CON:
                self._out.append((call.peer, empty(ACK, message.mid)))
        self._retransmitter.settle(call.peer, call.mid)
        self._non_mids.pop((call.peer, call.mid), None)
        try:
            options = opt.check(message.options, opt.UNDERSTOOD)
            block1 = _block(options, opt.BLOCK1)
            block2 = _block(options, opt.BLOCK2)
        except (opt.Refused, WireError):
            return self._break(call, "bad option")
        if block1 is not None and call.received is None and self._go_on_sending(call, message.code, block1, now):
            return []
        sequence = opt.get_uint(options, opt.OBSERVE) if opt.get(call.base, opt.OBSERVE) == b"" else None
        if not is_success(message.code):
            sequence = None
        what = AskingInput.RESPONSE if sequence is None else AskingInput.REGISTERED
        call.state, action = ASKING[call.state, what]
        call.epoch += 1
        if action is not AskingAction.DELIVER:
            return []
        if call.state in _FINISHED:
            self._forget(call)
        fresh = sequence is None or _fresher(call, sequence, now)
        if not fresh:
            self.counters["notification stale"] += 1
            if not self._hold:
                return []
            if block2 is None or not block2.more:
                return [ResponseReceived(call, message.code, options, message.payload, sequence, False, held)]
        if sequence is not None and call.child is not None:
            self._forget(call.child)  # an older state of the resource, not worth fetching any more
            call.child = None
        if block2 is not None and (block2.more or call.received is not None):
            return self._take_block(call, message, options, block2, sequence, held, now)
        return self._deliver(call, message.code, options, message.payload, sequence, held)

    def _is_notification(self, call: Call, message: Message) -> bool:
        """Also what answers the registration itself may be one: the true answer may have been lost."""
        wanted = opt.get(call.base, opt.OBSERVE) == b"" and opt.get(message.options, opt.OBSERVE) is not None
        return wanted or call.state is Asking.OBSERVING

    def _go_on_sending(self, call: Call, code: int, block: opt.Block, now: float) -> bool:
        """Whether the response only asks for more of our body; then the next block is on its way."""
        at = block.number << (call.szx + 4) if call.sent else 0
        if code == Code.CONTINUE and at == call.sent and call.sent + (16 << call.szx) < len(call.body):
            call.sent += 16 << call.szx
            call.szx = min(call.szx, block.szx)
        elif code == Code.REQUEST_ENTITY_TOO_LARGE and call.sent == 0 and block.szx < call.szx:
            call.szx = block.szx  # section 2.9.3: try again with the size that the server hints at
        else:
            return False
        del self._calls[call.peer, call.token]
        call.token = b""
        self._send(call, now)
        return True

    def _take_block(
        self,
        call: Call,
        message: Message,
        options: list[Option],
        block: opt.Block,
        sequence: int | None,
        held: Held | None,
        now: float,
    ) -> list[ClientEvent]:
        """One block of a large answer: keep it, and ask for the next or deliver the whole."""
        received = bytearray() if call.received is None else call.received
        etag = opt.get(options, opt.ETAG)
        if not is_success(message.code) and call.received is not None:
            return self._deliver(call, message.code, options, message.payload, None, None)
        if block.start != len(received) or (block.more and len(message.payload) != block.size):
            return self._break(call, "block out of order")
        if call.received is not None and etag != call.etag:
            return self._break(call, "answer changed meanwhile")
        received += message.payload
        if len(received) > self._max_body:
            return self._break(call, "answer too large")
        root = call.root
        if not block.more:
            return self._deliver(call, message.code, options, bytes(received), sequence, held)
        base = tuple(option for option in call.base if option[0] not in _NOT_REPEATED)
        body = root.body if root.method == Method.FETCH else b""
        child = Call(root.peer, root.method, base, body, min(block.szx, call.szx), root.confirmable, root.chance)
        child.parent, root.child = root, child
        child.received, child.etag = received, etag
        if call is root:
            child.sequence = -1 if sequence is None else sequence
            child.held = held
        else:
            child.sequence = call.sequence
            child.held = call.held
        self._send(child, now)
        return []

    def _deliver(
        self, call: Call, code: int, options: list[Option], payload: bytes, sequence: int | None, held: Held | None
    ) -> list[ClientEvent]:
        root = call.root
        if call is not root:
            root.child = None
            sequence = call.sequence if call.sequence >= 0 else None
            held = call.held
        return [ResponseReceived(root, code, options, payload, sequence, True, held)]

    def _break(self, call: Call, reason: str) -> list[ClientEvent]:
        self.counters[reason] += 1
        if call.held is not None:
            self._unhold(call.peer, call.held)  # its next copy tries again
        if call.state is not Asking.OBSERVING:
            call.state = Asking.DONE
            self._forget(call)
        call.root.child = None
        return [Broken(call.root, reason)]

    def _step(self, call: Call, what: AskingInput, now: float) -> list[ClientEvent]:
        """Inputs other than responses."""
        call.state, action = ASKING[call.state, what]
        if action is AskingAction.NOTHING:
            return []
        call.epoch += 1
        if action is AskingAction.WAIT:
            self._expire_at(call, now + self._timeout_s)
            return []
        self._forget(call)
        call.root.child = None
        if call.held is not None:
            self._unhold(
                call.peer, call.held
            )  # the rest of a large notification did not come; its next copy tries again
        return [ResetReceived(call.root) if action is AskingAction.REPORT_RESET else TimedOut(call.root)]

    # --- what goes out, and time ---

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        """What is to be sent now, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        """When ``handle_timer`` has work, None: not before the next datagram or request."""
        expiries = self._expiries
        while expiries and expiries[0][3] != expiries[0][2].epoch:
            heappop(expiries)
        due = self._retransmitter.next_timer()
        if not expiries:
            return due
        return expiries[0][0] if due is None else min(due, expiries[0][0])

    def handle_timer(self, now: float) -> list[ClientEvent]:
        """Retransmissions, and calls whose time is over."""
        again, lost = self._retransmitter.due(now)
        for transmission in again:
            self.counters["retransmission"] += 1
            self._out.append((transmission.peer, transmission.datagram))
        events: list[ClientEvent] = []
        for transmission in lost:
            events += self._step(transmission.owner, AskingInput.GIVE_UP, now)
        while self._expiries and self._expiries[0][0] <= now:
            _, _, call, epoch = heappop(self._expiries)
            if call.epoch == epoch:
                events += self._step(call, AskingInput.EXPIRE, now)
        return events

    def sizes(self) -> dict[str, int]:
        """How much is remembered now, by kind."""
        return {"calls": len(self._calls), "retransmissions": len(self._retransmitter), "recent": len(self._recent)}

    def _expire_at(self, call: Call, due: float) -> None:
        self._serial += 1
        heappush(self._expiries, (due, self._serial, call, call.epoch))

    def _forget(self, call: Call) -> None:
        if self._calls.get((call.peer, call.token)) is call:
            del self._calls[call.peer, call.token]
        self._retransmitter.settle(call.peer, call.mid)
        self._non_mids.pop((call.peer, call.mid), None)
        call.epoch += 1

    def _remembered(self, key: _Copy, now: float) -> bool:
        order = self._recent_order
        while order and (order[0][0] + self._timing.exchange_lifetime_s <= now or len(order) > self._max_recent):
            at, old = order.popleft()
            if self._recent.get(old) == at:
                del self._recent[old]
                if self._held.get(old[:2]) == old[2]:
                    del self._held[old[:2]]
        return key in self._recent

    def _remember(self, key: _Copy, now: float) -> None:
        self._recent[key] = now
        self._recent_order.append((now, key))

    def _next_mid(self, peer: Peer) -> int:
        if self._ids is not None:
            return self._ids(peer)
        self._mid = self._mid + 1 & 0xFFFF
        return self._mid

    def _next_token(self, peer: Peer) -> bytes:
        while True:
            # An odd step visits all 2^32 tokens before one comes back.
            self._token = self._token + 0x9E3779B1 & 0xFFFFFFFF
            token = self._token.to_bytes(4, "big")
            if (peer, token) not in self._calls:
                return token


def _block(options: Collection[Option], number: int) -> opt.Block | None:
    value = opt.get(options, number)
    return None if value is None else opt.block(value)


def _fresher(call: Call, sequence: int, now: float) -> bool:
    """RFC 7641 section 3.4: newer by serial number, or so late that the number says nothing."""
    last = call.sequence
    ahead = sequence - last & 0xFFFFFF
    if last < 0 or 0 < ahead < 1 << 23 or now > call.sequence_at + 128:
        call.sequence = sequence
        call.sequence_at = now
        return True
    return False
