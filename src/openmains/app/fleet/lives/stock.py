# SPDX-License-Identifier: Apache-2.0
"""The warehouse: meters come in, and are issued to a person by a list, all lines of it or none. And what a meter is besides its life."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import to_builtins

from openmains.app.fleet.lives.acts import done_before, effective, fingerprint, fingerprint_all
from openmains.app.fleet.lives.model import (
    DueFilter,
    Issued,
    IssueLine,
    IssueRequest,
    LifetimeRule,
    MeterLife,
    NewStockMeter,
)
from openmains.app.fleet.lives.ports import ActNote, LifeStore
from openmains.app.fleet.ports import AreaStore, ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.hanging import MeterRole
from openmains.domain.fleet.installation import installation_fault
from openmains.domain.fleet.issue_rows import MOST_OF_A_LIST, IssueError, numbers_of, plan_issue
from openmains.domain.fleet.meter_life import HANGING, LIFE_WORDS
from openmains.domain.ids import AreaId, MeterId, ProductId

PARENT_ROLES = frozenset({MeterRole.MASTER})


async def receive_meters(
    store: Store,
    actor: Actor,
    key: str,
    meters: Sequence[NewStockMeter],
    at: datetime | None,
    reason: str,
    today: date,
    now_s: int,
) -> Issued:
    """Meters that come into the warehouse, all or none. The same key again is the same delivery.

    :raises Problem: ``invalid-input`` with the place of what is wrong, ``number-taken``, ``act-key-used``.
    """
    note = ActNote(
        key, "receive", effective(at, now_s), "", "", " ".join(reason.split()), fingerprint_all(meters), actor.user_id
    )  # fmt: skip
    async with store.tenant(actor.tenant_id) as work:
        if done := await done_before(work, note.key, note.asked):
            return Issued(len(done))
        for place, meter in enumerate(meters):
            await _check_new(work, meter, f"/meters/{place}", today)
            if await work[LifeStore].receive(meter, today, note) is None:
                raise Problem("number-taken", fields=((f"/meters/{place}/number", "not-accepted"),))
        await work[AuditTrail].record(
            actor, "receive_meters", "meter", key, None,
            {"meters": len(meters), "first": meters[0].number, "last": meters[-1].number}, reason=note.reason,
        )  # fmt: skip
    return Issued(len(meters))


async def issue_meters(store: Store, actor: Actor, wanted: IssueRequest, now_s: int) -> Issued:
    """Issue to a person. A line that cannot be issued is named with the first meter that is not there, or not in stock.

    :raises Problem: ``reason-needed``, ``not-to-issue`` with the meter and why, ``act-key-used``, ``too-many-issued``.
    """
    reason = stated(wanted.reason)
    person = " ".join(wanted.person.split())
    if not person:
        raise Problem("invalid-input", fields=(("/person", "required"),))
    at = effective(wanted.at, now_s)
    note = ActNote(
        wanted.key, "issue", at, person, wanted.contractor.strip(), reason, fingerprint(wanted), actor.user_id
    )  # fmt: skip
    async with store.tenant(actor.tenant_id) as work:
        if done := await done_before(work, note.key, note.asked):
            return Issued(len(done))
        meters = await _issued(work, wanted.lines, int(at.timestamp()))
        if await work[LifeStore].issue(meters, note) != len(meters):
            raise Problem("changed-meanwhile")
        told = {"meters": len(meters), "person": person, "contractor": note.contractor, "key": note.key}
        await work[AuditTrail].record(actor, "issue_meters", "meter", note.key, None, told, reason=reason)
    return Issued(len(meters))


async def _issued(work: Work, lines: Sequence[IssueLine], at_s: int) -> list[MeterId]:
    wanted = sum(line.quantity for line in lines)
    if wanted > MOST_OF_A_LIST:
        raise Problem("too-many-issued", count=wanted, most=MOST_OF_A_LIST)
    names = [name for line in lines for name in numbers_of(line.number, line.quantity)]
    known = await work[LifeStore].named(names)
    meters: dict[MeterId, None] = {}  # in their order
    for place, line in enumerate(lines):
        planned = plan_issue(line.product, line.number, line.quantity, at_s, known, meters)
        if isinstance(planned, IssueError):
            raise Problem(
                "not-to-issue",
                fields=((f"/lines/{place}/{planned.field}", planned.reason),),
                name=planned.name,
                life=("—", "—") if planned.life is None else LIFE_WORDS[planned.life],
            )  # fmt: skip
        meters |= dict.fromkeys(planned)
    return list(meters)


async def change_facts(
    store: Store, actor: Actor, meter_id: MeterId, revision: int, values: Mapping[str, Any], today: date
) -> MeterLife:
    """What a meter is. Its role does not change while it hangs. A check meter and one below a master name the meter above, of the same
    medium, and never one below themselves.

    :raises Problem: ``not-found``, ``revision-stale``, ``invalid-input``.
    """
    async with store.tenant(actor.tenant_id) as work:
        lives = work[LifeStore]
        before = await lives.life(meter_id)
        if before is None:
            raise Problem("not-found")
        now = {name: values.get(name, getattr(before.facts, name)) for name in before.facts.__struct_fields__}
        await _check_facts(work, meter_id, before, now, today)
        if not await lives.change_facts(meter_id, revision, values):
            raise Problem("revision-stale")
        after = await lives.life(meter_id)
        assert after is not None  # noqa: S101 changed in this transaction
        await work[AuditTrail].record(
            actor, "change_meter_facts", "meter", meter_id, before.facts, after.facts
        )  # fmt: skip
    return after


async def _check_facts(work: Work, meter_id: MeterId, before: MeterLife, now: Mapping[str, Any], today: date) -> None:
    faults: list[tuple[str, str]] = []
    if (now["pulse_ml"] is None) != (now["start_ml"] is None):
        faults.append(("/start_ml" if now["start_ml"] is None else "/pulse_ml", "required"))
    if now["verified_on"] is not None and (fault := installation_fault(now["verified_on"], today)):
        faults.append(("/verified_on", fault))
    if now["role"] != before.facts.role and before.life in HANGING:
        faults.append(("/role", "hangs-now"))  # what it counts at its account is by the role it was hung with
    if now["gas_kind"] and before.medium != "gas":
        faults.append(("/gas_kind", "not-accepted"))
    if now["role"] == MeterRole.CHECK and now["parent_id"] is None:
        faults.append(("/parent_id", "required"))
    parent_id = now["parent_id"]
    if parent_id is not None and parent_id != before.facts.parent_id:
        parent = await work[LifeStore].life(parent_id)
        if parent is None:
            faults.append(("/parent_id", "unknown-reference"))
        elif parent_id == meter_id or meter_id in await work[LifeStore].parents(parent_id):
            faults.append(("/parent_id", "would-loop"))
        elif parent.medium != before.medium or (
            now["role"] != MeterRole.CHECK and parent.facts.role not in PARENT_ROLES
        ):
            faults.append(("/parent_id", "not-accepted"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


async def _check_new(work: Work, meter: NewStockMeter, place: str, today: date) -> None:
    product = await work[ProductStore].get(ProductId(meter.product_id))
    if product is None:
        raise Problem("invalid-input", fields=((f"{place}/product_id", "unknown-reference"),))
    if await work[AreaStore].get(AreaId(meter.area_id)) is None:
        raise Problem("invalid-input", fields=((f"{place}/area_id", "unknown-reference"),))
    if product.kind != "meter" or (meter.gas_kind and product.medium != "gas"):
        field = "product_id" if product.kind != "meter" else "gas_kind"
        raise Problem("invalid-input", fields=((f"{place}/{field}", "not-accepted"),))
    if meter.verified_on is not None and (fault := installation_fault(meter.verified_on, today)):
        raise Problem("invalid-input", fields=((f"{place}/verified_on", fault),))


async def set_lifetime_rules(store: Store, actor: Actor, rules: Sequence[LifetimeRule], reason: str) -> None:
    """All rules at once, in their order. Raises ``reason-needed``; ``invalid-input`` where one is of the other medium's kind, or is never
    reached for an earlier one that takes all it takes."""
    why = stated(reason)
    for place, rule in enumerate(rules):
        if rule.gas_kind and rule.medium != "gas":
            raise Problem("invalid-input", fields=((f"/rules/{place}/gas_kind", "not-accepted"),))
        if any(_covers(earlier, rule) for earlier in rules[:place]):
            raise Problem("invalid-input", fields=((f"/rules/{place}", "twice"),))
    async with store.tenant(actor.tenant_id) as work:
        before = await work[LifeStore].lifetime_rules()
        await work[LifeStore].set_lifetime_rules(rules)
        await work[AuditTrail].record(
            actor, "set_lifetime_rules", "lifetime_rule", "all", before, list(rules), reason=why
        )  # fmt: skip


def _covers(earlier: LifetimeRule, later: LifetimeRule) -> bool:
    return (
        earlier.medium == later.medium
        and earlier.gas_kind in ("", later.gas_kind)
        and (earlier.dn_to == 0 or 0 < later.dn_to <= earlier.dn_to)
        and (earlier.qmax_l_h_to == 0 or 0 < later.qmax_l_h_to <= earlier.qmax_l_h_to)
    )


async def note_due_export(store: Store, actor: Actor, chosen: DueFilter, form: str) -> None:
    """A file of meters that are due is in the trail before its first line goes out."""
    said = to_builtins(chosen) | {"form": form}
    async with store.tenant(actor.tenant_id) as work:
        if chosen.area_id is not None and await work[AreaStore].get(chosen.area_id) is None:
            raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
        await work[AuditTrail].record(actor, "export_due_meters", "meter", "due", None, said)
