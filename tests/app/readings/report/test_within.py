# SPDX-License-Identifier: Apache-2.0
"""Whoever is bound to single devices has the volumes of these. What is kept by area and product tells of the meters beside them as well, and is
refused (ADR 0061)."""

from collections.abc import Sequence
from datetime import date

import pytest

from openmains.app.problems import Problem
from openmains.app.reach import NONE, Limits, limit_to
from openmains.app.readings.report.collection import Labels, MeterLabel, Product
from openmains.app.readings.report.ports import LabelStore
from openmains.app.readings.report.within import WithinDays, WithinNames, scope_now
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import MeterId, ProductId, TenantId


class NoNames:
    """``LabelStore`` that nobody may ask."""

    async def labels(self, tenant_id: TenantId) -> Labels:
        raise AssertionError(tenant_id)

    async def products(self, tenant_id: TenantId) -> dict[int, Product]:
        return {1: Product("p", "p", "m", "d", 1800)}

    async def branches(self, tenant_id: TenantId, places: Sequence[int]) -> frozenset[int]:
        assert not places
        return frozenset({3, 4})

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        raise AssertionError(meter_ids)

    async def manual_reads(
        self, tenant_id: TenantId, start_s: int, end_s: int, after: tuple[int, int], limit: int
    ) -> list[object]:
        raise AssertionError(after)


async def test_bound_devices_have_no_sums() -> None:
    names: LabelStore = NoNames()  # type: ignore[assignment]
    limit_to(Limits(Reach(products=(1,), meters=(5,)), 7))
    try:
        for question in (scope_now(names, TenantId(1)), WithinNames(names).labels(TenantId(1))):
            with pytest.raises(Problem, match="bound-to-devices"):
                await question
        with pytest.raises(Problem, match="bound-to-devices"):
            await WithinNames(names).manual_reads(TenantId(1), 0, 1, (0, 0), 10)
    finally:
        limit_to(NONE)


class AskedDays:
    """``DayStore`` that notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], list[int]]] = []

    async def volumes_below(
        self, tenant_id: TenantId, areas: Sequence[int], first_day: int, last_day: int, meters: Sequence[int] = ()
    ) -> list[tuple[date, ProductId, int, int]]:
        self.asked.append((list(areas), list(meters)))
        return [(date(2026, 1, first_day), ProductId(product), 10 * product, len(meters)) for product in (1, 2)]


async def test_bound_devices_have_their_own_volumes() -> None:
    days, names = AskedDays(), NoNames()
    limit_to(Limits(Reach(products=(1,), meters=(5, 6)), 7))
    try:
        within = WithinDays(days, names)  # type: ignore[arg-type]
        assert await within.volumes_below(TenantId(1), [4, 9], 1, 2) == [(date(2026, 1, 1), 1, 10, 2)]
        assert await within.volumes_below(TenantId(1), [9], 1, 2) == []  # of another branch
        assert await within.volumes_below(TenantId(1), [], 1, 2, [6, 8]) == [(date(2026, 1, 1), 1, 10, 1)]
        assert (
            await within.volumes_below(TenantId(1), [], 1, 2, [8]) == []
        )  # bound to another one: of nothing, not of everything
        assert days.asked == [([4], [5, 6]), ([3, 4], [6])]
    finally:
        limit_to(NONE)
