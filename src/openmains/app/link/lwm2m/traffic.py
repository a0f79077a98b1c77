# SPDX-License-Identifier: Apache-2.0
"""What meters say in LwM2M on their sessions: registrations, reports by whatever way, answers to commands.

    message → wire.lwm2m ─ Report, POST /r ─→ Reporting → Reports → (durable) → answer
                          ─ RegisterWanted ──→ name and SIM checked, storms spread → 2.01, observe
                          ─ BootstrapWanted ─→ Bootstrapping
                          ─ Done, Failed ────→ Downlinks, Operations, Bootstrapping, ClockSetting

Whose words they are was settled by the session's key; a name in the message may only agree with it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from openmains.app.command.downlink import DownFrame
from openmains.app.link.down_log import DownLog
from openmains.app.link.downlinks import Downlinks
from openmains.app.link.lwm2m.bootstrapping import Bootstrapping
from openmains.app.link.lwm2m.clock_setting import ClockSetting
from openmains.app.link.lwm2m.operations import Operations
from openmains.app.link.lwm2m.pipe import OPAQUE_UPLINK
from openmains.app.link.lwm2m.reporting import Reporting, TimeAnswer
from openmains.app.link.ports import Link, Registrar, RegistrationStore, Terminal
from openmains.app.link.proofs import Proofs
from openmains.app.security.refusals import RefusalStage
from openmains.domain.fleet.endpoint_name import EndpointName, parse_endpoint_name
from openmains.drivers.catalog import Driver
from openmains.wire.coap.endpoint import Pong
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code, is_success
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m.operation import Operation
from openmains.wire.lwm2m.path import Path, is_below
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server

# What a meter says where it has an account of the server's; one that is there for bootstrap only says none of it.
_SERVICE = (lwm2m.Report, Request, lwm2m.RegisterWanted, lwm2m.Updated)


@dataclass(slots=True)
class Parts:
    """Who does what with what meters say."""

    reporting: Reporting
    proofs: Proofs
    downlinks: Downlinks
    operations: Operations
    bootstrapping: Bootstrapping
    down_log: DownLog
    clocks: ClockSetting

    @property
    def counters(self) -> dict[str, int]:
        """Of all."""
        return {
            **self.proofs.counters,
            **self.downlinks.counters,
            **self.operations.counters,
            **self.bootstrapping.counters,
            **self.down_log.counters,
            **self.clocks.counters,
            "refused.other_name": self.reporting.other_names,
        }


class Traffic:
    """The ``LinkUser`` that speaks LwM2M; one for each link. The ``parts`` share its ``server``."""

    def __init__(
        self,
        server: Server,
        parts: Parts,
        *,
        link: Link,
        store: RegistrationStore,
        registrar: Registrar,
        driver_of: Callable[[int], Driver | None],
    ) -> None:
        self._server = server
        self._parts = parts
        self._link = link
        self._store = store
        self._registrar = registrar
        self._driver_of = driver_of
        self._counts = Counter[str]()

    @property
    def counters(self) -> dict[str, int]:
        """What happened here, by name."""
        serving, asking = self._server.coap_counters
        return (
            {f"secure.coap.{name.replace(' ', '_')}": value for name, value in serving.items()}
            | {f"secure.asked.{name.replace(' ', '_')}": value for name, value in asking.items()}
            | {f"lwm2m.{name.replace(' ', '_')}": value for name, value in self._server.counters.items()}
            | self._parts.counters
            | dict(self._counts)
        )

    # --- what the link calls ---

    def session_up(self, terminal: Terminal, registration: bytes | None, now: float) -> None:
        """A meter came back from the store, or made a new session: its registration goes on."""
        if registration is None:
            return
        try:
            self._server.restore(terminal.cid, Registration.load(registration), now)
        except WireError:
            self._counts["lwm2m.registration_unreadable"] += 1  # it hears 4.04 and registers again

    def message_received(self, terminal: Terminal, message: bytes, now: float) -> None:
        """Application data of a meter."""
        for event in self._server.receive(message, terminal.cid, now):
            self._on_event(event, terminal, now)

    def session_down(self, terminal: Terminal, now: float) -> None:
        """It left memory."""
        self._server.forget(terminal.cid, now)

    def transmit(self, now: float) -> None:
        """To the link, what there is to say."""
        send = self._link.send
        for link, message in self._server.datagrams():
            send(link, message, now)  # type: ignore[arg-type]  # links are Connection IDs here

    def next_timer(self) -> float | None:
        """See ``wire.lwm2m``."""
        return self._server.next_timer()

    def handle_timer(self, now: float) -> None:
        """See ``wire.lwm2m``."""
        for event in self._server.handle_timer(now):
            self._on_event(event, None, now)

    # --- events ---

    def _on_event(self, event: lwm2m.Event, terminal: Terminal | None, now: float) -> None:
        if terminal is not None and isinstance(event, _SERVICE):
            self._link.in_service(terminal)
        match event:
            case lwm2m.Report():
                if terminal is not None:
                    self._on_report(event, terminal, now)
            case Request():
                if terminal is not None:
                    self._parts.reporting.requested(event, terminal, now)
            case lwm2m.RegisterWanted():
                if terminal is not None:
                    self._on_register(event, terminal, now)
            case lwm2m.RequestRefused(_, path, reason, text):
                if terminal is not None:
                    stage = RefusalStage.REGISTRATION if path == "rd" else RefusalStage.BOOTSTRAP
                    self._registrar.refused(terminal.imei, terminal.host, stage, reason, text)
            case lwm2m.Updated(link, registration, changed):
                self._store.register(_cid(link), registration.dump())
                if terminal is not None:
                    if changed:  # an object may have come with it
                        self._observe(registration, terminal, now)
                    self._parts.bootstrapping.wake_up(terminal)
            case lwm2m.ObservationEnded(link, registration, _, _):
                self._store.register(_cid(link), registration.dump())
            case lwm2m.Deregistered(link, _, _):
                self._store.register(_cid(link), None)
            case lwm2m.BootstrapWanted():
                if terminal is not None:
                    self._parts.bootstrapping.wanted(event, terminal, now)
            case lwm2m.Bootstrapped():
                self._parts.bootstrapping.ended(event)
            case Pong():
                if terminal is not None:
                    self._parts.proofs.proved(terminal, now)
            case lwm2m.Done():
                self._on_done(event, now)
            case lwm2m.Failed():
                self._ended(event, now)

    def _on_register(self, wanted: lwm2m.RegisterWanted, terminal: Terminal, now: float) -> None:
        name = parse_endpoint_name(wanted.endpoint) if wanted.endpoint else EndpointName(terminal.text)
        if name is None:
            self._counts["lwm2m.refused.endpoint_form"] += 1
            self._refuse_name(wanted, terminal, "endpoint_form", "endpoint not understood, say ep=urn:imei:<IMEI>", now)
            return
        if name.imei != terminal.text:
            self._counts["lwm2m.refused.endpoint"] += 1
            self._refuse_name(wanted, terminal, "endpoint_other", f"endpoint must name the IMEI {terminal.text}", now)
            return
        wait_s = self._registrar.register(terminal.imei, terminal.host, name, now)
        if wait_s:
            self._counts["lwm2m.refused.busy"] += 1
            busy = b"busy, come again after Max-Age"
            self._server.refuse(wanted, Code.SERVICE_UNAVAILABLE, now, max_age_s=wait_s, text=busy)
            return
        # One name for one meter, however it writes it: an older registration of it is known again.
        registration = self._server.accept(wanted, now, endpoint=f"urn:imei:{name.imei}")
        self._counts["lwm2m.registered"] += 1
        if not registration.objects:
            self._counts["lwm2m.registered_without_objects"] += (
                1  # allowed, but nothing of it can be observed or written
            )
        self._store.register(terminal.cid, registration.dump())
        self._observe(registration, terminal, now)
        self._parts.bootstrapping.wake_up(terminal)

    def _refuse_name(
        self, wanted: lwm2m.RegisterWanted, terminal: Terminal, reason: str, text: str, now: float
    ) -> None:
        self._server.refuse(wanted, Code.BAD_REQUEST, now, text=text.encode())
        said = f"ep={wanted.endpoint[:64]}: {text}"
        self._registrar.refused(terminal.imei, terminal.host, RefusalStage.REGISTRATION, reason, said)

    def _observe(self, registration: Registration, terminal: Terminal, now: float) -> None:
        """What is worth it and not observed yet."""
        for what in self._worth_observing(registration, terminal):
            if what.paths not in registration.observations:
                self._server.submit(terminal.cid, what, now)

    def _worth_observing(self, registration: Registration, terminal: Terminal) -> list[Operation]:
        """What the product's driver reads as resources, where the meter offers it; and the operators' uplink.

        A device of 1.0 is asked for TLV, the format that it must have (core 1.0.2 section 6.4): unasked some take a JSON of
        their own time, and some no format at all.
        """
        accept = content.TLV if registration.version == "1.0" else None
        wanted = [operation.observe(path, accept) for path in self._observed(terminal) if registration.has(path)]
        if registration.has(OPAQUE_UPLINK):
            wanted.append(operation.observe(OPAQUE_UPLINK, content.OPAQUE))
        return wanted

    def _observed(self, terminal: Terminal) -> tuple[Path, ...]:
        driver = self._driver_of(terminal.imei)
        return () if driver is None else driver.observes

    def _on_report(self, report: lwm2m.Report, terminal: Terminal, now: float) -> None:
        if report.kind == "notify" and report.path and not self._is_reporting(report.path, terminal):
            self._parts.operations.notified(report, terminal)
            self._server.respond(report, Code.CHANGED, now=now)
        else:
            self._parts.reporting.reported(report, terminal, now)

    def _is_reporting(self, path: Path, terminal: Terminal) -> bool:
        """Whether a notification is the product's report. What else is observed, an operator wished to see."""
        return any(is_below(path, one) for one in self._observed(terminal))

    def _on_done(self, event: lwm2m.Done, now: float) -> None:
        link = _cid(event.operation.link)
        if event.observed or event.operation.kind is operation.Kind.CANCEL:
            registration = self._server.registration(link)
            if registration is not None:
                self._store.register(link, registration.dump())
        terminal = self._link.terminal_of(link)
        if terminal is not None:
            self._parts.proofs.proved(terminal, now)  # an answer to what we sent there alone
        if (
            event.code == Code.NOT_ACCEPTABLE
            and event.operation.kind is operation.Kind.OBSERVE
            and event.operation.accept
        ):
            self._server.submit(link, operation.observe(event.operation.path), now)  # then in what format it has
        self._ended(event, now)

    def _ended(self, event: lwm2m.Done | lwm2m.Failed, now: float) -> None:
        """An operation of one of the parts has come to its end: its tag tells which."""
        tag = event.operation.tag
        if isinstance(tag, DownFrame):
            self._parts.downlinks.ended(tag, delivered=_is_done(event))
        elif isinstance(tag, TimeAnswer):
            self._parts.reporting.ended(tag, delivered=_is_done(event))
        elif tag is not None:
            self._parts.operations.done(event, now)
            self._parts.bootstrapping.done(event, now)
            self._parts.clocks.ended(event)


def _is_done(event: lwm2m.Done | lwm2m.Failed) -> bool:
    return isinstance(event, lwm2m.Done) and is_success(event.code)


def _cid(link: object) -> bytes:
    """Links of this server are Connection IDs."""
    assert isinstance(link, bytes)  # noqa: S101 - by construction
    return link
