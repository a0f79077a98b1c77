# SPDX-License-Identifier: Apache-2.0
"""An operator's operations on a meter while it is awake: read, write, execute, discover, observe.

    operate.<node> → Operations → (address proven) → wire.lwm2m → meter → Answer

A meter in queue mode listens for a while after its own words and then sleeps: asked later it would hear nothing, so nothing
is sent and the asker learns when it was heard last. Nothing is kept for later here; that is what commands are for.
Observed values are kept in memory only: they are a view of now, reports travel as uplinks.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from openmains.app.command.device_management.messages import (
    Answer,
    Kind,
    Offered,
    OperationRequest,
    Outcome,
    Registered,
    Value,
    Watched,
)
from openmains.app.command.device_management.rules import ASKING_THE_METER, refusal_of
from openmains.app.command.sent_frames import DELIVERED, LOST
from openmains.app.link.down_log import DownLog
from openmains.app.link.lwm2m.formats import format_for
from openmains.app.link.ports import Clock, Link, Terminal
from openmains.app.link.proofs import Proofs
from openmains.wire.coap.message import is_success
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import events, operation, path
from openmains.wire.lwm2m.codec import link_format, text, values
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server
from openmains.wire.lwm2m.value import Item, ObjectLink, Type

QUEUE_WINDOW_S = (
    93.0  # a client in queue mode listens so long after its last word (core 1.1 section 6.5: MAX_TRANSMIT_WAIT)
)
CHANNEL = "lwm2m"
SECRET_OBJECTS = frozenset({0, 21})  # security, OSCORE
SEEN = 20_000  # observed paths whose newest value is remembered
LONGEST_S = 60.0
Reply = Callable[[Answer], None]


@dataclass(slots=True, eq=False)
class _Open:
    """An operation on its way; the tag of what is sent."""

    ask: OperationRequest
    reply: Reply
    terminal: Terminal
    sent: operation.Operation | None = None
    over: bool = False


class Operations:
    """One for each link with LwM2M."""

    def __init__(
        self,
        *,
        node: int,
        server: Server,
        link: Link,
        clock: Clock,
        proofs: Proofs,
        may_command: Callable[[int], bool],
        down_log: DownLog,
    ) -> None:
        self._down_log = down_log
        self._node = node
        self._server = server
        self._link = link
        self._clock = clock
        self._proofs = proofs
        self._may_command = may_command
        self._seen: OrderedDict[tuple[bytes, Path], tuple[int, list[Value]]] = OrderedDict()
        self.counters = Counter[str]()

    def handle(self, ask: OperationRequest, reply: Reply) -> None:
        """``reply`` is called once; not at all where everybody was asked and the meter's session is not here."""
        terminal = self._link.terminal(ask.imei)
        if ask.kind is Kind.WHERE:
            if terminal is not None:
                reply(Answer(Outcome.HERE, self._node, terminal.heard_us))
            return
        if terminal is None:
            reply(Answer(Outcome.NOT_HERE, self._node))
            return
        open_ = _Open(ask, reply, terminal)
        registration = self._server.registration(terminal.cid)
        if registration is None:
            self._end(open_, Outcome.UNREGISTERED)
        elif ask.kind is Kind.REGISTERED:
            self._answer(open_, Outcome.ANSWERED, registered=self._registered(terminal, registration))
        elif refused := refusal_of(ask.kind, ask.path):
            self._end(open_, Outcome.SIGNED_ONLY, refused.value)
        elif not self._may_command(ask.imei):
            self._end(open_, Outcome.HELD)
        elif not self._awake(terminal, registration):
            self._end(open_, Outcome.ASLEEP)
        else:
            self._send(open_, registration)

    def done(self, event: events.Done | events.Failed, now: float) -> None:
        """What came back."""
        open_ = event.operation.tag
        if not isinstance(open_, _Open) or open_.over:
            return
        self._log(open_, DELIVERED if isinstance(event, events.Done) else LOST)
        if isinstance(event, events.Failed):
            lost = event.reason in ("timeout", "unreachable", "forgotten")
            self._end(open_, Outcome.NO_ANSWER if lost else Outcome.NOT_SENT, event.reason)
            return
        found: list[Value] = []
        raw, why = event.payload, ""
        if event.payload and is_success(event.code):
            try:
                found, raw = self._values(open_.ask, event.content_format, event.payload), b""
            except WireError as error:
                why = f"{error.layer}: {error.reason}"
        if event.observed:
            self._remember(open_.terminal, open_.ask.path, found)
        self._answer(
            open_, Outcome.ANSWERED, code=event.code, content_format=event.content_format, values=found, raw=raw, why=why
        )  # fmt: skip

    def _log(self, open_: _Open, outcome: str) -> None:
        """What was sent, for the frame log. Objects that hold keys may not be written here (``rules``); if that ever changed, the
        log would still not have them."""
        if open_.sent is None:
            return
        ask = open_.ask
        payload = b"" if ask.path[0] in SECRET_OBJECTS else open_.sent.payload
        self._down_log.operated(ask.imei, CHANNEL, "/".join(map(str, ask.path)), ask.kind.value, outcome, payload)

    def notified(self, report: events.Report, terminal: Terminal) -> None:
        """A notification that an operator wished to see."""
        try:
            items = values.decode(report.payload, report.content_format, report.path, definitions().type)
        except WireError:
            self.counters["operate.unreadable"] += 1
            return
        if report.fresh:
            self._remember(terminal, report.path, [_value(item) for item in items])

    # --- inside ---

    def _awake(self, terminal: Terminal, registration: Registration) -> bool:
        return not registration.queue_mode or self._clock.unix_us() - terminal.heard_us <= QUEUE_WINDOW_S * 1e6

    def _send(self, open_: _Open, registration: Registration) -> None:
        try:
            what = _operation(open_.ask, registration)
        except WireError as error:
            self._end(open_, Outcome.NOT_SENT, error.reason)
            return
        what.tag = open_

        def go(terminal: Terminal, now: float) -> None:
            if not open_.over:
                open_.sent, open_.terminal = what, terminal
                self._server.submit(terminal.cid, what, now)

        self._clock.call_later(min(open_.ask.limit_s, LONGEST_S), lambda: self._too_late(open_))
        self._proofs.ask(open_.terminal, go, lambda: self._end(open_, Outcome.NO_ANSWER, "no proof of address"))
        self._link.transmit_soon()

    def _too_late(self, open_: _Open) -> None:
        if not open_.over:
            if open_.sent is not None:
                self._log(open_, LOST)
                self._server.withdraw(open_.sent, self._clock.time())
                self._link.transmit_soon()
            self._end(open_, Outcome.NO_ANSWER, "time limit")

    def _end(self, open_: _Open, outcome: Outcome, why: str = "") -> None:
        self._answer(open_, outcome, why=why)

    def _answer(
        self,
        open_: _Open,
        outcome: Outcome,
        *,
        code: int = 0,
        content_format: int | None = None,
        values: list[Value] | None = None,
        raw: bytes = b"",
        why: str = "",
        registered: Registered | None = None,
    ) -> None:
        if open_.over:
            return
        open_.over = True
        self.counters[f"operate.{outcome.value}"] += 1
        registration = self._server.registration(open_.terminal.cid)
        awake = registration is not None and self._awake(open_.terminal, registration)
        heard_us = open_.terminal.heard_us
        open_.reply(
            Answer(outcome, self._node, heard_us, awake, code, content_format, values or [], raw, why, registered)
        )

    def _values(self, ask: OperationRequest, content_format: int | None, payload: bytes) -> list[Value]:
        if ask.kind is Kind.DISCOVER:
            return [
                Value(
                    place,
                    Type.CORELNK.value,
                    link.target,
                    ";".join(_attribute(*one) for one in link.attributes.items()),
                )
                for link in link_format.parse(payload)
                if (place := path.from_segments(tuple(link.target.strip("/").split("/")))) is not None
            ]
        return [_value(item) for item in values.decode(payload, content_format, ask.path, definitions().type)]

    def _registered(self, terminal: Terminal, registration: Registration) -> Registered:
        observed = []
        for paths in registration.observations:
            at_us, found = self._seen.get((terminal.cid, paths[0]), (None, []))
            observed.append(Watched(paths[0], at_us, found))
        return Registered(
            registration.endpoint,
            registration.version,
            registration.binding,
            registration.queue_mode,
            registration.lifetime_s,
            round(registration.registered_unix_s * 1e6),
            round(registration.updated_unix_s * 1e6),
            [Offered(one.object_id, one.version, list(one.instances)) for one in registration.objects],
            observed,
        )

    def _remember(self, terminal: Terminal, place: Path, found: list[Value]) -> None:
        key = (terminal.cid, place)
        self._seen[key] = (self._clock.unix_us(), found)
        self._seen.move_to_end(key)
        while len(self._seen) > SEEN:
            self._seen.popitem(last=False)


def _operation(ask: OperationRequest, registration: Registration) -> operation.Operation:
    """What is sent. Raises :class:`WireError` for a value that is none of the resource's type."""
    match ask.kind:
        case Kind.READ:
            return operation.read(ask.path)
        case Kind.DISCOVER:
            return operation.discover(ask.path)
        case Kind.OBSERVE:
            return operation.observe(ask.path)
        case Kind.CANCEL:
            return operation.cancel(ask.path)
        case Kind.EXECUTE:
            return operation.execute(ask.path, ask.value)
        case Kind.WRITE:
            value = text.decode(ask.value.encode(), definitions().type(ask.path))
            format_ = format_for(registration)
            payload = values.encode([Item(ask.path, value)], format_, ask.path, definitions().type)
            return operation.write(ask.path, payload, format_)
    raise AssertionError(f"{ask.kind} is in {sorted(ASKING_THE_METER)} and not here")


def _value(item: Item) -> Value:
    kind = definitions().type(item.path)
    name = kind.value if kind is not None else _NAMES.get(type(item.value), "float")
    written = "" if item.value is None else text.encode(item.value, kind).decode()
    return Value(item.path, name, written, "", None if item.time_s is None else float(item.time_s))


_NAMES: dict[type, str] = {bytes: "opaque", str: "string", bool: "boolean", int: "integer", ObjectLink: "objlnk"}


def _attribute(name: str, value: str | None) -> str:
    return name if value is None else f"{name}={value}"
