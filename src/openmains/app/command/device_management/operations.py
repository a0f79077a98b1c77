# SPDX-License-Identifier: Apache-2.0
"""Read, write, execute, discover, observe on a meter that is awake, for an operator; and what it registered.

Each operation is in the audit trail before it is sent: one whose answer is lost may have had its effect all the same.
"""

from collections.abc import Callable
from typing import Protocol

from openmains.app.command.device_management import messages
from openmains.app.command.device_management.messages import Answer, Kind, OperationRequest, Outcome
from openmains.app.command.device_management.model import (
    MeterObjects,
    MeterOperation,
    ObjectDefinition,
    ObjectValue,
    Observation,
    OperationResult,
    RegisteredObject,
    ResourceDefinition,
)
from openmains.app.command.device_management.rules import Refusal, refusal_of
from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import utc_of_us
from openmains.wire.coap.message import code_text, is_success
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import path as paths
from openmains.wire.lwm2m.definitions import Object, Resource, definitions

LIMIT_S = 20.0
NOTHING_TO_SAY = {Outcome.NOT_HERE: "meter-not-connected", Outcome.UNREGISTERED: "meter-not-registered"}
HEARD = {Outcome.ASLEEP: "meter-asleep", Outcome.NO_ANSWER: "meter-no-answer"}


class MeterLink(Protocol):
    """The way to the edge that holds a meter's session."""

    async def ask(self, ask: OperationRequest) -> Answer:
        """Raises ``OSError`` when no edge can be asked."""
        ...


async def registered_objects(store: Store, link: MeterLink, actor: Actor, meter_id: MeterId) -> MeterObjects:
    """Raises ``not-found``, ``meter-not-connected``, ``meter-not-registered``."""
    imei = await _imei(store, actor, meter_id)
    answer = await link.ask(OperationRequest(Kind.REGISTERED, imei))
    found = answer.registered
    if answer.outcome is not Outcome.ANSWERED or found is None:
        raise _problem(answer)
    return MeterObjects(
        endpoint=found.endpoint,
        version=found.version,
        binding=found.binding,
        queue_mode=found.queue_mode,
        lifetime_s=found.lifetime_s,
        registered_at=utc_of_us(found.registered_us),
        updated_at=utc_of_us(found.updated_us),
        heard_at=utc_of_us(answer.heard_us) if answer.heard_us else None,
        awake=answer.awake,
        node=answer.node,
        objects=[RegisteredObject(one.object_id, one.version, one.instances) for one in found.objects],
        observations=[
            Observation(paths.text(one.path), None if one.at_us is None else utc_of_us(one.at_us), _values(one.values))
            for one in found.observed
        ],
    )


async def operate(
    store: Store, link: MeterLink, actor: Actor, meter_id: MeterId, wish: MeterOperation, now_us: Callable[[], int]
) -> OperationResult:
    """Do it and wait for the meter. Raises the problems of ``rules`` and of a meter that cannot be reached now; for what changes
    the meter without a reason ``reason-needed``."""
    kind = Kind(wish.operation)
    try:
        path = paths.parse(wish.path)
    except WireError:
        raise Problem("invalid-input", fields=(("/path", "wrong-format"),)) from None
    refusal = refusal_of(kind, path)
    if refusal is not None:
        raise _refused(refusal)
    imei = await _imei(store, actor, meter_id)
    reason = stated(wish.reason) if kind in (Kind.WRITE, Kind.EXECUTE) else ""
    async with store.tenant(actor.tenant_id) as work:
        said = {"operation": wish.operation, "path": wish.path, "value": wish.value}
        await work[AuditTrail].record(actor, "operate_meter", "meter", meter_id, None, said, reason=reason)
    began = now_us()
    answer = await link.ask(OperationRequest(kind, imei, path, wish.value, LIMIT_S))
    if answer.outcome is not Outcome.ANSWERED:
        raise _problem(answer)
    ended = now_us()
    return OperationResult(
        operation=wish.operation,
        path=wish.path,
        ok=is_success(answer.code),
        code=code_text(answer.code),
        content_format=answer.content_format,
        values=_values(answer.values),
        raw_hex=answer.raw.hex(),
        why=answer.why,
        at=utc_of_us(ended),
        took_ms=max(0, ended - began) // 1000,
    )


def known_objects() -> list[ObjectDefinition]:
    """All objects that the platform knows, by number."""
    return [
        ObjectDefinition(one.id, one.urn, one.zh, one.en, [_resource(one, each) for each in one.resources.values()])
        for one in definitions()
    ]


def _resource(owner: Object, one: Resource) -> ResourceDefinition:
    kind = Kind.EXECUTE if one.operations == "E" else Kind.WRITE
    path = (owner.id, 0, one.id, 0) if one.many else (owner.id, 0, one.id)
    return ResourceDefinition(
        resource_id=one.id,
        operations=one.operations,
        type=None if one.type is None else one.type.value,
        unit=one.unit,
        many=one.many,
        title_zh=one.zh,
        title_en=one.en,
        changeable=refusal_of(kind, path) is None,
    )


async def _imei(store: Store, actor: Actor, meter_id: MeterId) -> int:
    async with store.tenant(actor.tenant_id) as work:
        found = await work[MeterStore].get(meter_id)
    if found is None:
        raise Problem("not-found")
    if found.imei is None:
        raise Problem("meter-not-connected")
    return int(found.imei)


def _refused(refusal: Refusal) -> Problem:
    if refusal is Refusal.SIGNED_ONLY:
        return Problem("signed-command-only")
    if refusal is Refusal.KEYS:
        return Problem("secret-object")
    code = "wrong-format" if refusal is Refusal.NO_PATH else "not-accepted"
    return Problem("invalid-input", fields=(("/path", code),))


def _problem(answer: Answer) -> Problem:
    if answer.outcome in HEARD:
        heard = utc_of_us(answer.heard_us).isoformat(timespec="seconds") if answer.heard_us else "–"
        return Problem(HEARD[answer.outcome], heard=heard)
    if answer.outcome in NOTHING_TO_SAY:
        return Problem(NOTHING_TO_SAY[answer.outcome])
    if answer.outcome is Outcome.HELD:
        return Problem("terminal-held")
    if answer.outcome is Outcome.SIGNED_ONLY:
        return Problem("signed-command-only")
    return Problem("operation-not-sent", why=answer.why)


def _values(found: list[messages.Value]) -> list[ObjectValue]:
    return [
        ObjectValue(
            paths.text(one.path), one.type, one.text, one.attributes,
            None if one.at_s is None else utc_of_us(round(one.at_s * 1e6)),
        )
        for one in found
    ]  # fmt: skip
