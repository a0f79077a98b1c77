# SPDX-License-Identifier: Apache-2.0
"""What the server and its application hand to each other: limits and events.

Theory: what must become durable before the device hears of it is an event with an answer to come: ``RegisterWanted``
(accept, refuse), ``Report`` (respond), ``BootstrapWanted`` (bootstrap, refuse). Everything else is news.
``link`` is any hashable name of the device's end of the session, in the edge its DTLS session.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from openmains.wire.coap.call import ResponseReceived
from openmains.wire.coap.endpoint import Pong
from openmains.wire.coap.exchange import Exchange, Request
from openmains.wire.lwm2m.operation import Operation
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import Offer, Offered, Registration

Link = Hashable


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the server gives to its devices, on top of the limits of CoAP."""

    max_links: int = 1_000_000
    """Links with a registration, an operation or a bootstrap; a Register beyond gets 5.03."""
    max_observations_per_link: int = 16
    max_waiting_per_link: int = 32
    """Operations queued behind the one that is on its way."""
    max_instances: int = 256
    """Object instances of one registration (4.13)."""
    max_endpoint: int = 128
    """Bytes of an endpoint name (4.00)."""
    lifetime_grace_s: float = 247.0
    """A registration outlives its lifetime by so long: an Update may be on its way (CoAP's EXCHANGE_LIFETIME)."""
    busy_max_age_s: int = 60


@dataclass(frozen=True, slots=True)
class RegisterWanted:
    """A device wants to register: ``Server.accept`` or ``Server.refuse``. ``endpoint`` may be "" from version 1.1 on."""

    link: Link
    exchange: Exchange
    endpoint: str
    lifetime_s: int
    version: str
    binding: str
    queue_mode: bool
    sms: str
    offer: Offer

    @property
    def objects(self) -> tuple[Offered, ...]:
        """The objects that the device announces."""
        return self.offer.objects


@dataclass(frozen=True, slots=True)
class Updated:
    """A registration lives on; ``changed`` when more than its lifetime was renewed. The device has its answer."""

    link: Link
    registration: Registration
    changed: bool


@dataclass(frozen=True, slots=True)
class Deregistered:
    """A registration is over: the device said so, its lifetime ended, or the same endpoint registered again."""

    link: Link
    registration: Registration
    reason: Literal["device", "expired", "replaced"]


ReportKind = Literal["post", "send", "notify", "object19"]


@dataclass(slots=True, eq=False)
class Report:
    """Data from a registered device. ``Server.respond`` must follow, once it is durable.

    ``kind``: how it came; ``object19`` is a POST or a notification of /19/0/0, the operators' uplink. ``path``: () for Send
    and for a composite notification, whose payload names its paths. ``fresh``: False when a later notification overtook it.
    """

    link: Link
    registration: Registration
    exchange: Exchange | ResponseReceived
    kind: ReportKind
    path: Path
    content_format: int | None
    payload: bytes
    confirmable: bool
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A Register or Bootstrap-Request against the rules was answered with its reason. ``path``: ``"rd"`` or ``"bs"``.

    ``reason``: a fixed phrase, a counter's name; ``text``: what the device was told, with the byte where it is one.
    """

    link: Link
    path: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class BootstrapWanted:
    """A device asks for its accounts: ``Server.bootstrap`` or ``Server.refuse``. ``preferred``: its content format."""

    link: Link
    exchange: Exchange
    endpoint: str
    preferred: int | None


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """All steps were taken, Finish included. ``reason``: "" for success, else why it ended, at ``operation``."""

    link: Link
    endpoint: str
    reason: str = ""
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The device answered, with ``code`` for better or worse. ``observed``: an observation has begun."""

    operation: Operation
    code: int
    content_format: int | None
    payload: bytes
    location: Path = ()
    observed: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer. ``reason``: a fixed phrase, ``"timeout"``, ``"reset"``, ``"unreachable"``, ``"forgotten"``,
    ``"queue full"``, ``"not registered"``, ``"not observed"``, ``"too many observations"``, or what broke the answer.
    After "timeout", "unreachable" is the fate of the operations that waited behind; none of those was sent.
    """

    operation: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class ObservationEnded:
    """The device ended an observation with an error of code ``code``."""

    link: Link
    registration: Registration
    paths: tuple[Path, ...]
    code: int


Event = (
    RegisterWanted
    | Updated
    | Deregistered
    | Report
    | RequestRefused
    | BootstrapWanted
    | Bootstrapped
    | Done
    | Failed
    | ObservationEnded
    | Pong
    | Request
)
