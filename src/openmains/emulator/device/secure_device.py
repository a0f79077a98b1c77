# SPDX-License-Identifier: Apache-2.0
"""One meter's way to the platform without a socket: DTLS session with a connection id, LwM2M registration, reports.

Datagrams in, datagrams and outcomes out; time and randomness are arguments. The session is made once and kept while the
meter sleeps, whatever its address is then; the registration likewise. A report that finds nobody registered (4.04) is
sent again after a new registration; two requests in a row without an answer cost the session a new handshake.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openmains.domain.period import DAY_S
from openmains.emulator.device.endpoint import Done, Outcome
from openmains.wire.coap.message import Code
from openmains.wire.coap.reliability import Timing
from openmains.wire.dtls import events as dtls
from openmains.wire.dtls.client import Client as DtlsClient
from openmains.wire.dtls.client import Timing as DtlsTiming
from openmains.wire.dtls.states import Asking
from openmains.wire.dtls.suites import CBC_SHA256, CCM, CCM_8, GCM, SUITES
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import ClientEvent, NotSent, Registered, Sending, Sent, Trouble, Written
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.states import Life
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Value

SERVER = "platform"
CID_SIZE = 8
LIFETIME_S = 30 * DAY_S
UPLINK, DOWNLINK = (19, 0, 0), (19, 1, 0)
CURRENT_TIME = (3, 0, 13)
STALE = 2  # requests without an answer


class ReportTransport(StrEnum):
    """How a report travels."""

    OBJECT19 = "object19"  # POST of the maker's frame to /19/0/0
    POST = "post"  # POST of the frame to /r
    SEND = "send"  # Send of standard objects in SenML-CBOR


@dataclass(frozen=True, slots=True)
class DtlsOffer:
    """What a module's DTLS stack has: suites by registry number in order of preference; extended master secret; encrypt-then-MAC,
    which only CBC uses."""

    suites: tuple[int, ...] = tuple(SUITES)
    ems: bool = True
    etm: bool = True


_CBC: Final = (CBC_SHA256.code,)
# Stacks as they are met: the last ones only get in where their product allows it.
OFFERS: Final = {
    "all": DtlsOffer(),
    "ccm-8": DtlsOffer((CCM_8.code,)),
    "ccm": DtlsOffer((CCM.code,)),
    "gcm": DtlsOffer((GCM.code,)),
    "no-ems": DtlsOffer(ems=False),
    "cbc": DtlsOffer(_CBC),
    "cbc-mac-first": DtlsOffer(_CBC, etm=False),
    "cbc-no-ems": DtlsOffer(_CBC, ems=False, etm=False),
}


@dataclass(frozen=True, slots=True)
class ClockAccess:
    """The clock of a meter of standard objects, by its place in the fleet: what it shows (s UTC), and setting it (R1.13)."""

    shown: Callable[[int], int]
    set: Callable[[int, int], None]


@dataclass(slots=True)
class Waiting:
    """A report until its end. ``again``: it has met a 4.04 before."""

    payload: bytes
    done: Done
    since: float
    again: bool = False


class SecureDevice:
    """``cid``: the connection id that the platform puts into records for it. ``place``: its number in the fleet. ``offer``: its DTLS stack.

    ``clock``: given, the platform reads and writes it as Current Time; without, the meter has no such resource.
    """

    __slots__ = (
        "_clock", "_down", "_endpoint", "_key", "_objects", "_offer", "_open", "_random", "_silent", "_timing", "_trouble_until", "_waiting",
        "_way", "armed", "cid", "dtls", "handshakes", "imei", "lwm2m", "place", "registrations", "socket",
    )  # fmt: skip

    def __init__(
        self,
        place: int,
        imei: str,
        psk: bytes,
        *,
        imsi: str = "",
        way: ReportTransport = ReportTransport.OBJECT19,
        objects: dict[tuple[int, ...], Value] | None = None,
        random: Callable[[int], bytes],
        timing: Timing,
        down: Callable[[int, bytes], None],
        offer: DtlsOffer = OFFERS["all"],
        clock: ClockAccess | None = None,
    ) -> None:
        self.place, self.imei, self._key = place, imei, psk
        self.cid = random(CID_SIZE)
        self.dtls: DtlsClient | None = None
        self.lwm2m: Client | None = None
        self.socket = 0
        self.armed: float | None = None  # the owner's: when it will call ``handle_timer``
        self.handshakes = self.registrations = 0
        self._endpoint = f"urn:imei-imsi:{imei}-{imsi}" if imsi else f"urn:imei:{imei}"
        self._way, self._objects = way, objects or {}
        self._random, self._timing, self._down = random, timing, down
        self._offer, self._clock = offer, clock
        self._open: dict[Sending, Waiting] = {}
        self._waiting: deque[Waiting] = deque()
        self._silent = 0
        self._trouble_until = 0.0

    # -- the owner's side ------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """There is a session."""
        return self.dtls is not None and self.dtls.state is Asking.CONNECTED

    @property
    def busy(self) -> bool:
        """Something of its own waits for an answer: the radio listens."""
        return bool(self._open) or bool(self._waiting)

    def report(self, payload: bytes, done: Done, now: float) -> None:
        """Send as soon as there is a session; ``done`` is called once."""
        self._waiting.append(Waiting(payload, done, now))
        if self.connected:
            self._go_on(now)

    def connect(self, now: float) -> None:
        """Begin the handshake; only one at a time behind one address, for its records have no connection id yet."""
        first = max(self._timing.ack_timeout_s, 1.0)
        self.handshakes += 1
        self.dtls = DtlsClient(
            SERVER,
            psk=self._key,
            identity=self.imei.encode("ascii"),
            random=self._random,
            cid=self.cid,
            timing=DtlsTiming(first_wait_s=first, retransmissions=4),
            suites=self._offer.suites,
            ems=self._offer.ems,
            etm=self._offer.etm,
        )
        self.dtls.start(now)

    def receive(self, datagram: bytes, now: float) -> None:
        """A datagram for this device."""
        if self.dtls is not None:
            self._heard(self.dtls.receive(datagram, SERVER, now), now)

    def datagrams(self) -> list[bytes]:
        """What to send now."""
        if self.dtls is None:
            return []
        return [datagram for _, datagram in self.dtls.datagrams()]

    def next_timer(self) -> float | None:
        due = [one.next_timer() for one in (self.dtls, self.lwm2m) if one is not None]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        if self.dtls is not None:
            self._heard(self.dtls.handle_timer(now), now)
        if self.lwm2m is not None and self.connected:
            self._told(self.lwm2m.handle_timer(now), now)
            self._seal(now)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _heard(self, events: list[dtls.ClientEvent], now: float) -> None:
        for event in events:
            match event:
                case dtls.Received(_, data, _, _):
                    if self.lwm2m is not None:
                        self._show_clock(self.lwm2m)
                        self._told(self.lwm2m.receive(data, SERVER, now), now)
                        self._seal(now)
                case dtls.Connected():
                    self._go_on(now)
                case dtls.Failed(reason):
                    self.dtls = None
                    self._fail(f"handshake: {reason}", now)
                case dtls.Closed():
                    self.dtls = None

    def _go_on(self, now: float) -> None:
        """There is a session: register if need be, then send what waits, in order."""
        if self.lwm2m is None:
            tree = Tree(definitions(), {(1, 0, 0): 101, (1, 0, 1): LIFETIME_S, DOWNLINK: b"", **self._objects})
            seed = int.from_bytes(self._random(6), "big")
            self.lwm2m = Client(
                tree, endpoint=self._endpoint, seed=seed, lifetime_s=LIFETIME_S, queue=True, window_s=180.0,
                renew=False, timing=self._timing,
            )  # fmt: skip
            self._show_clock(self.lwm2m)  # before it registers, which names its objects
        if self.lwm2m.state is Life.IDLE and now >= self._trouble_until:
            self.lwm2m.register(SERVER, now)
        while self._waiting:
            self._send(self._waiting.popleft(), now)
        self._seal(now)

    def _send(self, waiting: Waiting, now: float) -> None:
        assert self.lwm2m is not None  # noqa: S101 - only called with a session
        if self._way is ReportTransport.SEND:
            sending = self.lwm2m.post(("dp",), waiting.payload, now, content.SENML_CBOR)
        elif self._way is ReportTransport.POST:
            sending = self.lwm2m.post(("r",), waiting.payload, now)
        else:
            sending = self.lwm2m.post(UPLINK, waiting.payload, now, content.OPAQUE)
        self._open[sending] = waiting

    def _told(self, events: Sequence[ClientEvent], now: float) -> None:
        for event in events:
            match event:
                case Sent(sending, code, payload):
                    self._silent = 0
                    waiting = self._open.pop(sending, None)
                    if waiting is None:
                        continue
                    if code == Code.NOT_FOUND and not waiting.again:
                        waiting.again = True
                        self._send(waiting, now)  # behind the new registration that has begun
                        continue
                    waiting.done(Outcome(code, payload, now - waiting.since))
                case NotSent(sending, reason):
                    waiting = self._open.pop(sending, None)
                    self._silent += 1
                    if waiting is not None:
                        waiting.done(Outcome(0, b"", now - waiting.since, reason))
                    if self._silent >= STALE:
                        self._silent, self.dtls = 0, None  # the next report makes a new session
                case Registered():
                    self.registrations += 1
                case Trouble(_, max_age_s):
                    self._trouble_until = now + (max_age_s or 0)
                case Written(paths):
                    if DOWNLINK in paths and self.lwm2m is not None:
                        frame = self.lwm2m.tree.get(DOWNLINK)
                        if isinstance(frame, bytes):
                            self._down(self.place, frame)
                    if CURRENT_TIME in paths and self.lwm2m is not None and self._clock is not None:
                        time_s = self.lwm2m.tree.get(CURRENT_TIME)
                        if isinstance(time_s, int):
                            self._clock.set(self.place, time_s)
                case _:
                    pass

    def _show_clock(self, client: Client) -> None:
        if self._clock is not None:
            client.tree.set(CURRENT_TIME, self._clock.shown(self.place))

    def _fail(self, reason: str, now: float) -> None:
        waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            one.done(Outcome(0, b"", now - one.since, reason))

    def _seal(self, now: float) -> None:
        """Every CoAP message that LwM2M has to say becomes one record."""
        if self.lwm2m is None or self.dtls is None:
            return
        for _, data in self.lwm2m.datagrams():
            self.dtls.send(data, now)
