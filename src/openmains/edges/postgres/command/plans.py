# SPDX-License-Identifier: Apache-2.0
"""``PlanStore`` on one tenant's transaction."""

from collections.abc import Sequence

from openmains.app.command.plan_ports import CellMeter, NetworkCapacity
from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.domain.network.coverage import LEVELS, Coverage, coverage
from openmains.domain.readings.expected import Mode
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

SQL = load(__package__, "plans.sql")


class Plans:
    """Meters with their cells, and what cells carry."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def cell_meters(self, area_id: AreaId | None, product_id: ProductId | None) -> list[CellMeter]:
        rows = await SQL["cell_meters"].fetch(
            self._connection, tenant_id=self._tenant_id, area_id=area_id, product_id=product_id
        )
        return [
            CellMeter(
                row["cell"], row["meter_id"], row["number"], row["driver"], row["imsi"], _class_of(row),
                row["report_s"], row["settings"], row["spreading"], Mode(row["report_mode"]),
            )
            for row in rows
        ]  # fmt: skip

    async def capacities(self) -> list[NetworkCapacity]:
        rows = await SQL["capacities"].fetch(self._connection, tenant_id=self._tenant_id)
        return [NetworkCapacity(**row) for row in rows]

    async def set_capacities(self, lines: Sequence[NetworkCapacity]) -> None:
        await SQL["clear_capacities"].execute(self._connection, tenant_id=self._tenant_id)
        await SQL["add_capacities"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            networks=[line.network for line in lines],
            ce0=[line.ce0_per_min for line in lines],
            ce1=[line.ce1_per_min for line in lines],
            ce2=[line.ce2_per_min for line in lines],
        )


def _class_of(row: Row) -> Coverage | None:
    """The class that the network gave the meter (ECL, R1.1), else the one that its signal would have (R12.1)."""
    ecl: int | None = row["ecl"]
    if ecl is not None and 0 <= ecl < len(LEVELS):
        level: Coverage = LEVELS[ecl][0]
        return level
    return coverage(row["rsrp_ddbm"], row["sinr_ddb"])
