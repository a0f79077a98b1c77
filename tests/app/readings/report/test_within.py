# SPDX-License-Identifier: Apache-2.0
"""Whoever is bound to single devices has no sums: what is kept by area and product tells of the meters beside them as well (ADR 0061)."""

from collections.abc import Sequence

import pytest

from openmains.app.problems import Problem
from openmains.app.reach import NONE, Limits, limit_to
from openmains.app.readings.report.collection import Labels, MeterLabel
from openmains.app.readings.report.ports import LabelStore
from openmains.app.readings.report.within import WithinNames, scope_now
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import MeterId, TenantId


class NoNames:
    """``LabelStore`` that nobody may ask."""

    async def labels(self, tenant_id: TenantId) -> Labels:
        raise AssertionError(tenant_id)

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
