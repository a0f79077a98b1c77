# SPDX-License-Identifier: Apache-2.0
"""The LwM2M server without a socket: registration, reports, device management, bootstrap (LwM2M core 1.0.2 and 1.1.1).

Theory: ``receive`` takes the CoAP datagrams of a link, already decrypted, and gives events; ``accept``, ``refuse``,
``respond``, ``bootstrap`` and ``submit`` take what is to be said; ``datagrams`` gives what is to be sent. A report is
answered, and a confirmable notification acknowledged, only by ``respond``: acknowledged means durable.

Whose link it is was settled below (DTLS) or is settled by the application, which compares the endpoint name with the
session's identity before it accepts. So a registration belongs to its link: an Update or a Deregister over another link
is 4.04, whatever location it names, and so is a report over a link without registration; the device then registers.

Garbage is answered and counted by the CoAP layer; what is wrong with LwM2M gets its code here and a counter.
"""

from collections import Counter
from collections.abc import Iterable

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import Broken, ResetReceived, ResponseReceived, TimedOut
from openmains.wire.coap.endpoint import Endpoint, Pong
from openmains.wire.coap.exchange import Crowd, Exchange, Request
from openmains.wire.coap.exchange import Limits as CoapLimits
from openmains.wire.coap.message import Code, Method, Option, code_class
from openmains.wire.coap.reliability import RFC7252, Timing
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.asking import UPLINK, Asker, DeviceLink
from openmains.wire.lwm2m.bootstrap import Run, Steps
from openmains.wire.lwm2m.events import (
    Bootstrapped,
    BootstrapWanted,
    Deregistered,
    Done,
    Event,
    Failed,
    Limits,
    Link,
    RegisterWanted,
    Report,
    RequestRefused,
    Updated,
)
from openmains.wire.lwm2m.expiry import Expiries
from openmains.wire.lwm2m.operation import Operation
from openmains.wire.lwm2m.path import from_segments
from openmains.wire.lwm2m.registering import Refused, bootstrap_wanted, register_wanted, update
from openmains.wire.lwm2m.registration import Registration

_CLIENT_EVENTS = (ResponseReceived, TimedOut, ResetReceived, Broken)
_WRITING = (Method.POST, Method.PUT)
DEFAULT_LIMITS = Limits()
DEFAULT_COAP_LIMITS = CoapLimits()


class Server:
    """One server for any number of links.

    ``seed``: any integer, random in production. ``unix_s``: Unix time at ``now`` 0, so 0 when ``now`` is Unix time;
    registrations keep Unix times, for they outlive the process. ``crowd``: see ``wire.coap``.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        seed: int,
        unix_s: float = 0.0,
        coap_limits: CoapLimits = DEFAULT_COAP_LIMITS,
        timing: Timing = RFC7252,
        crowd: Crowd | None = None,
    ) -> None:
        self.limits = limits
        self.counters: Counter[str] = Counter()
        self._unix_s = unix_s
        self._coap = Endpoint(coap_limits, seed=seed, timing=timing, hold_notifications=True, crowd=crowd)
        self._asker = Asker(self._coap, limits)
        self._links: dict[Link, DeviceLink] = {}
        self._by_endpoint: dict[str, Link] = {}
        self._later: list[Event] = []
        self._expiries = Expiries()

    # --- what comes in ---

    def receive(self, datagram: bytes, link: Link, now: float) -> list[Event]:
        """One datagram from ``link``. Never raises for what is in it. ``now`` must not go back between calls."""
        device = self._links.get(link)
        if device is not None:
            device.heard_at = now
        out: list[Event] = self._news() if self._later else []
        for event in self._coap.receive(datagram, link, now):
            if type(event) is Request:
                self._request(event, link, device, now, out)
            elif type(event) is Pong:
                out.append(event)
            elif isinstance(event, _CLIENT_EVENTS) and device is not None:
                self._about_call(event, device, now, out)
        return out

    def ping(self, link: Link) -> None:
        """Ask whether the device hears us at its present address; ``Pong`` when it does."""
        self._coap.ping(link)

    def _about_call(
        self,
        event: ResponseReceived | TimedOut | ResetReceived | Broken,
        device: DeviceLink,
        now: float,
        out: list[Event],
    ) -> None:
        first = len(out)
        self._asker.event(event, device, now, out)
        if device.bootstrap is not None:
            self._bootstrap_on(device, out[first:], now, out)
        if device.idle:
            self._links.pop(device.link, None)

    def _request(self, request: Request, link: Link, device: DeviceLink | None, now: float, out: list[Event]) -> None:
        path = request.path
        target = from_segments(path)
        if target is not None:
            if device is None or device.registration is None:
                self._refuse(request, "report unregistered", Code.NOT_FOUND, now)
            elif request.method not in _WRITING:
                self._refuse(request, "method not allowed", Code.METHOD_NOT_ALLOWED, now)
            elif opt.get_uint(request.options, opt.ACCEPT) not in (None, content.OPAQUE):
                self._refuse(request, "report accept", Code.NOT_ACCEPTABLE, now)  # answers are a driver's bytes
            else:
                format_ = opt.get_uint(request.options, opt.CONTENT_FORMAT)
                out.append(
                    Report(
                        link,
                        device.registration,
                        request.exchange,
                        "object19" if target == UPLINK else "post",
                        target,
                        format_,
                        request.payload,
                        request.confirmable,
                    )
                )
            return
        first = path[0] if path else ""
        if first == "rd" and len(path) <= 2:
            self._registration(request, link, device, now, out)
        elif path == ("dp",):
            self._send(request, link, device, now, out)
        elif path == ("bs",):
            self._bootstrap_request(request, link, now, out)
        else:
            out.append(request)

    def _send(self, request: Request, link: Link, device: DeviceLink | None, now: float, out: list[Event]) -> None:
        """Send (section 6.4.6 of 1.1): a SenML pack that nobody asked for."""
        if device is None or device.registration is None:
            self._refuse(request, "report unregistered", Code.NOT_FOUND, now)
            return
        format_ = opt.get_uint(request.options, opt.CONTENT_FORMAT)
        if request.method != Method.POST:
            self._refuse(request, "method not allowed", Code.METHOD_NOT_ALLOWED, now)
        elif format_ not in (content.SENML_JSON, content.SENML_CBOR):
            self._refuse(request, "send format", Code.UNSUPPORTED_CONTENT_FORMAT, now)
        else:
            exchange, payload = request.exchange, request.payload
            out.append(Report(link, device.registration, exchange, "send", (), format_, payload, request.confirmable))

    # --- registration (section 6.2) ---

    def _registration(
        self, request: Request, link: Link, device: DeviceLink | None, now: float, out: list[Event]
    ) -> None:
        if len(request.path) == 1:
            if request.method != Method.POST:
                self._refuse(request, "method not allowed", Code.METHOD_NOT_ALLOWED, now)
            else:
                self._register(request, link, device, now, out)
            return
        registration = None if device is None else device.registration
        if device is None or registration is None or registration.location != request.path[1]:
            self._refuse(request, "registration unknown", Code.NOT_FOUND, now)
        elif request.method == Method.DELETE:
            self._answer(request.exchange, Code.DELETED, now)
            self._end(device, out)
            out.append(Deregistered(link, registration, "device"))
        elif request.method in _WRITING:
            self._update(request, device, registration, now, out)
        else:
            self._refuse(request, "method not allowed", Code.METHOD_NOT_ALLOWED, now)

    def _register(self, request: Request, link: Link, device: DeviceLink | None, now: float, out: list[Event]) -> None:
        try:
            wanted = register_wanted(request, link, self.limits)
        except Refused as refused:
            self._refuse(request, refused.counter, refused.code, now, refused.text)
            out.append(RequestRefused(link, request.path[0], refused.counter, refused.text))
            return
        if device is None and len(self._links) >= self.limits.max_links:
            self._busy(request, now)
        else:
            out.append(wanted)

    def accept(self, wanted: RegisterWanted, now: float, *, endpoint: str | None = None) -> Registration:
        """The device may register: it hears 2.01 and its location. ``endpoint``: the name to keep, by default its own.

        An older registration of the link or of the endpoint ends; its observations with it (section 6.2.1).
        """
        name = wanted.endpoint if endpoint is None else endpoint
        unix_s = self._unix_s + now
        registration = Registration(
            f"{self._coap.chance.bits() << 31 | self._coap.chance.bits():x}",
            name,
            wanted.lifetime_s,
            wanted.version,
            wanted.binding,
            wanted.queue_mode,
            wanted.sms,
            wanted.offer,
            unix_s,
            unix_s,
        )
        self._bind(wanted.link, registration, now)
        location = ((opt.LOCATION_PATH, b"rd"), (opt.LOCATION_PATH, registration.location.encode()))
        self._coap.server.respond(wanted.exchange, Code.CREATED, b"", location, now=now)
        return registration

    def refuse(
        self,
        wanted: RegisterWanted | BootstrapWanted,
        code: int,
        now: float,
        *,
        max_age_s: int | None = None,
        text: bytes = b"",
    ) -> None:
        """Say no; with ``max_age_s`` a 5.03 or 4.29 tells when to come back. ``text``: diagnostic, UTF-8."""
        options = () if max_age_s is None else ((opt.MAX_AGE, opt.uint(max_age_s)),)
        self._coap.server.respond(wanted.exchange, code, text, options, now=now)

    def restore(self, link: Link, registration: Registration, now: float) -> None:
        """A registration of an earlier life, or of an earlier session of the same device, goes on over ``link``."""
        self._bind(link, registration, now)

    def forget(self, link: Link, now: float) -> None:
        """Drop what is in memory about ``link``; nobody is told. Its registration can be restored later."""
        device = self._links.get(link)
        self._coap.ids.forget(link)
        if device is not None:
            self._asker.abandon(device, "forgotten", self._later)
            self._end(device, self._later)
            if self._links.pop(link, None) is not None and device.bootstrap is not None:
                self._later.append(Bootstrapped(link, device.bootstrap.endpoint, "forgotten"))

    def _bind(self, link: Link, registration: Registration, now: float) -> None:
        device = self._device_link(link, now)
        elsewhere = self._by_endpoint.get(registration.endpoint)
        if registration.endpoint and elsewhere is not None and elsewhere != link:
            other = self._links[elsewhere]
            if other.registration is not None and other.registration is not registration:
                self._later.append(Deregistered(elsewhere, other.registration, "replaced"))
            self._asker.abandon(other, "forgotten", self._later)
            self._end(other, self._later)
        if device.registration is not None and device.registration is not registration:
            self._asker.release(device.registration)
            self._release_endpoint(device)
        device.registration = registration
        registration.link = link
        if registration.endpoint:
            self._by_endpoint[registration.endpoint] = link
        self._asker.restore(device, registration)
        self._schedule_expiry(device, registration)

    def _update(
        self, request: Request, device: DeviceLink, registration: Registration, now: float, out: list[Event]
    ) -> None:
        try:
            changed = update(registration, request, self.limits)
        except Refused as refused:
            self._refuse(request, refused.counter, refused.code, now, refused.text)
            return
        registration.updated_unix_s = self._unix_s + now
        self._schedule_expiry(device, registration)
        self._answer(request.exchange, Code.CHANGED, now)
        out.append(Updated(device.link, registration, changed))

    # --- answers of the application ---

    def respond(self, report: Report, code: int, payload: bytes = b"", *, now: float) -> None:
        """The report is durable (2.xx), or was refused. A notification has no code: it is acknowledged, or it is not and
        its sender tries again."""
        exchange = report.exchange
        if isinstance(exchange, Exchange):
            self._coap.server.respond(exchange, code, payload, now=now)
        elif code_class(code) == 5:
            self._coap.client.decline(exchange)
        else:
            self._coap.client.acknowledge(exchange)

    def answer(
        self, request: Request, code: int, payload: bytes = b"", options: Iterable[Option] = (), *, now: float
    ) -> None:
        """Answer a request to a resource that is none of LwM2M's."""
        self._coap.server.respond(request.exchange, code, payload, tuple(options), now=now)

    # --- operations ---

    def submit(self, link: Link, operation: Operation, now: float) -> Operation:
        """Send ``operation`` (made by the functions of ``operation.py``) or queue it; Done or Failed will follow."""
        if link not in self._links and len(self._links) >= self.limits.max_links:
            self._later.append(Failed(operation, "queue full"))
            return operation
        device = self._device_link(link, now)
        self._asker.submit(device, operation, now, self._later)
        if device.idle:
            del self._links[link]
        return operation

    def withdraw(self, operation: Operation, now: float) -> bool:
        """Lose interest; True when it had no answer yet. No event follows. The device may have acted all the same."""
        device = self._links.get(operation.link)
        return device is not None and self._asker.withdraw(device, operation, now, self._later)

    def drop(self, registration: Registration, *paths: tuple[int, ...]) -> bool:
        """End an observation without a word: the next notification is answered with a Reset (section 6.4.5)."""
        observation = registration.observations.pop(paths, None)
        if observation is not None and observation.call is not None:
            self._coap.client.cancel(observation.call)
        return observation is not None

    # --- bootstrap (section 6.1) ---

    def _bootstrap_request(self, request: Request, link: Link, now: float, out: list[Event]) -> None:
        if request.method != Method.POST:
            self._refuse(request, "method not allowed", Code.METHOD_NOT_ALLOWED, now)
            return
        try:
            wanted = bootstrap_wanted(request, link, self.limits)
        except Refused as refused:
            self._refuse(request, refused.counter, refused.code, now, refused.text)
            out.append(RequestRefused(link, request.path[0], refused.counter, refused.text))
            return
        if link not in self._links and len(self._links) >= self.limits.max_links:
            self._busy(request, now)
        else:
            out.append(wanted)

    def bootstrap(self, wanted: BootstrapWanted, steps: Steps, now: float) -> None:
        """Begin: the device hears 2.04, then each step when the one before succeeded, then Finish."""
        self._coap.server.respond(wanted.exchange, Code.CHANGED, now=now)
        device = self._device_link(wanted.link, now)
        self._asker.abandon(device, "forgotten", self._later)
        device.bootstrap = Run(wanted.endpoint, steps)
        self._asker.submit(device, device.bootstrap.next(), now, self._later)

    def _bootstrap_on(self, device: DeviceLink, news: list[Event], now: float, out: list[Event]) -> None:
        run: Run = device.bootstrap
        for event in news:
            if not isinstance(event, Done | Failed) or event.operation is not run.current:
                continue
            reason = run.judge(event)
            if reason is not None:
                device.bootstrap = None
                out.append(Bootstrapped(device.link, run.endpoint, reason, event.operation if reason else None))
            else:
                self._asker.submit(device, run.next(event if isinstance(event, Done) else None), now, out)

    # --- what goes out, and time ---

    def datagrams(self) -> list[tuple[Link, bytes]]:
        """What is to be sent now, in order; each is given once."""
        return self._coap.datagrams()

    def next_timer(self) -> float | None:
        """When ``handle_timer`` has work; a time in the past: at once. None: not before the next datagram."""
        if self._later:
            return float("-inf")
        due, expires = self._coap.next_timer(), self._expiries.next()
        if due is None or expires is None:
            return expires if due is None else due
        return min(due, expires)

    def handle_timer(self, now: float) -> list[Event]:
        """Retransmissions, operations given up, registrations that ended."""
        out = self._news()
        for event in self._coap.handle_timer(now):
            if isinstance(event, _CLIENT_EVENTS):
                device = self._links.get(event.call.peer)
                if device is not None:
                    self._about_call(event, device, now, out)
        while (device := self._expiries.pop_due(now)) is not None:
            registration = device.registration
            if registration is None:
                continue
            due = self._due(registration)
            if due is not None and due <= now:
                self.counters["registration expired"] += 1
                self._end(device, out)
                out.append(Deregistered(device.link, registration, "expired"))
            else:
                self._schedule_expiry(device, registration)
        return out

    def heard_at(self, link: Link) -> float | None:
        """When the last datagram of ``link`` came; None when nothing is remembered of it."""
        device = self._links.get(link)
        return None if device is None else device.heard_at

    def registration(self, link: Link) -> Registration | None:
        """The registration of ``link``."""
        device = self._links.get(link)
        return None if device is None else device.registration

    def sizes(self) -> dict[str, int]:
        """How much is remembered now, by kind."""
        return {"links": len(self._links), "expiries": len(self._expiries), **self._coap.server.sizes()} | {
            f"asking_{name}": size for name, size in self._coap.client.sizes().items()
        }

    @property
    def coap_counters(self) -> tuple[dict[str, int], dict[str, int]]:
        """The counters of the CoAP layer: as a server, as a client."""
        return self._coap.server.counters, self._coap.client.counters

    # --- inside ---

    def _device_link(self, link: Link, now: float) -> DeviceLink:
        device = self._links.get(link)
        if device is None:
            device = self._links[link] = DeviceLink(link, now)
        return device

    def _end(self, device: DeviceLink, out: list[Event]) -> None:
        """The link has no registration any more."""
        if device.registration is not None:
            self._asker.release(device.registration)
            device.registration.link = None
            self._release_endpoint(device)
            device.registration = None
        self._expiries.cancel(device)
        if device.idle:
            self._links.pop(device.link, None)

    def _release_endpoint(self, device: DeviceLink) -> None:
        name = device.registration.endpoint if device.registration is not None else ""
        if self._by_endpoint.get(name) == device.link:
            del self._by_endpoint[name]

    def _schedule_expiry(self, device: DeviceLink, registration: Registration) -> None:
        due = self._due(registration)
        if due is not None:
            self._expiries.schedule(device, due)

    def _due(self, registration: Registration) -> float | None:
        expires = registration.expires_unix_s
        return None if expires is None else expires - self._unix_s + self.limits.lifetime_grace_s

    def _news(self) -> list[Event]:
        news, self._later = self._later, []
        return news

    def _answer(self, exchange: Exchange, code: int, now: float) -> None:
        self._coap.server.respond(exchange, code, now=now)

    def _refuse(self, request: Request, counter: str, code: int, now: float, text: str = "") -> None:
        """``text``: the diagnostic payload (RFC 7252 section 5.5.2), by default the counter's name."""
        self.counters[counter] += 1
        self._coap.server.respond(request.exchange, code, (text or counter).encode(), now=now)

    def _busy(self, request: Request, now: float) -> None:
        self.counters["busy"] += 1
        wait = ((opt.MAX_AGE, opt.uint(self.limits.busy_max_age_s)),)
        self._coap.server.respond(request.exchange, Code.SERVICE_UNAVAILABLE, b"busy", wait, now=now)
