# SPDX-License-Identifier: Apache-2.0
"""Collection reports as they stood when they were due."""

from collections.abc import Sequence

from openmains.app.readings.report.collection import Counts, Frozen, Piece
from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.domain.period import date_to_day, day_to_date
from openmains.domain.readings.expected import Mode, Status
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class KeptReports:
    """``DueStore``. Works for all tenants: use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def kept(self, tenant_id: TenantId, first_day: int) -> list[Piece]:
        rows = await _QUERIES["due_pieces"].fetch(self._pool, tenant_id=tenant_id, first=day_to_date(first_day))
        return [Piece(date_to_day(row["day"]), Mode(row["mode"])) for row in rows]

    async def keep(self, tenant_id: TenantId, piece: Piece, due_s: int, now_s: int, counts: Sequence[Counts]) -> bool:
        of_piece = {"tenant_id": tenant_id, "day": day_to_date(piece.day), "mode": piece.mode}
        async with self._pool.acquire() as connection, connection.transaction():
            if not await _QUERIES["keep_due"].fetchval(connection, due_s=due_s, now_s=now_s, **of_piece):
                return False
            await _QUERIES["keep_due_counts"].execute(
                connection,
                areas=[row.area_id for row in counts],
                products=[row.product_id for row in counts],
                statuses=[row.status for row in counts],
                meters=[row.meters for row in counts],
                **of_piece,
            )
        return True

    async def frozen_totals(self, tenant_id: TenantId, first_day: int, last_day: int) -> dict[int, Frozen]:
        asked = {"tenant_id": tenant_id, "first": day_to_date(first_day), "last": day_to_date(last_day)}
        found = {
            date_to_day(row["day"]): (row["frozen_s"], list[Counts]())
            for row in await _QUERIES["due_kept_days"].fetch(self._pool, **asked)
        }
        for row in await _QUERIES["due_totals"].fetch(self._pool, **asked):
            if (
                kept := found.get(date_to_day(row["day"]))
            ) is not None:  # one that was kept between the two questions is told next time
                kept[1].append(Counts(AreaId(0), ProductId(0), Status(row["status"]), row["meters"]))
        return {day: Frozen(frozen_s, counts) for day, (frozen_s, counts) in found.items()}

    async def frozen(self, tenant_id: TenantId, day: int) -> Frozen | None:
        of_day = {"tenant_id": tenant_id, "day": day_to_date(day)}
        kept = await _QUERIES["due_kept"].fetchval(self._pool, **of_day)
        if kept is None:
            return None
        return Frozen(
            kept,
            [
                Counts(
                    AreaId(row["area_id"]),
                    ProductId(row["product_id"]),
                    Status(row["status"]),
                    row["meters"],
                    Mode(row["mode"]),
                )
                for row in await _QUERIES["due_counts"].fetch(self._pool, **of_day)
            ],
        )
