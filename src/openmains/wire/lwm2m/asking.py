# SPDX-License-Identifier: Apache-2.0
"""Operations on their way: one at a time a link, the others wait behind it (NSTART 1, RFC 7252 section 4.7).

Theory: a device of a few kilobytes takes one request at a time, and two operations in the order given must arrive in
that order. So a link has one operation on its way and a bounded queue. When nothing comes back the device sleeps or is
gone: then the whole queue fails, for the rest would be sent in vain; when to try again is for the caller, who knows
when the device wakes up.
"""

from collections import deque
from typing import Any

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import Call, ClientEvent, ResponseReceived, TimedOut
from openmains.wire.coap.endpoint import Endpoint
from openmains.wire.coap.message import Method, Option, is_success
from openmains.wire.lwm2m.events import Done, Event, Failed, Limits, Link, ObservationEnded, Report
from openmains.wire.lwm2m.operation import Kind, Operation, observe_composite
from openmains.wire.lwm2m.path import Path, from_segments, segments
from openmains.wire.lwm2m.registration import Observation, Registration

UPLINK: Path = (19, 0, 0)
_OBSERVING = (Kind.OBSERVE, Kind.OBSERVE_COMPOSITE)


class DeviceLink:
    """What the server remembers of one link."""

    __slots__ = ("bootstrap", "call", "current", "due", "heard_at", "link", "registration", "serial", "waiting")

    def __init__(self, link: Link, now: float) -> None:
        self.link = link
        self.heard_at = now
        self.registration: Registration | None = None
        self.current: Operation | None = None
        self.call: Call | None = None
        self.waiting: deque[Operation] | None = None
        self.bootstrap: Any = None
        self.serial = 0  # of its appointment to look at the lifetime
        self.due = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is remembered that would be missed."""
        return self.registration is None and self.current is None and self.bootstrap is None


class Asker:
    """Sends operations and turns what comes back into events."""

    def __init__(self, coap: Endpoint, limits: Limits) -> None:
        self._coap = coap
        self._limits = limits

    def submit(self, device: DeviceLink, operation: Operation, now: float, out: list[Event]) -> None:
        """Send the operation, or queue it behind others."""
        operation.link = device.link
        if device.current is None:
            self._start(device, operation, now, out)
            return
        if device.waiting is None:
            device.waiting = deque()
        if len(device.waiting) >= self._limits.max_waiting_per_link:
            out.append(Failed(operation, "queue full"))
        else:
            device.waiting.append(operation)

    def withdraw(self, device: DeviceLink, operation: Operation, now: float, out: list[Event]) -> bool:
        """Lose interest in one that has no answer yet. The device may have got it all the same."""
        if device.current is operation:
            if device.call is not None:
                self._coap.client.cancel(device.call)
            self._next(device, now, out)
            return True
        if device.waiting is not None and operation in device.waiting:
            device.waiting.remove(operation)
            return True
        return False

    def abandon(self, device: DeviceLink, reason: str, out: list[Event]) -> None:
        """Fail everything that is on its way or waits."""
        if device.call is not None:
            self._coap.client.cancel(device.call)
        gone = [] if device.current is None else [device.current]
        gone += device.waiting or ()
        device.current = device.call = device.waiting = None
        out += [Failed(operation, reason) for operation in gone]

    # --- observations ---

    def restore(self, device: DeviceLink, registration: Registration) -> None:
        """Notifications of an earlier life are taken again."""
        for observation in registration.observations.values():
            options = list(_uri(registration, observation.paths, observation.composite))
            if observation.accept is not None:
                options.append((opt.ACCEPT, opt.uint(observation.accept)))
            method, body = Method.GET, b""
            if observation.composite:
                from_paths = observe_composite(observation.paths, accept=observation.accept)
                method, body = Method.FETCH, from_paths.payload
                options.append((opt.CONTENT_FORMAT, opt.uint(from_paths.content_format or 0)))
            observation.call = self._coap.client.resume(device.link, observation.token, method, options, body)
            observation.call.tag = observation

    def release(self, registration: Registration) -> None:
        """Take no notifications any more; the registration keeps its tokens for a later ``restore``."""
        for observation in registration.observations.values():
            if observation.call is not None:
                self._coap.client.cancel(observation.call)
                observation.call = None

    # --- what came back ---

    def event(self, event: ClientEvent, device: DeviceLink, now: float, out: list[Event]) -> None:
        """Something about a call of ours."""
        owner: Operation | Observation | None = event.call.tag
        if isinstance(owner, Observation):
            if isinstance(event, ResponseReceived):
                self._notified(device, owner, event, out)
            return
        if owner is None or owner is not device.current:
            return
        if isinstance(event, ResponseReceived):
            self._answered(device, owner, event, out)
            self._next(device, now, out)
        elif isinstance(event, TimedOut):
            device.current = device.call = None
            out.append(Failed(owner, "timeout"))
            self.abandon(device, "unreachable", out)
        else:
            out.append(Failed(owner, getattr(event, "reason", "reset")))
            self._next(device, now, out)

    def _answered(self, device: DeviceLink, operation: Operation, event: ResponseReceived, out: list[Event]) -> None:
        observed = False
        if event.sequence is not None and operation.kind in _OBSERVING and device.registration is not None:
            observations = device.registration.observations
            older = observations.pop(operation.paths, None)
            if older is not None and older.call is not None:
                self._coap.client.cancel(older.call)
            composite = operation.kind is Kind.OBSERVE_COMPOSITE
            observation = Observation(operation.paths, event.call.token, operation.accept, composite, event.call)
            observations[operation.paths] = observation
            event.call.tag = observation
            observed = True
        location: tuple[str, ...] = tuple(
            value.decode("utf-8", "replace") for number, value in event.options if number == opt.LOCATION_PATH
        )
        root = device.registration.offer.root if device.registration is not None else ()
        if root and location[: len(root)] == root:
            location = location[len(root) :]
        path = from_segments(location) or ()
        format_ = opt.get_uint(event.options, opt.CONTENT_FORMAT)
        out.append(Done(operation, event.code, format_, event.payload, path, observed))
        if event.held is not None and isinstance(event.call.tag, Observation):
            # The answer to the Observe was lost and a notification came in its place: it is a report, to be stored.
            self._notified(device, event.call.tag, event, out)
        else:
            self._coap.client.acknowledge(event)

    def _notified(
        self, device: DeviceLink, observation: Observation, event: ResponseReceived, out: list[Event]
    ) -> None:
        registration = device.registration
        if registration is None:
            # Nobody's report: not acknowledged, for it is not kept; its next copy meets a Reset, and the device registers.
            self._coap.client.decline(event)
            self._coap.client.cancel(event.call)
            return
        if not is_success(event.code):
            registration.observations.pop(observation.paths, None)
            self._coap.client.acknowledge(event)
            out.append(ObservationEnded(device.link, registration, observation.paths, event.code))
            return
        path = () if observation.composite else observation.paths[0]
        out.append(
            Report(
                device.link,
                registration,
                event,
                "object19" if path == UPLINK else "notify",
                path,
                opt.get_uint(event.options, opt.CONTENT_FORMAT),
                event.payload,
                event.held is not None,
                event.fresh,
            )
        )

    # --- what goes out ---

    def _next(self, device: DeviceLink, now: float, out: list[Event]) -> None:
        device.current = device.call = None
        while device.waiting and device.current is None:
            self._start(device, device.waiting.popleft(), now, out)

    def _start(self, device: DeviceLink, operation: Operation, now: float, out: list[Event]) -> None:
        """Send; an operation that cannot be sent fails at once and leaves the link free."""
        registration = device.registration
        chance = self._coap.chance()
        if operation.kind is Kind.CANCEL or operation.kind in _OBSERVING:
            if registration is None:
                out.append(Failed(operation, "not registered"))
                return
            observations = registration.observations
            if operation.kind is Kind.CANCEL:
                observation = observations.pop(operation.paths, None)
                if observation is None or observation.call is None:
                    out.append(Failed(operation, "not observed"))
                    return
                call = self._coap.client.deregister(observation.call, chance=chance, now=now)
                call.tag, device.current, device.call = operation, operation, call
                return
            if operation.paths not in observations and len(observations) >= self._limits.max_observations_per_link:
                out.append(Failed(operation, "too many observations"))
                return
        options = []
        if operation.content_format is not None:
            options.append((opt.CONTENT_FORMAT, opt.uint(operation.content_format)))
        if operation.accept is not None:
            options.append((opt.ACCEPT, opt.uint(operation.accept)))
        if operation.kind is Kind.BOOTSTRAP_FINISH:
            path: tuple[str, ...] = ("bs",)
        else:
            root = registration.offer.root if registration is not None else ()
            path = root if operation.method in (Method.FETCH, Method.IPATCH) else root + segments(operation.path)
        call = self._coap.client.request(
            device.link,
            operation.method,
            path,
            operation.payload,
            options,
            query=operation.query,
            observe=operation.kind in _OBSERVING,
            chance=chance,
            now=now,
        )
        call.tag, device.current, device.call = operation, operation, call


def _uri(registration: Registration, paths: tuple[Path, ...], composite: bool) -> list[Option]:
    path = registration.offer.root + (() if composite else segments(paths[0]))
    return [(opt.URI_PATH, segment.encode()) for segment in path]
