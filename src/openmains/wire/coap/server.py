# SPDX-License-Identifier: Apache-2.0
"""A CoAP server without a socket (RFC 7252, 7641, 7959, 7967).

Theory: ``receive`` takes a datagram and gives events; ``respond`` and ``notify`` take answers; ``datagrams``
gives what is to be sent; ``next_timer`` and ``handle_timer`` move time on. Nothing here reads a clock or draws
a random number: ``now`` (seconds, any monotonic origin) and ``mid_seed`` are arguments, so a run can be
repeated byte for byte.

Distrust: a datagram may be anything. Every path through ``receive`` ends in an event, in an answer, in a Reset
or in silence, is counted by its reason in ``counters``, and leaves bounded memory behind (``Limits``).

The state of a request is a row of ``states.SERVING``; a request is known by (peer, message id, fingerprint of the datagram)
(``exchanges.py``). A copy is the same byte for byte (section 4.2): after a restart of a meter, or when a carrier hands
an address on, another message with the same id and token comes within EXCHANGE_LIFETIME; the kept answer would lose it.
"""

from collections import Counter
from collections.abc import Collection

from openmains.wire.coap import options as opt
from openmains.wire.coap.blockwise import Assembler, BodyCache
from openmains.wire.coap.content import answer_content, notification_content
from openmains.wire.coap.exchange import (
    Acknowledged,
    Crowd,
    Deregistered,
    Event,
    Exchange,
    Limits,
    Peer,
    Relation,
    Request,
    Undelivered,
    body_key,
)
from openmains.wire.coap.exchanges import Exchanges
from openmains.wire.coap.message import (
    ACK,
    CON,
    HEADER,
    NON,
    RST,
    Code,
    Message,
    Method,
    Option,
    code_class,
    decode,
    empty,
    encode_options,
    is_success,
)
from openmains.wire.coap.observing import Observers
from openmains.wire.coap.reliability import RFC7252, Chance, MessageIds, Retransmitter, Timing
from openmains.wire.coap.states import SERVING, Serving, ServingAction, ServingInput
from openmains.wire.errors import WireError

_OPEN_NON, _ANSWER = Serving.OPEN_NON, ServingInput.ANSWER
_REPEATABLE_METHODS = (Method.GET, Method.FETCH)
_POST = bytes((Method.POST,))
_SPREAD_S = 64
DEFAULT_LIMITS = Limits()


class Server:
    """One server endpoint for any number of peers.

    ``mid_seed``: any integer, random in production; first message id and the retransmission jitter follow from it.
    ``understood``: critical options that the application acts on, besides those of ``options.UNDERSTOOD``.
    ``ids``: a source of message ids shared with a client (``endpoint.py``); without it, one counter for all peers.
    ``crowd``: decides which new requests get 5.03 unread.
    ``counters``: what happened, by name; names are a fixed set.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        mid_seed: int,
        timing: Timing = RFC7252,
        understood: Collection[int] = (),
        ids: MessageIds | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        self.limits = limits
        self._crowd = crowd
        self._busy = [
            encode_options(((opt.MAX_AGE, opt.uint(limits.busy_max_age_s + later)),)) for later in range(_SPREAD_S)
        ]
        self.counters: Counter[str] = Counter()
        self._understood = opt.UNDERSTOOD | frozenset(understood)
        self._out: list[tuple[Peer, bytes]] = []
        self._exchanges = Exchanges(limits, timing.exchange_lifetime_s)
        self._open = 0
        self._mid, self._ids = mid_seed & 0xFFFF, ids
        self._chance = Chance(mid_seed)
        self._retransmitter: Retransmitter[Exchange | Relation] = Retransmitter(timing)
        self._assembler = Assembler(*limits.assembly)
        self._bodies = BodyCache(*limits.cache)
        self._observers = Observers(limits)

    # --- what comes in ---

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[Event]:
        """One datagram from ``peer``. Never raises for what is in it. ``now`` must not go back between calls."""
        if self._crowd is not None and self._is_turned_away(self._crowd, datagram, peer, now):
            return []
        if len(datagram) > self.limits.max_datagram:
            return self._oversized(datagram, peer, now)
        try:
            message = decode(datagram)
        except WireError as error:
            self._malformed(datagram, peer, error.reason)
            return []
        if message.kind > NON or not 0 < message.code < 0x20:
            return self._not_a_request(message, peer, now)
        exchange = self._begin(message, datagram, peer, now)
        return self._request(message, exchange, now) if exchange is not None else []

    def _is_turned_away(self, crowd: Crowd, datagram: bytes, peer: Peer, now: float) -> bool:
        """A new confirmable POST: answered by its header. It is not remembered, so its copies are asked about again; a copy of
        one that was taken is none of these. Those who are sent away together are told different times to come again."""
        if datagram[1:2] != _POST or datagram[0] & 0xF0 != 0x40 or (size := datagram[0] & 15) > 8:
            return False
        if len(datagram) <= 4 + size or not crowd.is_crowded(len(datagram), now):
            return False
        mid = datagram[2] << 8 | datagram[3]
        if self._exchanges.knows(mid, datagram, peer, now):
            return False
        crowd.refused()
        self.counters["crowded"] += 1
        head = HEADER.pack(0x60 | size, Code.SERVICE_UNAVAILABLE, mid)
        self._out.append((peer, head + datagram[4 : 4 + size] + self._busy[mid % _SPREAD_S]))
        return True

    def _begin(self, message: Message, datagram: bytes, peer: Peer, now: float) -> Exchange | None:
        """Remember a request; None when it is a copy (then it was dealt with here)."""
        exchange, is_copy = self._exchanges.remember(message, datagram, peer, now)
        if not is_copy:
            return exchange
        self.counters["duplicate"] += 1
        exchange.state, action = SERVING[exchange.state, ServingInput.DUPLICATE]
        if action is ServingAction.REPEAT:
            self._out.append((peer, exchange.reply))
        elif action is ServingAction.EMPTY_ACK:
            self._out.append((peer, empty(ACK, message.mid)))
        return None

    def _request(self, message: Message, exchange: Exchange, now: float) -> list[Event]:
        path: list[str] = []
        query: tuple[str, ...] = ()
        rest: list[Option] = []
        payload = message.payload
        request = Request(
            exchange, exchange.key[0], message.code, (), (), rest, payload, not message.kind, message.options
        )
        exchange.request = request
        self._open += 1
        try:
            for option in message.options:
                if option[0] == 11:
                    if len(option[1]) > 255:
                        raise opt.Refused(opt.URI_PATH)
                    path.append(str(option[1], "utf-8"))
                else:
                    rest.append(option)
            if rest:
                rest = opt.check(rest, self._understood)
                query = tuple([str(value, "utf-8") for number, value in rest if number == opt.URI_QUERY])
        except (opt.Refused, UnicodeDecodeError) as refused:
            return self._refuse_option(exchange, getattr(refused, "number", opt.URI_PATH), now)
        request.path = tuple(path)
        request.query = query
        if self._open > self.limits.max_open:
            busy = ((opt.MAX_AGE, opt.uint(self.limits.busy_max_age_s)),)
            return self._answer(exchange, "busy", Code.SERVICE_UNAVAILABLE, busy, now)
        if message.code > Method.IPATCH:
            return self._answer(exchange, "method unknown", Code.METHOD_NOT_ALLOWED, (), now)
        request.options = rest
        if rest:
            special = False
            for number, _ in rest:
                # Observe, Block2, Block1, No-Response: everything else is the application's business.
                if number == 6 or number == 23 or number == 27 or number == 258:
                    special = True
                    break
            if query:
                request.options = [option for option in rest if option[0] != opt.URI_QUERY]
            if special:
                return self._special(request, now)
        if len(payload) > self.limits.max_payload:
            return self._too_long(exchange, now)
        return [request]

    def _special(self, request: Request, now: float) -> list[Event]:
        """Options that the server acts on by itself: blocks, Observe, No-Response."""
        exchange = request.exchange
        block1 = opt.get(request.options, opt.BLOCK1)
        block2 = opt.get(request.options, opt.BLOCK2)
        request.no_response = opt.get_uint(request.options, opt.NO_RESPONSE) or 0
        try:
            request.block1 = None if block1 is None else opt.block(block1)
            request.block2 = None if block2 is None else opt.block(block2)
        except WireError:
            return self._answer(exchange, "block option malformed", Code.BAD_REQUEST, (), now)
        events: list[Event] = []
        if request.method in _REPEATABLE_METHODS:
            request.observe = opt.get_uint(request.options, opt.OBSERVE)
            if request.observe == 1:
                events += self._drop_relation(self._observers.find(request.peer, exchange.token), "cancelled")
        if len(request.payload) > self.limits.max_payload:
            return events + self._too_long(exchange, now)
        if request.block1 is not None:
            key = (request.peer, request.method, opt.cache_key(request.raw_options))
            size1 = opt.get_uint(request.options, opt.SIZE1) or 0
            if size1 > self.limits.max_body:
                return events + self._too_large(exchange, self.limits.max_body, now)
            body = self._assembler.add(key, request.peer, request.block1, request.payload, now)
            if body is Code.CONTINUE:
                return events + self._answer(exchange, "block", Code.CONTINUE, (), now)
            if body is Code.REQUEST_ENTITY_TOO_LARGE:
                return events + self._too_large(exchange, self.limits.max_body, now)
            if isinstance(body, Code):
                return events + self._answer(exchange, "block out of order", body, (), now)
            request.payload = body
        if request.block2 is not None and request.block2.number:
            kept = self._bodies.get(body_key(request), now)
            if kept is not None:
                self.counters["block"] += 1
                self.respond(exchange, kept.code, kept.payload, kept.options, now=now)
                return events
            if request.method not in _REPEATABLE_METHODS:
                # Asking the application again would do a second time what must be done once.
                return events + self._answer(exchange, "block unknown", Code.REQUEST_ENTITY_INCOMPLETE, (), now)
        events.append(request)
        return events

    # --- what the application answers ---

    def respond(
        self,
        exchange: Exchange,
        code: int,
        payload: bytes = b"",
        options: Collection[Option] = (),
        *,
        now: float,
        observe: bool = False,
    ) -> Relation | None:
        """Answer a request, once; later calls are counted and ignored.

        ``payload`` of any size is cut into blocks. ``observe=True`` agrees to a request with ``observe == 0``: the
        relation is returned, unless ``code`` is not a success or the limits are reached (then None).
        """
        request = exchange.request
        if request is None:
            self.counters["answered twice"] += 1
            return None
        exchange.request = None
        self._open -= 1
        relation = None
        special = request.observe is not None or request.block1 is not None or request.block2 is not None
        if special or request.no_response or len(payload) > 16 << self.limits.block_szx:
            if request.no_response & 1 << code_class(code) - 1:
                self._silent(exchange)
                return None
            if observe and request.observe == 0 and is_success(code):
                relation = self._observers.register(request, body_key(request), self.limits.block_szx, now)
            szx = self.limits.block_szx
            code, payload, options = answer_content(request, relation, code, payload, options, self._bodies, szx, now)
        state, action = SERVING[exchange.state, _ANSWER]
        exchange.state = state
        token = exchange.token
        tail = token + encode_options(options) if options else token
        if payload:
            tail += b"\xff" + payload
        peer, mid, _ = exchange.key
        if action is ServingAction.PIGGYBACK:
            exchange.reply = HEADER.pack(0x60 | len(token), code, mid) + tail
            self._out.append((peer, exchange.reply))
        elif action is ServingAction.SEND_NON:
            self._out.append((peer, HEADER.pack(0x50 | len(token), code, self._next_mid(peer)) + tail))
        elif action is ServingAction.SEND_CON:
            mid = self._next_mid(peer)
            datagram = HEADER.pack(0x40 | len(token), code, mid) + tail
            self._out.append((peer, datagram))
            self._retransmitter.start(peer, mid, datagram, exchange, self._chance(), now)
        return relation

    def _silent(self, exchange: Exchange) -> None:
        exchange.state, action = SERVING[exchange.state, ServingInput.SILENT]
        if action is ServingAction.EMPTY_ACK:
            self._out.append((exchange.peer, empty(ACK, exchange.mid)))

    # --- observe ---

    def notify(
        self,
        relation: Relation,
        code: int,
        payload: bytes = b"",
        options: Collection[Option] = (),
        *,
        confirmable: bool = False,
        now: float,
    ) -> None:
        """Send the resource's new state to one observer (RFC 7641 section 4.2).

        While a confirmable notification is on its way only the newest state is held back for when it is acknowledged
        (section 4.5.2). A NON becomes a CON once in 24 hours (4.5). A ``code`` that is no success ends the relation.
        """
        if relation.closed:
            self.counters["notify after the end"] += 1
            return
        if relation.waiting:
            relation.latest = (code, payload, tuple(options))
            return
        if is_success(code):
            code, payload, options = notification_content(relation, code, payload, options, self._bodies, now)
        else:
            self._observers.remove(relation)
        confirmable = confirmable or self._observers.must_confirm(relation, now)
        mid = self._next_mid(relation.peer)
        head = HEADER.pack((0x40 if confirmable else 0x50) | len(relation.token), code, mid)
        datagram = head + relation.token + encode_options(options) + (b"\xff" + payload if payload else b"")
        self._out.append((relation.peer, datagram))
        if confirmable:
            relation.waiting = True
            self._retransmitter.start(relation.peer, mid, datagram, relation, self._chance(), now)
        elif not relation.closed:
            self._observers.sent_non(relation, mid)

    def end(self, relation: Relation) -> None:
        """End an observation without a word: its observer knows."""
        self._observers.remove(relation)

    def _drop_relation(self, relation: Relation | None, reason: str) -> list[Event]:
        if relation is None or relation.closed:
            return []
        self._observers.remove(relation)
        self.counters[f"observer {reason}"] += 1
        return [Deregistered(relation, reason)]

    # --- what is not a request ---

    def _not_a_request(self, message: Message, peer: Peer, now: float) -> list[Event]:
        kind, mid = message.kind, message.mid
        if kind == CON:
            # An empty CON is a ping; a response that nobody asked for is rejected the same way (sections 4.2, 4.3).
            self.counters["response unasked" if message.code else "ping"] += 1
            self._out.append((peer, empty(RST, mid)))
            return []
        if message.code:
            self.counters["response unasked"] += 1
            return []
        if kind == NON:
            self.counters["empty non"] += 1
            return []
        owner = self._retransmitter.settle(peer, mid)
        if owner is None:
            relation = self._observers.by_mid(peer, mid) if kind == RST else None
            if relation is None:
                self.counters["ack unasked" if kind == ACK else "reset unasked"] += 1
            return self._drop_relation(relation, "reset")
        return self._settled(owner, ServingInput.PEER_ACK if kind == ACK else ServingInput.PEER_RESET, now)

    def _settled(self, owner: Exchange | Relation, what: ServingInput, now: float) -> list[Event]:
        """A confirmable message of ours met its fate."""
        if isinstance(owner, Exchange):
            owner.state, _ = SERVING[owner.state, what]
            if what is ServingInput.PEER_ACK:
                return [Acknowledged(owner.peer, exchange=owner)]
            self.counters["answer undelivered"] += 1
            return [Undelivered(owner.peer, owner, "reset" if what is ServingInput.PEER_RESET else "timeout")]
        owner.waiting = False
        if what is ServingInput.PEER_ACK:
            owner.confirmed_at = now
            if owner.latest is not None:
                (code, payload, options), owner.latest = owner.latest, None
                self.notify(owner, code, payload, options, confirmable=True, now=now)
            return [Acknowledged(owner.peer, relation=owner)]
        return self._drop_relation(owner, "reset" if what is ServingInput.PEER_RESET else "timeout")

    def _malformed(self, datagram: bytes, peer: Peer, reason: str) -> None:
        self.counters[reason] += 1
        # Section 3: another version is ignored in silence; section 4.2: a malformed CON gets a Reset, all else silence.
        if len(datagram) >= 4 and datagram[0] & 0xF0 == 0x40:
            self._out.append((peer, empty(RST, datagram[2] << 8 | datagram[3])))

    def _oversized(self, datagram: bytes, peer: Peer, now: float) -> list[Event]:
        """Too long to look at: only header and token are read."""
        try:
            message = decode(datagram[: 4 + (datagram[0] & 15)])
        except WireError as error:
            self._malformed(datagram, peer, error.reason)
            return []
        if message.kind > NON or not 0 < message.code < 0x20:
            self._malformed(datagram, peer, "datagram too large")
            return []
        exchange = self._begin(message, datagram, peer, now)
        if exchange is None:
            return []
        exchange.request = Request(exchange, peer, message.code, (), (), (), b"", not message.kind)
        self._open += 1
        return self._too_long(exchange, now)

    # --- answers of the server's own ---

    def _answer(
        self, exchange: Exchange, counter: str, code: int, options: Collection[Option], now: float, text: bytes = b""
    ) -> list[Event]:
        self.counters[counter] += 1
        request = exchange.request
        if request is not None:
            request.block2 = None
            request.no_response = 0
            if request.block1 is not None and code != Code.CONTINUE:
                # RFC 7959 section 2.3: M in an answer says that it is not the last one. aiocoap goes on sending then.
                request.block1 = opt.Block(request.block1.number, False, request.block1.szx)
        self.respond(exchange, code, text, options, now=now)
        return []

    def _too_long(self, exchange: Exchange, now: float) -> list[Event]:
        """RFC 7959 section 2.9.3: the size exponent in a 4.13 tells which block size would do.

        To a request in blocks only: aiocoap fails over a Block1 in the answer to one that had none.
        """
        if exchange.request is not None and exchange.request.block1 is not None:
            exchange.request.block1 = opt.Block(0, False, max(0, min(6, self.limits.max_payload.bit_length() - 5)))
        return self._too_large(exchange, self.limits.max_payload, now)

    def _too_large(self, exchange: Exchange, size: int, now: float) -> list[Event]:
        size1 = ((opt.SIZE1, opt.uint(size)),)
        return self._answer(exchange, "too large", Code.REQUEST_ENTITY_TOO_LARGE, size1, now)

    def _refuse_option(self, exchange: Exchange, number: int, now: float) -> list[Event]:
        """Section 5.4.1: 4.02 for a CON, silence for a NON. Sections 5.7.2, 5.10.2: a proxy's options get 5.05."""
        if exchange.state is _OPEN_NON:
            self.counters["bad option"] += 1
            exchange.request = None
            self._open -= 1
            self._silent(exchange)
            return []
        if number in (opt.PROXY_URI, opt.PROXY_SCHEME):
            return self._answer(exchange, "proxy request", Code.PROXYING_NOT_SUPPORTED, (), now)
        return self._answer(exchange, "bad option", Code.BAD_OPTION, (), now, b"option %d" % number)

    # --- what goes out, and time ---

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        """What is to be sent now, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        """When ``handle_timer`` has work, None: not before the next datagram."""
        ack_at, due = self._exchanges.ack_due_at(), self._retransmitter.next_timer()
        if ack_at is None or due is None:
            return due if ack_at is None else ack_at
        return min(ack_at, due)

    def handle_timer(self, now: float) -> list[Event]:
        """Empty ACKs for slow answers, retransmissions, and what became of those in vain."""
        for exchange in self._exchanges.overdue(now):
            exchange.state, action = SERVING[exchange.state, ServingInput.SLOW]
            if action is ServingAction.EMPTY_ACK:
                self.counters["answer separate"] += 1
                self._out.append((exchange.peer, empty(ACK, exchange.mid)))
        again, lost = self._retransmitter.due(now)
        for transmission in again:
            self.counters["retransmission"] += 1
            self._out.append((transmission.peer, transmission.datagram))
        events: list[Event] = []
        for transmission in lost:
            events += self._settled(transmission.owner, ServingInput.GIVE_UP, now)
        return events

    def sizes(self) -> dict[str, int]:
        """How much is remembered now, by kind (for metrics and for the tests of the limits)."""
        return {
            "exchanges": len(self._exchanges),
            "open": self._open,
            "slow": self._exchanges.slow,
            "retransmissions": len(self._retransmitter),
            "assemblies": len(self._assembler),
            "assembly_bytes": self._assembler.total,
            "bodies": len(self._bodies),
            "relations": len(self._observers),
        }

    def _next_mid(self, peer: Peer) -> int:
        for _ in range(16):
            self._mid = self._mid + 1 & 0xFFFF if self._ids is None else self._ids(peer)
            if (peer, self._mid) not in self._retransmitter:
                break
        return self._mid
