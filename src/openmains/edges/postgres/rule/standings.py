# SPDX-License-Identifier: Apache-2.0
"""Rules in force and where their conditions are fulfilled, as the pipeline loads them with a batch and writes them with it. Role
openmains_pipeline."""

import logging
import time
from collections.abc import Sequence

import msgspec

from openmains.app.rule.conditions import condition_of
from openmains.app.rule.model import ActiveRule, RuleChange, RuleDraft
from openmains.app.rule.watch import NO_RULES, RuledMeter, RuleSet
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.rule.judge import LastValue
from openmains.domain.rule.tree import Condition, ConditionError
from openmains.drivers.catalog import Catalog
from openmains.drivers.catalog import load as load_drivers
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

log = logging.getLogger("openmains.rules")
_QUERIES = load(__package__, "clock.sql")
ANEW_S = 60.0  # areas below a rule's may have moved


class ActiveRules:
    """What is in force, read anew when it changes; conditions are read once for each version."""

    def __init__(self, pool: Pool, drivers: Catalog | None = None) -> None:
        self._pool = pool
        self._drivers = drivers
        self._stamp: tuple[int, int] | None = None
        self._read_at = float("-inf")
        self._conditions: dict[tuple[int, int], tuple[RuleDraft, Condition] | None] = {}
        self._book = NO_RULES

    async def current(self, now_us: int) -> RuleSet:
        """The same object as long as nothing changes."""
        row = await _QUERIES["rule_stamp"].fetchrow(self._pool, now_us=now_us)
        assert row is not None  # noqa: S101 a row of sums is always there
        stamp, moment = (row["changes"], row["begun"]), time.monotonic()
        if stamp != self._stamp or moment - self._read_at > ANEW_S:
            rows = await _QUERIES["active_rules"].fetch(self._pool, now_us=now_us)
            book = RuleSet(rule for row in rows if (rule := self._active(row)) is not None)
            if book != self._book:
                self._book = book
            self._stamp, self._read_at = stamp, moment
        return self._book

    def _active(self, row: Row) -> ActiveRule | None:
        """One that cannot be read any more – a point that is gone – is said and left out."""
        key = (row["rule_id"], row["version"])
        if key not in self._conditions:
            try:
                draft = msgspec.json.decode(row["draft"], type=RuleDraft)
                self._conditions[key] = draft, condition_of(draft, self._exponent(row["driver"]))
            except (ConditionError, msgspec.DecodeError) as error:
                log.error("rule %d, version %d, is left out: %s", *key, error)
                self._conditions[key] = None
        found = self._conditions[key]
        if found is None:
            return None
        draft, condition = found
        return ActiveRule(
            rule_id=row["rule_id"],
            version=row["line"],
            number=row["version"],
            tenant_id=row["tenant_id"],
            condition=condition,
            severity=draft.severity,
            product_id=row["product_id"],
            areas=None if row["area_id"] is None else frozenset(row["areas"] or ()),
            classes=frozenset(draft.customer_classes) or None,
            dn_from=draft.dn_from or 0,
            dn_to=2**31 - 1 if draft.dn_to is None else draft.dn_to,
            held_s=draft.held_s,
        )

    def _exponent(self, driver: str | None) -> int | None:
        if driver is None:
            return None
        if self._drivers is None:
            self._drivers = load_drivers()
        return self._drivers.driver(driver).unit_exponent if driver in self._drivers else None


async def load_standings(pool: Pool, book: RuleSet, meter_ids: Sequence[MeterId]) -> dict[MeterId, RuledMeter]:
    """What rules know of these meters; those of which they know nothing are absent."""
    found: dict[MeterId, RuledMeter] = {}
    for row in await _QUERIES["standings"].fetch(pool, meter_ids=meter_ids):
        found[row["meter_id"]] = RuledMeter(standing=dict(zip(row["rule_ids"], row["versions"], strict=True)))
    if book.remembered:
        for row in await _QUERIES["remembered"].fetch(pool, meter_ids=meter_ids):
            meter = found.setdefault(row["meter_id"], RuledMeter())
            meter.remembered[row["point"]] = LastValue(row["value"], row["at_s"])
    if book.asks_classes:
        for row in await _QUERIES["classes"].fetch(pool, meter_ids=meter_ids):
            found.setdefault(row["meter_id"], RuledMeter()).customer_class = row["customer_class"]
    return found


async def keep_standings(
    connection: Connection,
    changes: Sequence[RuleChange],
    remembered: dict[tuple[MeterId, str], tuple[TenantId, LastValue]],
) -> None:
    """What changed in a batch: the last word of each meter and rule; before its alarms are locked, as the clock does."""
    last = {(change.meter_id, change.rule_id): change for change in changes}
    stood = [last[key] for key in sorted(last) if last[key].is_fulfilled]
    fell = [key for key in sorted(last) if not last[key].is_fulfilled]
    if last:
        keys = sorted(last)
        await _QUERIES["lock_standings"].execute(
            connection, meter_ids=[meter for meter, _ in keys], rule_ids=[rule for _, rule in keys]
        )
    if fell:
        await _QUERIES["fall"].execute(
            connection, meter_ids=[meter for meter, _ in fell], rule_ids=[rule for _, rule in fell]
        )
    if stood:
        await _QUERIES["stand"].execute(
            connection,
            meter_ids=[change.meter_id for change in stood],
            rule_ids=[change.rule_id for change in stood],
            tenant_ids=[change.tenant_id for change in stood],
            versions=[change.version for change in stood],
            since_us=[change.at_us for change in stood],
            due_us=[change.due_us for change in stood],
        )
    if remembered:
        order = sorted(remembered)
        await _QUERIES["remember"].execute(
            connection,
            meter_ids=[meter for meter, _ in order],
            points=[point for _, point in order],
            tenant_ids=[remembered[key][0] for key in order],
            values=[remembered[key][1].value for key in order],
            at_s=[remembered[key][1].at_s for key in order],
        )
