# SPDX-License-Identifier: Apache-2.0
"""Rules as people make them and as the pipeline keeps to them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from openmains.app.alarm.model import Severity
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import AreaId, CommandId, MeterId, ProductId, RuleId, TenantId, UserId
from openmains.domain.rule.tree import Condition

CustomerClass = Literal["resident", "combined", "non_resident", "special"]
RuleName = Annotated[str, Meta(min_length=1, max_length=80)]
_Value = Annotated[int, Meta(ge=-(2**60), le=2**60)]
_Term = Annotated[str, Meta(max_length=60)]
_Id32 = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Dn = Annotated[int, Meta(ge=1, le=5000)]


class RuleCase(Struct, frozen=True, forbid_unknown_fields=True):
    """A test that travels with the rule: a message that says these values and events, ``after_s`` after one that said those of ``before`` – or
    what the clock knows – and whether the condition is to be fulfilled."""

    fires: bool
    reported: dict[_Term, _Value] = {}
    before: dict[_Term, _Value] = {}
    after_s: Annotated[int, Meta(ge=1, le=31 * 86_400)] = 3600
    events: Annotated[list[_Term], Meta(max_length=30)] = []
    silent_h: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    missing_days: Annotated[int, Meta(ge=0, le=1000)] | None = None
    unanswered_h: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    command: Kind | None = None
    meters: Annotated[int, Meta(ge=0, le=10**6)] | None = None
    meters_in_all: Annotated[int, Meta(ge=0, le=10**6)] = 0


class RuleCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """A command that is proposed where the rule fires; a person gives it, or does not."""

    kind: Kind
    params: dict[str, Any] = {}


class RuleDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """What a version says: when ``condition`` (docs/rules.md) is fulfilled, once it held for ``held_s``; for devices of ``product_id``, in
    ``area_id`` with what is below it, of customers of these classes, of a DN from … to (null, none: all); then an alarm of ``severity``,
    which goes the way of all alarms – groups, mutes, notices, subscriptions –, ``command`` as a proposal, and a work order of the kind
    ``work_order``, one for an alarm or a group of them."""

    condition: dict[str, Any]
    severity: Severity = "major"
    product_id: _Id32 | None = None
    area_id: _Id32 | None = None
    customer_classes: Annotated[list[CustomerClass], Meta(max_length=4)] = []
    dn_from: _Dn | None = None
    dn_to: _Dn | None = None
    held_s: Annotated[int, Meta(ge=0, le=7 * 86_400)] = 0
    command: RuleCommand | None = None
    work_order: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")] | None = None
    cases: Annotated[list[RuleCase], Meta(max_length=30)] = []


_JUDGES = ("condition", "held_s", "product_id", "area_id", "customer_classes", "dn_from", "dn_to")


def judged(draft: RuleDraft) -> str:
    """A name of what decides when and where a draft fires; its severity, its actions and its tests are none of it."""
    asked = {name: getattr(draft, name) for name in _JUDGES} | {"customer_classes": sorted(draft.customer_classes)}
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


class RuleCheck(Struct, frozen=True):
    """What a draft says in words, and ``cases`` on either side of its bounds, found by trying."""

    zh: str
    en: str
    cases: list[RuleCase]


class RuleVersion(Struct, frozen=True):
    """A version as it was made; never changed. ``zh``, ``en``: its condition as a sentence. ``in_force``: this one counts now."""

    version: int
    draft: RuleDraft
    zh: str
    en: str
    effective_at: datetime
    made_by: UserId
    made_by_name: str
    made_at: datetime
    reason: str
    in_force: bool


class RuleTrialRecord(Struct, frozen=True):
    """What the newest trial of a version's condition found. ``looked_at``: meters; ``whole``: those are all for whom it holds; ``untold``:
    points whose past is not stored."""

    at: datetime
    by: UserId
    by_name: str
    days: int
    looked_at: int
    whole: bool
    fired: int
    meters: int
    untold: list[str]


class StoredRule(Struct, frozen=True):
    """A rule with its newest version. ``standing``: meters at which its condition is fulfilled now; ``open_alarms``: of it; ``tried``: the
    newest version, null: it was not."""

    rule_id: RuleId
    name: str
    is_on: bool
    standing: int
    open_alarms: int
    newest: RuleVersion
    tried: RuleTrialRecord | None = None


class RuleFiring(Struct, frozen=True):
    """When and where it would have fired."""

    meter_id: MeterId
    number: str
    at: datetime


class RuleTrial(Struct, frozen=True):
    """What it would have done: ``fired`` times at ``meters`` of the ``looked_at``; ``whole``: those are all for whom it holds, else the first
    of them. ``firings``: the newest. ``untold``: points whose past is not stored – nothing is said of them."""

    days: int
    looked_at: int
    whole: bool
    fired: int
    meters: int
    firings: list[RuleFiring]
    untold: list[str]


ProposalState = Literal["open", "given", "declined", "over"]


class RuleProposal(Struct, frozen=True):
    """A command that a rule proposes. ``over``: the alarm ended before a person decided."""

    proposal_id: int
    rule_id: RuleId
    rule: str
    meter_id: MeterId
    number: str
    kind: str
    params: dict[str, Any]
    state: ProposalState
    made_at: datetime
    decided_at: datetime | None
    decided_by: UserId | None
    reason: str
    command_id: CommandId | None


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A version that is in force, as the pipeline keeps to it. ``version``: the first one that asks the same, to which what stands belongs;
    ``number``: its own; ``areas``, ``classes``: None all; DN in mm, both ends within."""

    rule_id: RuleId
    version: int
    tenant_id: TenantId
    condition: Condition
    severity: str
    product_id: ProductId | None = None
    areas: frozenset[AreaId] | None = None
    classes: frozenset[str] | None = None
    dn_from: int = 0
    dn_to: int = 2**31 - 1
    held_s: int = 0
    number: int = 0

    @property
    def is_for_all(self) -> bool:
        """Whether it is for each device of its product."""
        return self.areas is None and self.classes is None and self.dn_from <= 0 and self.dn_to >= 2**31 - 1

    def is_for(self, area_id: AreaId, dn: int, customer_class: str) -> bool:
        """Whether a device of the rule's product is one of those that it is for. A DN that nobody knows (0) is none."""
        return (
            (self.areas is None or area_id in self.areas)
            and self.dn_from <= dn <= self.dn_to
            and (self.classes is None or customer_class in self.classes)
        )


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The condition of a rule's version begins or ceases to be fulfilled at a meter. ``due_us``: when it will have held for long enough;
    None: it need not hold."""

    tenant_id: TenantId
    meter_id: MeterId
    rule_id: RuleId
    version: int
    is_fulfilled: bool
    at_us: int
    due_us: int | None = None


@dataclass(frozen=True, slots=True)
class HeardMeter:
    """A meter whose silence may be due: what a rule's scope asks, and when it was heard last."""

    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    area_id: AreaId
    dn: int
    customer_class: str
    last_seen_us: int | None
