# SPDX-License-Identifier: Apache-2.0
"""Terminals of a batch: ``load`` what ``app/security/score.py`` judges by, ``write`` what it decided, in the caller's
transaction.

The rows are locked while they are judged: an operator's release may come at the same moment and must not be lost. Order of
IMEI, so that two shards cannot wait for each other.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from openmains.app.security.report import AccessEntry
from openmains.app.security.score import AccessOutcome, Registered, Terminal
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import STATES
from openmains.domain.security.ladder import Standing
from openmains.domain.security.turns import Turns
from openmains.edges.postgres.db import Connection, Row

_REGISTERED = """
SELECT m.meter_id, m.tenant_id, m.imei, m.imsi, m.iccid,
       coalesce(p.settings->>'on_sim_separated', a.on_sim_separated) AS on_separation
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


async def load(
    connection: Connection, entries: Sequence[AccessEntry]
) -> tuple[dict[int, Registered], dict[int, Terminal]]:
    """What the registry says, by meter, and the terminals as stored, by IMEI; these locked until the transaction ends."""
    meters = await connection.fetch(_REGISTERED, sorted({entry.meter_id for entry in entries}))
    registered = {row["meter_id"]: _registered(row) for row in meters}
    pairs = {(meter.imei, meter.tenant_id) for meter in registered.values()}
    rows = await connection.fetch(_TERMINALS, [imei for imei, _ in pairs], [tenant for _, tenant in pairs])
    return registered, {row["imei"]: _terminal(row) for row in rows}


async def write(connection: Connection, outcome: AccessOutcome) -> None:
    """Terminals and findings; the alarms are written with those of the meters."""
    if outcome.terminals:
        await connection.execute(_WRITE, *_terminal_columns(outcome))
    if outcome.findings:
        await connection.execute(_FINDINGS, *_finding_columns(outcome))


def _registered(row: Row) -> Registered:
    return Registered(
        row["meter_id"], row["tenant_id"], row["imei"], Sim(row["imsi"], row["iccid"]), row["on_separation"]
    )


def _terminal(row: Row) -> Terminal:
    return Terminal(
        imei=row["imei"],
        tenant_id=row["tenant_id"],
        meter_id=row["meter_id"],
        standing=Standing(STATES[row["state"]], row["score"], row["score_at"], row["held"]),
        reasons=row["reasons"],
        seen=Sim(row["seen_imsi"], row["seen_iccid"]),
        address=row["address"],
        online_since_us=row["online_since_us"],
        last_handshake_us=row["last_handshake_us"],
        handshakes=row["handshakes"],
        turns=_turns(row["turns"]),
    )


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
