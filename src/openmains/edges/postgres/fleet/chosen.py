# SPDX-License-Identifier: Apache-2.0
"""``ChosenMeters``: the meters a question in bulk is asked of, by id, along the primary key or the index of an area or product."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from openmains.app.fleet.choice import ChosenMeter, MeterChoice
from openmains.app.fleet.map_file import MapRow
from openmains.app.fleet.model import MeterFilter
from openmains.app.fleet.wording import Wording
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.fleet.kinds import products_of
from openmains.edges.postgres.fleet.meters import NOT_IN_STORE, SILENT_DAYS, STATUS, WALKED, WALKED_TAGGED
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_FIELDS = itemgetter(*ChosenMeter.__struct_fields__)  # by name, without a dictionary for each of a million
_CLASS = {
    "none": "AND m.customer_id IS NULL",
    "ordinary": "AND NOT c.is_critical AND NOT c.is_protected",
    "protected": "AND c.is_protected AND NOT c.is_critical",
    "critical": "AND c.is_critical",
}


class Chosen:
    """Within one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def chosen(self, choice: MeterChoice, after: MeterId, limit: int, now_us: int) -> list[ChosenMeter]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "after": after, "most": limit}
        fragments = []
        if choice.area_id is not None:
            fragments.append(WALKED)
            values["area_id"] = choice.area_id
        products = await products_of(
            self._connection, self._tenant_id, MeterFilter(product_id=choice.product_id, kind=choice.kind)
        )
        if products is not None:
            fragments.append("AND m.product_id = ANY (:products::int[])")
            values["products"] = list(products)
        for name in ("medium", "place"):
            if (wanted := getattr(choice, name)) is not None:
                fragments.append(f"AND {'p' if name == 'medium' else 'm'}.{name} = :{name}")
                values[name] = wanted
        if choice.customer_class is not None:
            fragments.append(_CLASS[choice.customer_class])
        if choice.tag_id is not None:
            fragments.append(WALKED_TAGGED)
            values["tag_id"] = choice.tag_id
        if choice.numbers:
            fragments.append("AND m.number = ANY (:numbers::text[])")
            values["numbers"] = list(choice.numbers)
        if choice.status is not None:
            fragments.append(STATUS[choice.status])
        elif not choice.numbers:  # who names a meter means it
            fragments.append(NOT_IN_STORE)
        if choice.status == "silent":
            values["now_us"] = now_us
            values["modes"], values["silent_days"] = list(SILENT_DAYS), list(SILENT_DAYS.values())
        fragments.append("ORDER BY m.meter_id LIMIT :most")
        rows = await extended(_QUERIES["chosen_meters"], *fragments).fetch(self._connection, **values)
        return [ChosenMeter(*_FIELDS(row)) for row in rows]

    async def unknown_numbers(self, numbers: tuple[str, ...]) -> list[str]:
        rows = await _QUERIES["unknown_numbers"].fetch(
            self._connection, tenant_id=self._tenant_id, numbers=list(numbers)
        )
        return [row["number"] for row in rows]

    async def customer_names(self, customer_ids: list[int]) -> dict[int, tuple[str, str]]:
        rows = await _QUERIES["customer_names"].fetch(
            self._connection, tenant_id=self._tenant_id, customer_ids=customer_ids
        )
        return {row["customer_id"]: (row["code"], row["name"]) for row in rows}


class MapTable:
    """``MapRows`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId, wording: Wording) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._wording = wording

    async def map_rows(self, meter_ids: Sequence[MeterId]) -> list[MapRow]:
        rows = await _QUERIES["map_rows"].fetch(self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids))
        return [self._row(dict(row)) for row in rows]

    def _row(self, values: dict[str, Any]) -> MapRow:
        return MapRow(events=self._wording.event_names(values.pop("event_mask") or 0), **values)
