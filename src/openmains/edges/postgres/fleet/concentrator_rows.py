# SPDX-License-Identifier: Apache-2.0
"""``ConcentratorStore``: concentrators of one tenant for people, as role openmains_api."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openmains.app.fleet.concentrators import (
    ConcentratorDetail,
    ConcentratorFrame,
    ConcentratorMeter,
    ConcentratorRefusal,
    ConcentratorRow,
    RegisteredConcentrator,
)
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "concentrators.sql")
_KINDS = {1: "meter", 2: "concentrator", 3: "dtu", 4: "gateway"}
_WAKES = {0: "always", 1: "day", 2: "ten_days", 3: "month"}
MOST_REFUSALS = 20


class Concentrators:
    """On one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self, limit: int, after: str, *, q: str | None, is_connected: bool | None
    ) -> list[RegisteredConcentrator]:
        rows = await self._rows(limit, after, q=q, is_connected=is_connected)
        return [RegisteredConcentrator(**_shown(row)) for row in rows]

    async def get(self, concentrator_id: int) -> ConcentratorDetail | None:
        rows = await self._rows(1, "", concentrator_id=concentrator_id)
        if not rows:
            return None
        frames = await _QUERIES["concentrator_frames"].fetchval(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id
        )
        refusals = await _QUERIES["concentrator_refusals"].fetch(
            self._connection, tenant_id=self._tenant_id, number=rows[0]["number"], most=MOST_REFUSALS
        )
        return ConcentratorDetail(
            **_shown(rows[0]),
            frames=[_frame(each) for each in frames or ()],
            refusals=[
                ConcentratorRefusal(
                    row["name"],
                    row["reason"],
                    row["detail"],
                    row["address"],
                    utc_of_us(row["first_us"]),
                    utc_of_us(row["last_us"]),
                    row["attempts"],
                )
                for row in refusals
            ],
        )

    async def hold(self) -> None:
        await _QUERIES["hold_behind"].execute(self._connection, tenant_id=self._tenant_id)

    async def meters(self, concentrator_id: int, limit: int, after: int) -> list[ConcentratorMeter]:
        rows = await _QUERIES["concentrator_meters"].fetch(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id, after=after, most=limit
        )
        return [
            ConcentratorMeter(
                row["meter_id"],
                row["number"],
                row["address"],
                row["product_name"],
                row["driver"],
                False,
                _at(row["last_seen_us"] or None),
                row["commands"],
            )
            for row in rows
        ]

    async def add(self, number: str, name: str, poll_s: int) -> int | None:
        found: int | None = await _QUERIES["add_concentrator"].fetchval(
            self._connection, tenant_id=self._tenant_id, number=number, name=name, poll_s=poll_s
        )
        return found

    async def add_all(self, wanted: Sequence[tuple[str, str, int]]) -> set[str]:
        rows = await _QUERIES["add_concentrators"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            numbers=[number for number, _, _ in wanted],
            names=[name for _, name, _ in wanted],
            polls=[poll_s for _, _, poll_s in wanted],
        )
        return {row["number"] for row in rows}

    async def keys(self, numbers: Sequence[str]) -> dict[str, int]:
        rows = await _QUERIES["concentrator_keys"].fetch(
            self._connection, tenant_id=self._tenant_id, numbers=list(numbers)
        )
        return {row["number"]: row["concentrator_id"] for row in rows}

    async def change_all(self, wanted: Sequence[tuple[int, str, int]]) -> None:
        await _QUERIES["set_concentrators"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            concentrator_ids=[key for key, _, _ in wanted],
            names=[name for _, name, _ in wanted],
            polls=[poll_s for _, _, poll_s in wanted],
        )

    async def put_all(self, pairs: Sequence[tuple[int, str]]) -> tuple[int, list[str]]:
        asked = {
            "tenant_id": self._tenant_id,
            "concentrator_ids": [key for key, _ in pairs],
            "numbers": [number for _, number in pairs],
        }
        put = await _QUERIES["put_behind_each"].fetch(self._connection, **asked)
        left = await _QUERIES["not_behind"].fetch(self._connection, **asked)
        return len(put), [row["number"] for row in left]

    async def behind_each(self, concentrator_ids: Sequence[int]) -> list[list[str]]:
        rows = await _QUERIES["behind_each"].fetch(
            self._connection, tenant_id=self._tenant_id, concentrator_ids=list(set(concentrator_ids))
        )
        return [row["numbers"] for row in rows]

    async def change(self, concentrator_id: int, values: dict[str, Any]) -> None:
        await _QUERIES["set_concentrator"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            concentrator_id=concentrator_id,
            name=values.get("name"),
            poll_s=values.get("poll_s"),
        )

    async def remove(self, concentrator_id: int) -> None:
        await _QUERIES["remove_concentrator_by_id"].execute(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id
        )

    async def put(self, concentrator_id: int, numbers: Sequence[str]) -> list[str]:
        asked = {"concentrator_id": concentrator_id, "numbers": list(numbers)}
        await self.change(concentrator_id, {})
        await _QUERIES["put_behind"].execute(self._connection, tenant_id=self._tenant_id, **asked)
        behind = {row["number"] for row in await _QUERIES["numbers_behind"].fetch(self._connection, **asked)}
        return [each for each in numbers if each not in behind]

    async def take(self, concentrator_id: int, numbers: Sequence[str]) -> list[str]:
        await self.change(concentrator_id, {})
        rows = await _QUERIES["take_from_behind"].fetch(
            self._connection, concentrator_id=concentrator_id, numbers=list(numbers)
        )
        taken = {row["number"] for row in rows}
        return [each for each in numbers if each not in taken]

    async def numbers_behind(self, concentrator_id: int) -> list[str]:
        rows = await _QUERIES["all_behind_id"].fetch(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id
        )
        return [row["number"] for row in rows]

    async def rows(self, after: str, limit: int) -> list[ConcentratorRow]:
        rows = await _QUERIES["concentrator_file"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, most=limit
        )
        return [ConcentratorRow(**dict(row)) for row in rows]

    async def _rows(
        self,
        limit: int,
        after: str,
        *,
        q: str | None = None,
        is_connected: bool | None = None,
        concentrator_id: int | None = None,
    ) -> list[Row]:
        return await _QUERIES["concentrator_rows"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            q=q,
            is_connected=is_connected,
            concentrator_id=concentrator_id,
            after=after,
            most=limit,
        )


def _shown(row: Row) -> dict[str, Any]:
    found = dict(row)
    found["kind"] = _KINDS.get(found["kind"], "")
    found["wakes"] = "" if found["wakes"] is None else _WAKES.get(found["wakes"], "")
    found["host"] = found["host"] or ""
    for name in ("connected", "heard", "ended"):
        found[f"{name}_at"] = _at(found.pop(f"{name}_us"))
    return found


def _frame(line: dict[str, Any]) -> ConcentratorFrame:
    return ConcentratorFrame(
        utc_of_us(line["at_us"]),
        "down" if line["down"] else "up",
        f"{line['function']:04x}",
        line["content"],
        line["verdict"],
    )


def _at(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)
