# SPDX-License-Identifier: Apache-2.0
"""What the signer knows of meters and utilities: its own copies beside the registry, the stricter of both, and the act by which
persons sign what is new or has changed. A list is signed by its hash, so that 100,000 imported meters are one act.

A meter is one utility's. Whose row has moved to another one keeps its copy where it was signed, and the other one gives it nothing:
its valve and its command key are the same.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openmains.app.command.signer.ports import FactsAct, Ledger, Person, Registry
from openmains.app.command.signing_ports import FactsSummary, SignerRefusedError
from openmains.domain.command.held_facts import (
    NEW,
    FactsChange,
    FactsHash,
    HeldFacts,
    UtilityFacts,
    changes_of,
    foreign,
    needs_two,
    stricter,
    utility_changes,
)
from openmains.domain.command.safety import MeterFacts
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.domain.period import DAY_S, utc

log = logging.getLogger("openmains.signer")
PAGE = 2_000  # meters of a registry that are looked at before others are served
MOST_LOOKING = 4  # at one tenant's registry, each in its turn
MOST_SHOWN = 500
MOST_CHOSEN = 10_000


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """Of a meter: the stricter of copy and registry, and what stands in the ledger at it. ``paid``: money was signed for it within a
    day."""

    meter: MeterFacts
    closed_for_safety: bool
    paid: bool


@dataclass(slots=True)
class FactsChoice:
    """What is to be signed."""

    utility: UtilityFacts | None = None
    meters: dict[MeterId, HeldFacts | None] = field(default_factory=dict)
    changes: list[FactsChange] = field(default_factory=list)
    hash: str = ""

    @property
    def count(self) -> int:
        """Copies that it changes."""
        return len(self.meters) + (self.utility is not None)


class SignedFacts:
    """Copies and registry side by side."""

    def __init__(self, ledger: Ledger, registry: Registry) -> None:
        self._ledger = ledger
        self._registry = registry
        self._comparing: defaultdict[TenantId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._looking: Counter[TenantId] = Counter()

    async def of(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], now: int) -> dict[int, LedgerFacts]:
        """By meter; those that the registry does not have, or another tenant's persons signed, are not there."""
        found = await self._registry.facts(tenant_id, meter_ids, now)
        said, utility = await self._registry.utility(tenant_id), self._ledger.utility(tenant_id)
        forbids = not said.remote_closing or (utility is not None and not utility.remote_closing)
        held = self._ledger.held(tenant_id, meter_ids)
        elsewhere = self._ledger.held_elsewhere(
            tenant_id, [MeterId(meter_id) for meter_id in found if meter_id not in held]
        )
        closed = self._ledger.closed_for_safety(tenant_id, meter_ids)
        paid = self._ledger.paid(tenant_id, meter_ids, now - DAY_S)
        ever = self._ledger.paid(
            tenant_id, meter_ids, 0
        )  # whoever was given money once keeps credit, whatever others say
        return {
            meter_id: LedgerFacts(
                stricter(
                    replace(meter, prepaid=meter.prepaid or meter_id in ever), held.get(meter.meter_id), forbids
                ),
                meter_id in closed,
                meter_id in paid,
            )
            for meter_id, meter in found.items()
            if meter_id not in elsewhere
        }  # fmt: skip

    async def is_office(self, tenant_id: TenantId, now: int) -> bool:
        """Whether one person may close a valve now: in office hours by the copy and by the registry, each in its own zone. Without a
        copy never."""
        held = self._ledger.utility(tenant_id)
        return held is not None and all(
            _is_open(facts, now) for facts in (held, await self._registry.utility(tenant_id))
        )

    async def sizes(self, tenant_id: TenantId) -> tuple[int, int, Mapping[int, int]]:
        """Meters that quotas are shares of: no more than are signed, and no more than are in use."""
        held, used = self._ledger.sizes(tenant_id), await self._registry.sizes(tenant_id)
        areas = {area: min(count, used[2].get(area, 0)) for area, count in held[2].items()}
        return min(held[0], used[0]), min(held[1], used[1]), {AreaId(area): count for area, count in areas.items()}

    async def summary(
        self, tenant_id: TenantId, *, new_only: bool, meter_ids: Sequence[MeterId], now: int
    ) -> FactsSummary:
        """Where the registry differs from the copies; of ``new_only`` the meters without one, of ``meter_ids`` these alone."""
        async with self._turn(tenant_id):
            found = await self._compare(tenant_id, new_only=new_only, meter_ids=meter_ids)
        return FactsSummary(
            found.hash,
            found.count,
            needs_two(found.changes, self._ledger.added_alone(tenant_id, now - DAY_S)),
            dict(Counter(change.fact for change in found.changes)),
            sorted(found.changes, key=lambda change: (change.fact == NEW, change.tightens, change.meter_id))[
                :MOST_SHOWN
            ],
        )

    async def sign(
        self, tenant_id: TenantId, list_hash: str, reason: str, first: Person, second: Person | None, still: Callable[[], None],
        now: int, *, new_only: bool, meter_ids: Sequence[MeterId],
    ) -> int:  # fmt: skip
        """Take over a list, if it is the one of this hash; how many copies changed. ``still`` raises if a person may do so no more.
        Raises ``SignerRefusedError``: ``list_changed``, ``facts_need_two``, ``facts_busy``."""
        async with self._turn(tenant_id):  # so that no other act lies between what was compared and what is written
            found = await self._compare(tenant_id, new_only=new_only, meter_ids=meter_ids)
            still()
            if found.hash != list_hash:
                raise SignerRefusedError("list_changed")
            if second is None and needs_two(found.changes, self._ledger.added_alone(tenant_id, now - DAY_S)):
                raise SignerRefusedError("facts_need_two")
            if found.count == 0:
                return 0
            added = sum(change.fact == NEW for change in found.changes)
            act = FactsAct(
                tenant_id, list_hash, first.login, "" if second is None else second.login, reason, now, added
            )
            self._ledger.sign_facts(act, found.utility, found.meters)
        log.warning(
            "tenant %d: facts of %d meters signed by %s %s, list %s",
            tenant_id, len(found.meters), act.operator, act.approver, list_hash[:16],
        )  # fmt: skip
        return found.count

    @asynccontextmanager
    async def _turn(self, tenant_id: TenantId) -> AsyncIterator[None]:
        """A tenant's one at a time, for it reads a whole registry; nothing of the ledger is locked meanwhile."""
        if self._looking[tenant_id] >= MOST_LOOKING:
            raise SignerRefusedError("facts_busy", 5)
        self._looking[tenant_id] += 1
        try:
            async with self._comparing[tenant_id]:
                yield
        finally:
            self._looking[tenant_id] -= 1

    async def _compare(self, tenant_id: TenantId, *, new_only: bool, meter_ids: Sequence[MeterId]) -> FactsChoice:
        """What is to be signed."""
        if len(meter_ids) > MOST_CHOSEN:
            raise SignerRefusedError("too_many")
        found, chosen = FactsChoice(), frozenset(meter_ids)
        held_utility, utility = self._ledger.utility(tenant_id), await self._registry.utility(tenant_id)
        changes = [] if chosen or (new_only and held_utility is not None) else utility_changes(held_utility, utility)
        if changes:
            found.utility, found.changes = utility, changes
        hashed = FactsHash(found.utility)
        after, last = MeterId(min(chosen, default=1) - 1), False
        while not last:
            page = await self._registry.all_facts(tenant_id, after, PAGE)
            last = len(page) < PAGE
            until = None if last else page[-1][0].meter_id
            here = {facts.meter_id: facts for facts, _ in page}
            removed = {facts.meter_id for facts, is_removed in page if is_removed}
            held = self._ledger.held_between(tenant_id, after, until)
            elsewhere = self._ledger.held_elsewhere(tenant_id, [meter_id for meter_id in here if meter_id not in held])
            for meter_id in sorted(here.keys() | held.keys()):
                if meter_id in removed or (chosen and meter_id not in chosen) or (new_only and meter_id in held):
                    continue
                if meter_id in elsewhere:
                    found.changes.append(foreign(here[meter_id]))
                    continue
                differing = changes_of(held.get(meter_id), here.get(meter_id))
                if differing:
                    found.meters[meter_id] = here.get(meter_id)
                    found.changes += differing
                    hashed.add(meter_id, here.get(meter_id))
            if until is not None:
                after, last = until, bool(chosen) and until >= max(chosen)
        found.hash = hashed.hex()
        return found


def _is_open(facts: UtilityFacts, now: int) -> bool:
    try:
        local = utc(now).astimezone(ZoneInfo(facts.zone))
    except (ZoneInfoNotFoundError, ValueError):
        return False  # whoever wrote it: nobody knows what time it is there
    return facts.office.open(local.weekday(), local.hour * 60 + local.minute)
