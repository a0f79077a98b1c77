# SPDX-License-Identifier: Apache-2.0
"""How much of each quota is used, from the signer's own ledger: asked once and carried on within one call."""

from collections.abc import Mapping

from openmains.app.command.signer.ports import Entry, Ledger
from openmains.domain.command.amounts import utility_day
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.quota import Quota, Scope
from openmains.domain.command.safety import exceeded
from openmains.domain.ids import TenantId
from openmains.domain.period import DAY_S


class QuotaCounts:
    """``sizes``: meters in use of the platform, of the tenant, by area of the tenant. ``now``: s."""

    def __init__(
        self, ledger: Ledger, tenant_id: TenantId, sizes: tuple[int, int, Mapping[int, int]], now: int
    ) -> None:
        self._ledger = ledger
        self._tenant_id = tenant_id
        self._sizes = sizes
        self._now = now
        _, self._given = ledger.amounts(now - DAY_S, tenant_id, "")
        self._used: dict[tuple[Kind, Quota, str], dict[int, int]] = {}

    def one_more(self, entry: Entry, *, seconded: bool) -> str | None:
        """Count it as what it is called and as what it does, or say which quota is full: ``quota_utility``, ``quota_amount`` …"""
        platform, tenant, by_area = self._sizes
        meters = {Scope.UTILITY: tenant, Scope.AREA: by_area.get(entry.area_id, 0), Scope.PLATFORM: platform}
        kinds = [entry.kind] if entry.effect is None else [entry.kind, entry.effect]
        for kind in kinds:
            used = {
                quota: self._counted(kind, entry, quota).get(_place(entry, quota), 0) for quota in RULES[kind].quotas
            }
            over = exceeded(kind, used, meters, seconded=seconded)
            if over is not None:
                return f"quota_{over}"
        if entry.amount and self._given + entry.amount > utility_day(tenant):
            return "quota_amount"
        self._given += entry.amount
        for kind in kinds:
            for quota in RULES[kind].quotas:
                counted = self._counted(kind, entry, quota)
                counted[_place(entry, quota)] = counted.get(_place(entry, quota), 0) + 1
        return None

    def _counted(self, kind: Kind, entry: Entry, quota: Quota) -> dict[int, int]:
        """Authorised within the window, by place; of a scope without places under 0."""
        operator = entry.operator if quota.scope is Scope.OPERATOR else ""
        key = (kind, quota, operator)
        if key not in self._used:
            since = self._now - quota.window_s
            self._used[key] = self._ledger.counts(kind, quota.scope, since, self._tenant_id, operator)
        return self._used[key]


def _place(entry: Entry, quota: Quota) -> int:
    return entry.area_id if quota.scope is Scope.AREA else 0
