# SPDX-License-Identifier: Apache-2.0
"""Rules as people make them, and what they propose."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from openmains.app.rule.model import (
    ProposalState,
    RuleDraft,
    RuleProposal,
    RuleTrial,
    RuleTrialRecord,
    RuleVersion,
    StoredRule,
    judged,
)
from openmains.app.rule.ports import RuledMeterRow
from openmains.domain.ids import AreaId, CommandId, MeterId, RuleId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.domain.rule.sentence import RuleSentence
from openmains.domain.rule.trial import HeldSpan
from openmains.edges.postgres.db import Connection, Row, rows_of
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)


def _version(row: Row) -> RuleVersion:
    return RuleVersion(
        row["version"], msgspec.json.decode(row["draft"], type=RuleDraft), row["zh"], row["en"], utc_of_us(row["effective_us"]),
        row["made_by"], row["made_by_name"], utc_of_us(row["made_us"]), row["reason"], bool(row["in_force"]),
    )  # fmt: skip


def _rule(row: Row) -> StoredRule:
    return StoredRule(row["rule_id"], row["name"], row["is_on"], row["standing"], row["open_alarms"], _version(row))


class Rules:
    """``RuleStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, now_us: int) -> list[StoredRule]:
        return await self._page(limit, after, None, now_us)

    async def get(self, rule_id: RuleId, now_us: int) -> StoredRule | None:
        rules = await self._page(1, None, rule_id, now_us)
        return rules[0] if rules else None

    async def lock(self, rule_id: RuleId, now_us: int) -> StoredRule | None:
        await _QUERIES["lock_rule"].execute(self._connection, tenant_id=self._tenant_id, rule_id=rule_id)
        return await self.get(rule_id, now_us)

    async def _page(self, limit: int, after: int | None, rule_id: RuleId | None, now_us: int) -> list[StoredRule]:
        rows = await _QUERIES["rules"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, most=limit, rule_id=rule_id, now_us=now_us
        )
        rules = [_rule(row) for row in rows]
        found = await self.tried([judged(rule.newest.draft) for rule in rules]) if rules else {}
        return [structs.replace(rule, tried=found.get(judged(rule.newest.draft))) for rule in rules]

    async def versions(self, rule_id: RuleId, now_us: int) -> list[RuleVersion]:
        rows = await _QUERIES["rule_versions"].fetch(
            self._connection, tenant_id=self._tenant_id, rule_id=rule_id, now_us=now_us
        )
        return [_version(row) for row in rows]

    async def add(self, name: str, user_id: UserId) -> RuleId | None:
        added: RuleId | None = await _QUERIES["add_rule"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=name, user_id=user_id
        )
        return added

    async def add_version(
        self,
        rule_id: RuleId,
        draft: RuleDraft,
        said: RuleSentence,
        effective_us: int,
        user_id: UserId,
        now_us: int,
        reason: str,
    ) -> None:
        await _QUERIES["add_rule_version"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            rule_id=rule_id,
            draft=msgspec.json.encode(draft).decode(),
            zh=said.zh,
            en=said.en,
            product_id=draft.product_id,
            area_id=draft.area_id,
            effective_us=effective_us,
            user_id=user_id,
            now_us=now_us,
            reason=reason,
        )
        await _QUERIES["touch_rule"].execute(self._connection, tenant_id=self._tenant_id, rule_id=rule_id)

    async def switch(self, rule_id: RuleId, is_on: bool) -> None:
        await _QUERIES["switch_rule"].execute(self._connection, tenant_id=self._tenant_id, rule_id=rule_id, is_on=is_on)

    async def note_trial(self, judges: str, found: RuleTrial, user_id: UserId, now_us: int) -> None:
        await _QUERIES["note_trial"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            judges=judges,
            user_id=user_id,
            now_us=now_us,
            days=found.days,
            looked_at=found.looked_at,
            is_whole=found.whole,
            fired=found.fired,
            meters=found.meters,
            untold=found.untold,
        )

    async def tried(self, judges: Sequence[str]) -> dict[str, RuleTrialRecord]:
        rows = await _QUERIES["tried"].fetch(self._connection, tenant_id=self._tenant_id, judges=list(judges))
        return {
            row["judges"]: RuleTrialRecord(
                utc_of_us(row["tried_us"]), row["tried_by"], row["by_name"], row["days"], row["looked_at"], row["is_whole"],
                row["fired"], row["meters"], row["untold"],
            )
            for row in rows
        }  # fmt: skip

    async def has_order_kind(self, code: str) -> bool:
        return bool(await _QUERIES["has_order_kind"].fetchval(self._connection, tenant_id=self._tenant_id, code=code))

    async def areas_of(self, area_id: AreaId) -> list[AreaId]:
        rows = await _QUERIES["rule_area"].fetch(self._connection, tenant_id=self._tenant_id, area_id=area_id)
        return [row["area_id"] for row in rows]

    async def meters_of(self, draft: RuleDraft, areas: Sequence[AreaId] | None, most: int) -> list[RuledMeterRow]:
        rows = await _QUERIES["rule_meters"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            product_id=draft.product_id,
            areas=None if areas is None else list(areas),
            classes=draft.customer_classes or None,
            dn_from=draft.dn_from or 0,
            dn_to=2**31 - 1 if draft.dn_to is None else draft.dn_to,
            most=most,
        )
        return [RuledMeterRow(row["meter_id"], row["number"], row["area_id"], row["cell"]) for row in rows]

    async def past_events(
        self, meter_ids: Sequence[MeterId], events: Sequence[str], since_us: int
    ) -> list[tuple[MeterId, str, HeldSpan]]:
        rows = await self._past(_QUERIES["past_alarms"], meter_ids, events=list(events), since_us=since_us)
        return [(row["meter_id"], row["event"], _span(row["received_us"], row["cleared_us"])) for row in rows]

    async def past_commands(
        self, meter_ids: Sequence[MeterId], kind: str, since_us: int
    ) -> list[tuple[MeterId, HeldSpan]]:
        rows = await self._past(_QUERIES["past_commands"], meter_ids, kind=kind, since_us=since_us)
        return [(row["meter_id"], _span(row["sent_us"], row["ended_us"])) for row in rows]

    async def past_gaps(self, meter_ids: Sequence[MeterId], since_s: int) -> list[tuple[MeterId, HeldSpan]]:
        rows = await self._past(_QUERIES["past_gaps"], meter_ids, since_s=since_s)
        return [(row["meter_id"], HeldSpan(row["due_s"], row["end_s"])) for row in rows]

    async def _past(self, query: Query, meter_ids: Sequence[MeterId], **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids), **values)

    async def proposals(
        self, limit: int, after: int | None, state: ProposalState | None, proposal_id: int | None = None
    ) -> list[RuleProposal]:
        rows = await _QUERIES["proposals"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, state=state, proposal_id=proposal_id, most=limit
        )
        return [
            RuleProposal(
                row["proposal_id"], row["rule_id"], row["rule"], row["meter_id"], row["number"], row["kind"],
                msgspec.json.decode(row["params"]), row["state"], utc_of_us(row["made_us"]),
                None if row["decided_us"] is None else utc_of_us(row["decided_us"]), row["decided_by"], row["reason"],
                row["command_id"],
            )
            for row in rows
        ]  # fmt: skip

    async def decline(self, proposal_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        return await self._decide(
            _QUERIES["decline_proposal"], proposal_id, user_id=user_id, reason=reason, now_us=now_us
        )

    async def take_proposal(self, proposal_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        return await self._decide(_QUERIES["take_proposal"], proposal_id, user_id=user_id, reason=reason, now_us=now_us)

    async def release_proposal(self, proposal_id: int) -> bool:
        return await self._decide(_QUERIES["release_proposal"], proposal_id)

    async def name_command(
        self, proposal_id: int, user_id: UserId, reason: str, command_id: CommandId, now_us: int
    ) -> bool:
        return await self._decide(
            _QUERIES["name_command"], proposal_id, user_id=user_id, reason=reason, command_id=command_id, now_us=now_us
        )

    async def _decide(self, query: Query, proposal_id: int, **values: Any) -> bool:
        status = await query.execute(self._connection, tenant_id=self._tenant_id, proposal_id=proposal_id, **values)
        return rows_of(status) == 1


def _span(from_us: int, until_us: int | None) -> HeldSpan:
    return HeldSpan(from_us // 1_000_000, None if until_us is None else until_us // 1_000_000)
