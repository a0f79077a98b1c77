# SPDX-License-Identifier: Apache-2.0
"""The LwM2M client without a socket: what a meter does (LwM2M core 1.0.2 and 1.1.1), for the emulator and for tests.

Theory: one :class:`Client` is one device with one server at a time. Its life is the table in ``states.py``; its values
are a :class:`Tree`, answered for by :class:`Answerer`; notifications follow ``attributes.py``. It asks one thing at a
time (NSTART 1); what it wants to send meanwhile waits in order. A sleeping device (queue mode) may switch its radio off
after ``listening_until``; everything else about sleep is its owner's.
"""

from collections import deque
from collections.abc import Hashable, Sequence

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import Broken, Call, ResetReceived, ResponseReceived, TimedOut
from openmains.wire.coap.endpoint import Endpoint
from openmains.wire.coap.exchange import Acknowledged, Deregistered, Limits, Request
from openmains.wire.coap.message import Code, Method, is_success
from openmains.wire.coap.reliability import RFC7252, Timing
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.answering import Answerer, Judge
from openmains.wire.lwm2m.client_events import (
    BootstrapDone,
    ClientEvent,
    Left,
    Notified,
    NotSent,
    Observed,
    Registered,
    RegistrationUpdated,
    Sending,
    Sent,
    Trouble,
    Unobserved,
)
from openmains.wire.lwm2m.codec.senml import encode as encode_pack
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import DEFAULT_LIFETIME_S, write_offer
from openmains.wire.lwm2m.states import LIFE, Life, LifeAction, LifeInput
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Item, Value
from openmains.wire.lwm2m.watching import Watch, Watches

DEVICE_LIMITS = Limits(
    max_exchanges=64,
    max_open=8,
    max_assemblies=2,
    max_assembly_bytes=1 << 20,
    max_body=1 << 20,
    max_cached_bodies=4,
    max_cached_bytes=1 << 18,
    max_relations=16,
    max_relations_per_peer=16,
)
"""A device's share: firmware packages of a megabyte, a few observations."""

BOOTSTRAP_TIMEOUT_S = 247.0
UPDATE_AFTER = 0.9
"""Part of the lifetime after which the registration is renewed."""

_ASK = (LifeAction.ASK_BOOTSTRAP, LifeAction.ASK_REGISTER, LifeAction.ASK_UPDATE, LifeAction.ASK_LEAVE)


class Client:
    """One device. ``endpoint``: its name; ``seed``: any integer, random in production.

    ``judge``: asked before the server changes something. ``window_s``: how long it listens after its last word.
    ``confirm``: whether notifications are confirmable. ``renew``: whether it updates its registration by itself.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        endpoint: str,
        seed: int,
        lifetime_s: int = DEFAULT_LIFETIME_S,
        version: str = "1.1",
        binding: str = "U",
        queue: bool = False,
        confirm: bool = True,
        renew: bool = True,
        window_s: float = 93.0,
        root: tuple[str, ...] = (),
        judge: Judge | None = None,
        limits: Limits = DEVICE_LIMITS,
        timing: Timing = RFC7252,
    ) -> None:
        self.tree = tree
        self.endpoint = endpoint
        self.lifetime_s = lifetime_s
        self.version = version
        self.binding = binding
        self.queue = queue
        self.confirm = confirm
        self.state = Life.IDLE
        self.server: Hashable = None
        self.location = ""
        self.listening_until = 0.0
        self._renew = renew
        self._window_s = window_s
        self._root = root
        self._coap = Endpoint(limits, seed=seed, timing=timing)
        self._answerer = Answerer(
            tree,
            default_format=content.TLV if version == "1.0" else content.SENML_CBOR,
            root=root,
            judge=judge,
        )
        self._watches = Watches(tree, self._answerer.attributes)
        self._waiting: deque[Sending | Life] = deque()
        self._current: Call | None = None
        self._renew_at: float | None = None
        self._bootstrap_until: float | None = None
        self._fresh_offer = False

    # --- what the owner wants ---

    def bootstrap(self, server: Hashable, now: float) -> None:
        """Ask ``server`` for accounts."""
        self.server = server
        self._step(LifeInput.WANT_BOOTSTRAP, now)

    def register(self, server: Hashable, now: float) -> None:
        """Register with ``server``."""
        self.server = server
        self._step(LifeInput.WANT_REGISTER, now)

    def update(self, now: float, *, objects: bool = False) -> None:
        """Renew the registration; ``objects``: the list of objects goes along."""
        self._fresh_offer = self._fresh_offer or objects
        self._step(LifeInput.WANT_UPDATE, now)

    def deregister(self, now: float) -> None:
        """End the registration."""
        self._step(LifeInput.WANT_LEAVE, now)

    def set(self, path: Path, value: Value, now: float, *, tell: bool = False) -> None:
        """The device has a new value. ``tell``: observers hear of it even if it is the same as before."""
        self.tree.set(path, value)
        self._watches.change(path, tell=tell)
        self._notify(now)

    def send(self, items: Sequence[Item], now: float, content_format: int = content.SENML_CBOR) -> Sending:
        """Send (1.1): values that nobody asked for."""
        return self._enqueue(Sending(("dp",), encode_pack(items, content_format), content_format), now)

    def post(
        self,
        path: Path | tuple[str, ...],
        payload: bytes,
        now: float,
        content_format: int = content.OPAQUE,
        *,
        confirmable: bool = True,
    ) -> Sending:
        """POST a report to a resource of the server, such as (19, 0, 0)."""
        parts = tuple(part if isinstance(part, str) else str(part) for part in path)
        return self._enqueue(Sending(parts, payload, content_format, confirmable), now)

    @property
    def busy(self) -> bool:
        """Whether something of ours waits for the server."""
        return self._current is not None or bool(self._waiting)

    def _enqueue(self, sending: Sending, now: float) -> Sending:
        self._waiting.append(sending)
        self._next(now)
        return sending

    # --- life ---

    def _step(self, what: LifeInput, now: float, code: int = 0, max_age_s: int | None = None) -> list[ClientEvent]:
        self.state, action = LIFE[self.state, what]
        if action in (LifeAction.ASK_REGISTER, LifeAction.ASK_BOOTSTRAP, LifeAction.ASK_LEAVE):
            self._renew_at = None
        if action in _ASK:
            self._waiting.appendleft(self.state)
            self._next(now)
        elif action is LifeAction.TELL_REGISTERED:
            self._schedule(now)
            return [*self._unwatch("cancelled"), Registered(self.location)]
        elif action is LifeAction.TELL_UPDATED:
            self._schedule(now)
            return [RegistrationUpdated()]
        elif action is LifeAction.TELL_LEFT:
            return [*self._unwatch("cancelled"), Left()]
        elif action is LifeAction.TELL_FAILED:
            self._bootstrap_until = None
            if self.state is Life.REGISTERED and self.lifetime_s and self._renew:
                self._renew_at = now + self.lifetime_s * (1 - UPDATE_AFTER) / 2  # once more before the lifetime ends
            return [Trouble(code, max_age_s)]
        elif action is LifeAction.TELL_BOOTSTRAPPED:
            self._bootstrap_until = None
            return [BootstrapDone()]
        return []

    def _schedule(self, now: float) -> None:
        self._renew_at = now + self.lifetime_s * UPDATE_AFTER if self.lifetime_s and self._renew else None

    def _unwatch(self, reason: str) -> list[ClientEvent]:
        """A new registration begins without observations; the server is not told, it knows."""
        gone = self._watches.clear()
        for watch in gone:
            self._coap.server.end(watch.relation)
        return [Unobserved(watch.paths, reason) for watch in gone]

    def _next(self, now: float) -> None:
        while self._current is None and self._waiting:
            wanted = self._waiting.popleft()
            if isinstance(wanted, Life):
                if wanted is self.state:
                    self._ask_life(wanted, now)
            else:
                self._ask(wanted, Method.POST, wanted.path, wanted.payload, (), wanted.content_format, now)

    def _ask_life(self, state: Life, now: float) -> None:
        lifetime = f"lt={self.lifetime_s}"
        if state is Life.BOOTSTRAPPING:
            self._bootstrap_until = now + BOOTSTRAP_TIMEOUT_S
            self._ask(state, Method.POST, ("bs",), b"", (f"ep={self.endpoint}",), None, now)
        elif state is Life.REGISTERING:
            mode = self.binding + ("Q" if self.queue and self.version == "1.0" else "")
            query = [f"ep={self.endpoint}", lifetime, f"lwm2m={self.version}", f"b={mode}"]
            query += ["Q"] if self.queue and self.version != "1.0" else []
            formats = () if self.version == "1.0" else (content.SENML_CBOR, content.SENML_JSON, content.TLV)
            offer = write_offer(self.tree.offered(), self._root, formats)
            self._ask(state, Method.POST, ("rd",), offer, query, content.LINK_FORMAT, now)
        elif state is Life.UPDATING:
            offer = write_offer(self.tree.offered(), self._root) if self._fresh_offer else b""
            self._fresh_offer = False
            format_ = content.LINK_FORMAT if offer else None
            self._ask(state, Method.POST, ("rd", self.location), offer, (lifetime,), format_, now)
        else:
            self._ask(state, Method.DELETE, ("rd", self.location), b"", (), None, now)

    def _ask(
        self,
        tag: Sending | Life,
        method: int,
        path: tuple[str, ...],
        payload: bytes,
        query: Sequence[str],
        content_format: int | None,
        now: float,
    ) -> None:
        options = () if content_format is None else ((opt.CONTENT_FORMAT, opt.uint(content_format)),)
        confirmable = tag.confirmable if isinstance(tag, Sending) else True
        chance = self._coap.chance()
        call = self._coap.client.request(
            self.server, method, path, payload, options, query=query, confirmable=confirmable, chance=chance, now=now
        )
        call.tag = tag
        self._current = call
        self._heard(now)

    # --- what comes in ---

    def receive(self, datagram: bytes, server: Hashable, now: float) -> list[ClientEvent]:
        """One datagram. Never raises for what is in it."""
        out: list[ClientEvent] = []
        self._heard(now)
        for event in self._coap.receive(datagram, server, now):
            self._event(event, now, out)
        return out

    def _event(self, event: object, now: float, out: list[ClientEvent]) -> None:
        if isinstance(event, Request):
            self._request(event, now, out)
        elif isinstance(event, ResponseReceived | TimedOut | ResetReceived | Broken):
            if event.call is self._current:
                self._current = None
                self._came_back(event, now, out)
                self._next(now)
        elif isinstance(event, Acknowledged) and event.relation is not None:
            watch = self._watches.find(event.relation)
            if watch is not None:
                out.append(Notified(watch.paths))
        elif isinstance(event, Deregistered):
            watch = self._watches.end(event.relation)
            if watch is not None:
                out.append(Unobserved(watch.paths, event.reason))

    def _came_back(
        self, event: ResponseReceived | TimedOut | ResetReceived | Broken, now: float, out: list[ClientEvent]
    ) -> None:
        tag = event.call.tag
        if isinstance(event, ResponseReceived):
            good = is_success(event.code)
            if isinstance(tag, Sending):
                out.append(Sent(tag, event.code, event.payload))
                if event.code == Code.NOT_FOUND and self.state is Life.REGISTERED:
                    out += self._step(LifeInput.UNKNOWN, now)
                return
            if tag is not self.state:
                return  # overtaken by another wish meanwhile
            if good and tag is Life.REGISTERING:
                parts = [value.decode("utf-8", "replace") for n, value in event.options if n == opt.LOCATION_PATH]
                self.location = parts[-1] if parts else ""
            unknown = event.code == Code.NOT_FOUND
            what = LifeInput.ACCEPTED if good else LifeInput.UNKNOWN if unknown else LifeInput.REFUSED
            if unknown and tag is Life.BOOTSTRAPPING:
                what = LifeInput.REFUSED
            out += self._step(what, now, event.code, opt.get_uint(event.options, opt.MAX_AGE))
        elif isinstance(tag, Sending):
            reason = "timeout" if isinstance(event, TimedOut) else getattr(event, "reason", "reset")
            out.append(NotSent(tag, reason))
        elif tag is self.state:
            out += self._step(LifeInput.SILENCE, now)

    def _request(self, request: Request, now: float, out: list[ClientEvent]) -> None:
        coap = self._coap.server
        if request.peer != self.server or self.state is Life.IDLE:
            coap.respond(request.exchange, Code.UNAUTHORIZED, now=now)
            return
        bootstrapping = self.state is Life.BOOTSTRAPPING
        if bootstrapping and request.path == ("bs",) and request.method == Method.POST:
            self._finish(request, now, out)
            return
        answer = self._answerer.answer(request, bootstrap=bootstrapping)
        wants = request.observe == 0 and answer.code == Code.CONTENT and bool(answer.paths) and not bootstrapping
        relation = coap.respond(request.exchange, answer.code, answer.payload, answer.options, now=now, observe=wants)
        if relation is not None:
            self._watches.begin(relation, answer.paths, answer.accept, request.method == Method.FETCH, now)
            out.append(Observed(answer.paths))
        out += answer.events
        for event in answer.events:
            for path in getattr(event, "paths", ()):
                self._watches.change(path, tell=False)
        self._notify(now)

    def _finish(self, request: Request, now: float, out: list[ClientEvent]) -> None:
        """Bootstrap-Finish: consistent when every account has its server, and there is one (section 6.1.7.6)."""
        shorts = {self.tree.get((0, one, 10)) for one in self.tree.instances(0) if not self.tree.get((0, one, 1))}
        servers = {self.tree.get((1, one, 0)) for one in self.tree.instances(1)}
        good = bool(shorts) and shorts == servers
        self._coap.server.respond(request.exchange, Code.CHANGED if good else Code.NOT_ACCEPTABLE, now=now)
        if good:
            out += self._step(LifeInput.FINISHED, now)

    # --- notifications, and time ---

    def _notify(self, now: float) -> None:
        for watch in self._watches.ripe(now):
            self._tell(watch, now)

    def _tell(self, watch: Watch, now: float) -> None:
        answer = self._answerer.observed(watch.paths, watch.accept, composite=watch.composite)
        self._watches.told(watch, now)
        self._coap.server.notify(
            watch.relation, answer.code, answer.payload, answer.options, confirmable=self.confirm, now=now
        )
        if answer.code != Code.CONTENT:
            self._watches.end(watch.relation)
        self._heard(now)

    def _heard(self, now: float) -> None:
        self.listening_until = now + self._window_s

    def datagrams(self) -> list[tuple[Hashable, bytes]]:
        """What is to be sent now, in order; each is given once."""
        return self._coap.datagrams()

    def next_timer(self) -> float | None:
        """When ``handle_timer`` has work, None: not before the next datagram or wish."""
        times = (self._coap.next_timer(), self._watches.next_timer(), self._renew_at, self._bootstrap_until)
        return min((time for time in times if time is not None), default=None)

    def handle_timer(self, now: float) -> list[ClientEvent]:
        """Retransmissions, notifications, the renewal of the registration."""
        out: list[ClientEvent] = []
        for event in self._coap.handle_timer(now):
            self._event(event, now, out)
        if self._renew_at is not None and self._renew_at <= now:
            self._renew_at = None
            out += self._step(LifeInput.WANT_UPDATE, now)
        if self._bootstrap_until is not None and self._bootstrap_until <= now:
            self._bootstrap_until = None
            out += self._step(LifeInput.SILENCE, now)
        self._notify(now)
        return out
