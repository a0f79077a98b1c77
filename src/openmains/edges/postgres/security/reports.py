# SPDX-License-Identifier: Apache-2.0
"""The pipeline's writing of terminals: read those of a batch, let ``app.security.score`` decide, write them, one transaction.

The rows are locked while they are judged: an operator's release may come at the same moment and must not be lost. Order of
IMEI, so that two shards cannot wait for each other.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from openmains.app.ingest.model import AlarmChange
from openmains.app.security.report import AccessEntry
from openmains.app.security.score import SEPARATION, AccessJudge, AccessOutcome, Registered, Terminal
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import STATES
from openmains.domain.security.ladder import Standing, Thresholds
from openmains.domain.security.turns import Turns
from openmains.drivers.points import vocabulary
from openmains.edges.postgres.db import Connection, Row

_REGISTERED = """
SELECT m.meter_id, m.tenant_id, m.imei, m.imsi, m.iccid,
       coalesce(p.settings->>'on_sim_separated', a.on_sim_separated)
  FROM meter m JOIN product p USING (product_id) LEFT JOIN access_policy a ON a.tenant_id = m.tenant_id
 WHERE m.meter_id = ANY ($1::bigint[]) AND m.imei IS NOT NULL AND m.removed_on IS NULL
"""
_TERMINALS = """
SELECT imei, tenant_id, meter_id, state, score, score_at, held, reasons, seen_imsi, seen_iccid, address, online_since_us,
       last_handshake_us, handshakes, turns
  FROM terminal t WHERE (imei, tenant_id) IN (SELECT * FROM unnest($1::bigint[], $2::int[])) ORDER BY imei FOR UPDATE
"""
_WRITE = """
INSERT INTO terminal AS t (imei, tenant_id, meter_id, state, score, score_at, held, reasons, seen_imsi, seen_iccid, address,
                           online_since_us, last_handshake_us, handshakes, turns)
SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::int[], $6::bigint[], $7::boolean[], $8::jsonb[],
                     $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[],
                     $15::jsonb[])
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET state_at = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.state_at ELSE now() END,
       state_by = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.state_by END,
       note = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.note ELSE '' END,
       meter_id = excluded.meter_id, state = excluded.state, score = excluded.score,
       score_at = excluded.score_at, held = excluded.held, reasons = excluded.reasons, seen_imsi = excluded.seen_imsi,
       seen_iccid = excluded.seen_iccid, address = excluded.address, online_since_us = excluded.online_since_us,
       last_handshake_us = excluded.last_handshake_us, handshakes = excluded.handshakes, turns = excluded.turns
"""
_FINDINGS = """
INSERT INTO terminal_finding (tenant_id, meter_id, imei, kind, at_us, count, address, detail, score, state)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::int[], $7::text[], $8::text[],
                     $9::int[], $10::text[])
"""


def default_judge(thresholds: Thresholds | None = None, on_separation: str = "alarm") -> AccessJudge:
    """With the severities of ``drivers/points.toml``."""
    severities = {event.name: event.severity for event in vocabulary().events.values()}
    return AccessJudge(thresholds or Thresholds(), severities, on_separation)


async def commit_reports(
    connection: Connection, judge: AccessJudge, entries: Sequence[AccessEntry]
) -> list[AlarmChange]:
    """Judge and write within the caller's transaction; returns the alarms that change."""
    meters = await connection.fetch(_REGISTERED, sorted({entry.meter_id for entry in entries}))
    registered = {row[0]: _registered(row, judge.on_separation) for row in meters}
    pairs = {(meter.imei, meter.tenant_id) for meter in registered.values()}
    rows = await connection.fetch(_TERMINALS, [imei for imei, _ in pairs], [tenant for _, tenant in pairs])
    outcome = judge.run(entries, registered, {row[0]: _terminal(row) for row in rows})
    if outcome.terminals:
        await connection.execute(_WRITE, *_terminal_columns(outcome))
    if outcome.findings:
        await connection.execute(_FINDINGS, *_finding_columns(outcome))
    return outcome.alarms


def _registered(row: Row, otherwise: str) -> Registered:
    wanted = row[5] if row[5] in SEPARATION else otherwise
    return Registered(row[0], row[1], row[2], Sim(row[3], row[4]), wanted)


def _terminal(row: Row) -> Terminal:
    standing = Standing(STATES[row[3]], row[4], row[5], row[6])
    return Terminal(
        row[0], row[1], row[2], standing, row[7], Sim(row[8], row[9]), row[10], row[11], row[12], row[13],
        _turns(row[14]),
    )  # fmt: skip


def _turns(stored: dict[str, Any]) -> Turns:
    return Turns(**{**stored, "hosts": tuple(stored["hosts"])}) if stored else Turns()


def _terminal_columns(outcome: AccessOutcome) -> list[list[object]]:
    rows = [outcome.terminals[imei] for imei in sorted(outcome.terminals)]
    return [
        [row.imei for row in rows], [row.tenant_id for row in rows], [row.meter_id for row in rows],
        [row.standing.state.word for row in rows], [row.standing.score for row in rows],
        [row.standing.at for row in rows], [row.standing.held for row in rows], [dict(row.reasons) for row in rows],
        [_text(row.seen.imsi, 20) for row in rows], [_text(row.seen.iccid, 24) for row in rows],
        [_text(row.address, 64) for row in rows], [row.online_since_us for row in rows],
        [row.last_handshake_us for row in rows], [row.handshakes for row in rows],
        [asdict(row.turns) for row in rows],
    ]  # fmt: skip


def _finding_columns(outcome: AccessOutcome) -> list[list[object]]:
    rows = outcome.findings
    return [
        [row.tenant_id for row in rows], [row.meter_id for row in rows], [row.imei for row in rows],
        [row.kind.value for row in rows], [row.at_us for row in rows], [min(row.count, 2**31 - 1) for row in rows],
        [_text(row.address, 64) for row in rows], [_text(row.detail, 300) for row in rows],
        [row.score for row in rows], [row.state.word for row in rows],
    ]  # fmt: skip


def _text(text: str, most: int) -> str:
    """What a meter said of itself, as PostgreSQL takes it: no NUL, no half characters, not endless."""
    return text[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
