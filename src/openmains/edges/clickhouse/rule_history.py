# SPDX-License-Identifier: Apache-2.0
"""``RuleHistory`` on ClickHouse: tables ``signal``, ``series`` and ``frame``."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from openmains.app.rule.ports import PastValues
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.readings.quality import Slot
from openmains.domain.rule.judge import ReportedValues
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES
from openmains.edges.clickhouse.readings import NOT_SENT

_LOGGED = ("rsrp_ddbm", "sinr_ddb", "ecl", "battery_mv", "battery_pct")
_BALANCES = {0: "balance", 1: "balance_volume"}
_KEPT = {name: kept.number for name, kept in vocabulary().quantities.items() if not kept.logged}
_NAMES = {number: name for name, number in _KEPT.items()}
PERSONS = ("edit", "number", "manual", "insert", "moved", "access", "link")
"""Channels of what is no word of a meter."""
PART = 500  # meters a question


class ClickHouseRuleHistory:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def is_stored(self, point: str) -> bool:
        return point in _KEPT or point in _LOGGED or point in _BALANCES.values()

    async def values(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], points: Sequence[str], since_s: int
    ) -> list[PastValues]:
        asked = set(points)
        numbers = [_KEPT[name] for name in points if name in _KEPT]
        found: dict[tuple[int, int], dict[str, ReportedValues]] = defaultdict(dict)
        for part in _parts(meter_ids):
            if asked - set(_KEPT):
                rows = await self._clickhouse.query(
                    *QUERIES["past_signals"](tenant=tenant_id, meters=part, since=since_s * 1_000_000)
                )
                for meter, received_us, *said in rows:
                    told = found[meter, received_us // 1_000_000]
                    for name, value in _logged(said):
                        if name in asked:
                            told[name] = ReportedValues((value,))
            if numbers:
                rows = await self._clickhouse.query(
                    *QUERIES["past_series"](tenant=tenant_id, meters=part, points=numbers, since=since_s)
                )
                for meter, point, _, interval_s, values, quality, received_us in rows:
                    # runs of one message are cut at midnight: they follow each other, and were said at once
                    told, name = found[meter, received_us // 1_000_000], _NAMES[point]
                    before = told.get(name)
                    listed = tuple(_said(values, quality))
                    told[name] = ReportedValues(listed if before is None else (*before.values, *listed), interval_s)
        return [PastValues(MeterId(meter), at, told) for (meter, at), told in sorted(found.items()) if told]

    async def heard(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_s: int) -> dict[MeterId, list[int]]:
        found: dict[MeterId, list[int]] = {}
        for part in _parts(meter_ids):
            rows = await self._clickhouse.query(
                *QUERIES["past_frames"](tenant=tenant_id, meters=part, since=since_s * 1_000_000, persons=list(PERSONS))
            )
            found |= {MeterId(meter): sorted(instants) for meter, instants in rows}
        return found


def _parts(meter_ids: Sequence[MeterId]) -> Iterable[list[MeterId]]:
    return (list(meter_ids[first : first + PART]) for first in range(0, len(meter_ids), PART))


def _logged(said: Sequence[int]) -> Iterable[tuple[str, int]]:
    *plain, balance, kind = said
    yield from ((name, value) for name, value in zip(_LOGGED, plain, strict=True) if value != NOT_SENT)
    if balance != NOT_SENT and kind in _BALANCES:
        yield _BALANCES[kind], balance


def _said(values: Sequence[int], quality: Sequence[int]) -> Iterable[int | None]:
    for place, value in enumerate(values):
        yield None if quality and quality[place] & Slot.MISSING else value
