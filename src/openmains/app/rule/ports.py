# SPDX-License-Identifier: Apache-2.0
"""What rules ask of the stores."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from openmains.app.rule.model import (
    ActiveRule,
    HeardMeter,
    ProposalState,
    RuleDraft,
    RuleProposal,
    RuleTrial,
    RuleTrialRecord,
    RuleVersion,
    StoredRule,
)
from openmains.domain.ids import AreaId, CommandId, MeterId, RuleId, TenantId, UserId
from openmains.domain.rule.judge import ReportedValues
from openmains.domain.rule.sentence import RuleSentence
from openmains.domain.rule.trial import HeldSpan


@dataclass(frozen=True, slots=True)
class RuledMeterRow:
    """A meter that a rule is for. ``cell``: 0: not known."""

    meter_id: MeterId
    number: str
    area_id: AreaId
    cell: int


class RuleStore(Protocol):
    """Rules within one tenant's transaction. Versions are written once."""

    async def page(self, limit: int, after: int | None, now_us: int) -> list[StoredRule]: ...
    async def get(self, rule_id: RuleId, now_us: int) -> StoredRule | None: ...
    async def lock(self, rule_id: RuleId, now_us: int) -> StoredRule | None:
        """Locked until the transaction ends."""

    async def versions(self, rule_id: RuleId, now_us: int) -> list[RuleVersion]:
        """Newest first."""

    async def add(self, name: str, user_id: UserId) -> RuleId | None:
        """Off, without a version; None where the name is taken."""

    async def add_version(
        self,
        rule_id: RuleId,
        draft: RuleDraft,
        said: RuleSentence,
        effective_us: int,
        user_id: UserId,
        now_us: int,
        reason: str,
    ) -> None: ...
    async def switch(self, rule_id: RuleId, is_on: bool) -> None: ...
    async def note_trial(self, judges: str, found: RuleTrial, user_id: UserId, now_us: int) -> None:
        """What a trial found, in place of one of the same before."""

    async def tried(self, judges: Sequence[str]) -> dict[str, RuleTrialRecord]:
        """What the newest trials of these found."""

    async def has_order_kind(self, code: str) -> bool:
        """Whether the utility has a kind of work orders of its own by this code, in use."""

    async def areas_of(self, area_id: AreaId) -> list[AreaId]:
        """The area and those below it; none where there is no such area."""

    async def meters_of(self, draft: RuleDraft, areas: Sequence[AreaId] | None, most: int) -> list[RuledMeterRow]:
        """For whom it is, the first by number of registration."""

    async def past_events(
        self, meter_ids: Sequence[MeterId], events: Sequence[str], since_us: int
    ) -> list[tuple[MeterId, str, HeldSpan]]:
        """Events as their alarms tell."""

    async def past_commands(
        self, meter_ids: Sequence[MeterId], kind: str, since_us: int
    ) -> list[tuple[MeterId, HeldSpan]]:
        """From when they were sent until they were answered or given up; kind '': any."""

    async def past_gaps(self, meter_ids: Sequence[MeterId], since_s: int) -> list[tuple[MeterId, HeldSpan]]:
        """Days that were due and not there: from when, until something of them came."""

    async def proposals(
        self, limit: int, after: int | None, state: ProposalState | None, proposal_id: int | None = None
    ) -> list[RuleProposal]: ...
    async def decline(self, proposal_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        """Once; False where it is open no more."""

    async def take_proposal(self, proposal_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        """It will be given: nobody else decides. False where it is decided; True anew while its command is not known."""

    async def release_proposal(self, proposal_id: int) -> bool:
        """Its command was refused: open again, or over with its alarm."""

    async def name_command(
        self, proposal_id: int, user_id: UserId, reason: str, command_id: CommandId, now_us: int
    ) -> bool:
        """The command that it became; False where that is known."""


@dataclass(frozen=True, slots=True)
class PastValues:
    """What a message said of some points. ``at_s``: of its last value."""

    meter_id: MeterId
    at_s: int
    reported: Mapping[str, ReportedValues]


class RuleHistory(Protocol):
    """What meters said before, for a trial."""

    async def values(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], points: Sequence[str], since_s: int
    ) -> list[PastValues]:
        """By meter in order of time."""

    async def heard(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_s: int) -> dict[MeterId, list[int]]:
        """By meter the instants (s UTC) at which it was heard, in order."""

    def is_stored(self, point: str) -> bool:
        """Whether the past of a point is kept at all."""


class ClockTurn(Protocol):
    """What does not wait for a message, in one transaction that nobody else is in."""

    async def fire_held(self, now_us: int, most: int) -> int:
        """Conditions that have held for long enough; how many were due."""

    async def fulfilling(self, rule: ActiveRule, now_us: int) -> set[MeterId]:
        """Meters that fulfil a condition of the clock."""

    async def stood(self, rule: ActiveRule) -> set[MeterId]:
        """Where the version or one before it stands."""

    async def begin(self, rules: Sequence[ActiveRule], now_us: int) -> None:
        """Where one of these, which ask for silence, was not in force before, all meters of its utility are to be looked at now."""

    async def looked(self, now_us: int, most: int) -> list[HeardMeter]:
        """Meters that are to be looked at now, those that wait for longest."""

    async def standing(self, rules: Sequence[ActiveRule]) -> set[RuleId]:
        """Of these those that stand at any meter or place."""

    async def heard_again(self, rule: ActiveRule, now_us: int) -> set[MeterId]:
        """Of the meters at which a rule that asks for silence stands: those that were heard, or that it is no more for."""

    async def look_again(
        self, meter_ids: Sequence[MeterId], hours: Mapping[TenantId, Sequence[int]], now_us: int
    ) -> None:
        """When the next silence that a rule of their utility asks for may be due; at the latest after the shortest one."""

    async def stand(self, rule: ActiveRule, meter_ids: Sequence[MeterId], now_us: int) -> None: ...
    async def fall(self, rule: ActiveRule, meter_ids: Sequence[MeterId], now_us: int) -> None: ...
    async def places(self, rule: ActiveRule, now_us: int) -> dict[str, tuple[int, int, MeterId]]:
        """Of a rule that gathers: place → (meters that fulfil it, meters there are, one of them); those with enough by number."""

    async def stood_places(self, rule: ActiveRule) -> set[str]: ...
    async def stand_places(
        self, rule: ActiveRule, places: Mapping[str, tuple[int, int, MeterId]], now_us: int
    ) -> None: ...
    async def fall_places(self, rule: ActiveRule, places: Sequence[str], now_us: int) -> None: ...
    async def forget(self, now_us: int, remembered: Sequence[str], watched: Sequence[TenantId]) -> int:
        """What stands of rules that are off: gone, with its alarms. What stands of a version before the one in force, where that asks
        something else: with the next message, at the latest after 26 h. ``watched``: utilities that ask for silence."""


class RuleTimers(Protocol):
    """The clock's store. Role of the pipeline."""

    async def active(self, now_us: int) -> Sequence[ActiveRule]: ...
    def turn(self) -> AbstractAsyncContextManager[ClockTurn | None]:
        """A transaction; None while another process turns the clock."""
