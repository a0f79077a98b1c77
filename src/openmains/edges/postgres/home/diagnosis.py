# SPDX-License-Identifier: Apache-2.0
"""``EvidenceStore`` on one tenant's transaction: what the diagnosis of one meter asks of every context."""

from typing import Any

from openmains.app.home.diagnosis import StoredEvidence
from openmains.domain.command.safety_closing import SafetyReason
from openmains.domain.diagnosis.evidence import Evidence, LastCommand, Neighbours, OpenLetters, Refusal, Supply, Valve
from openmains.domain.diagnosis.tree import SUPPLY_EVENTS
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S
from openmains.drivers.points import vocabulary
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.fleet.meters import SILENT_DAYS
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__, "diagnosis.sql")
_VALVES: dict[int | None, Valve] = {0: "open", 1: "closed", 2: "fault"}


class MeterEvidence:
    """``EvidenceStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def of_meter(self, meter_id: MeterId, now_us: int) -> StoredEvidence | None:
        meters = await self._rows(_QUERIES["evidence_of_meter"], meter_id=meter_id)
        if not meters:
            return None
        row = meters[0]
        late_us = SILENT_DAYS[row["report_mode"]] * DAY_S * 1_000_000
        events = {event["event"] for event in await self._rows(_QUERIES["evidence_alarms"], meter_id=meter_id)}
        refusals = await self._rows(_QUERIES["evidence_refusal"], imei=row["imei"]) if row["imei"] is not None else []
        (letters,) = await self._rows(_QUERIES["evidence_letters"], meter_id=meter_id)
        (around,) = await self._rows(
            _QUERIES["evidence_neighbours"], meter_id=meter_id, area_id=row["area_id"], cell=row["cell"], late_before_us=now_us - late_us
        )  # fmt: skip
        supply = await self._rows(
            _QUERIES["evidence_supply"], meter_id=meter_id, area_id=row["area_id"], events=list(SUPPLY_EVENTS)
        )
        (orders,) = await self._rows(_QUERIES["evidence_orders"], meter_id=meter_id, area_id=row["area_id"])
        safety = await self._rows(_QUERIES["evidence_safety"], meter_id=meter_id)
        commands = {
            one["what"]: _command(one) for one in await self._rows(_QUERIES["evidence_commands"], meter_id=meter_id)
        }
        valve = commands.get("valve")
        debt = None
        if row["account_id"] is not None:
            (owed,) = await self._rows(
                _QUERIES["evidence_debt"], account_id=row["account_id"], today=now_us // 1_000_000 // DAY_S
            )
            debt = owed["fen"]
        evidence = Evidence(
            now_us=now_us,
            last_seen_us=row["last_seen_us"],
            late_us=late_us,
            driver=row["driver"],
            has_key=row["has_key"],
            sim_registered=row["imsi"] or row["iccid"],
            sim_seen=row["seen_imsi"] or row["seen_iccid"],
            terminal=row["terminal"],
            rsrp_ddbm=row["rsrp_ddbm"],
            sinr_ddb=row["sinr_ddb"],
            battery_mv=row["battery_mv"],
            battery_pct=row["battery_pct"],
            valve=_VALVES.get(row["valve"]),
            balance_fen=row["balance"],
            debt_fen=debt,
            events=frozenset(events | set(vocabulary().event_names(row["event_mask"] or 0))),
            refusal=None if not refusals else Refusal(**refusals[0]),
            letters=None if not letters["count"] else OpenLetters(**letters),
            neighbours=Neighbours(around["in_cell"], around["late"], around["rsrp_ddbm"]),
            supply=Supply(tuple(one["event"] for one in supply), orders["count"], around["meters"], around["closed"]),
            safety="" if not safety else SafetyReason(int(safety[0]["reason"])).name.lower(),
            closed_by=valve if valve is not None and valve.kind == "valve_close" else None,
            unanswered=commands.get("open"),
        )
        return StoredEvidence(evidence, row["account_id"])

    async def _rows(self, query: Query, **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, **values)


def _command(row: Row) -> LastCommand:
    return LastCommand(
        row["command_id"], row["kind"], row["state"], row["reason"], row["sent_us"], row["ended_us"], row["by"]
    )
