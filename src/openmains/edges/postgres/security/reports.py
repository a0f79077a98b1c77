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
from openmains.edges.postgres import queries
from openmains.edges.postgres.db import Connection, Row

_QUERIES = queries.load(__package__)


async def load(
    connection: Connection, entries: Sequence[AccessEntry]
) -> tuple[dict[int, Registered], dict[int, Terminal]]:
    """What the registry says, by meter, and the terminals as stored, by IMEI; these locked until the transaction ends."""
    meters = await _QUERIES["registered_meters"].fetch(
        connection, meter_ids=sorted({entry.meter_id for entry in entries})
    )
    registered = {row["meter_id"]: _registered(row) for row in meters}
    pairs = {(meter.imei, meter.tenant_id) for meter in registered.values()}
    rows = await _QUERIES["lock_terminals"].fetch(
        connection, imeis=[imei for imei, _ in pairs], tenant_ids=[tenant for _, tenant in pairs]
    )
    return registered, {row["imei"]: _terminal(row) for row in rows}


async def write(connection: Connection, outcome: AccessOutcome) -> None:
    """Terminals and findings; the alarms are written with those of the meters."""
    if outcome.terminals:
        await _QUERIES["write_terminals"].execute(connection, **_terminal_columns(outcome))
    if outcome.findings:
        await _QUERIES["add_findings"].execute(connection, **_finding_columns(outcome))


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


def _terminal_columns(outcome: AccessOutcome) -> dict[str, list[object]]:
    rows = [outcome.terminals[imei] for imei in sorted(outcome.terminals)]
    return {
        "imei": [row.imei for row in rows],
        "tenant_id": [row.tenant_id for row in rows],
        "meter_id": [row.meter_id for row in rows],
        "state": [row.standing.state.word for row in rows],
        "score": [row.standing.score for row in rows],
        "score_at": [row.standing.at for row in rows],
        "held": [row.standing.held for row in rows],
        "reasons": [dict(row.reasons) for row in rows],
        "seen_imsi": [_text(row.seen.imsi, 20) for row in rows],
        "seen_iccid": [_text(row.seen.iccid, 24) for row in rows],
        "address": [_text(row.address, 64) for row in rows],
        "online_since_us": [row.online_since_us for row in rows],
        "last_handshake_us": [row.last_handshake_us for row in rows],
        "handshakes": [row.handshakes for row in rows],
        "turns": [asdict(row.turns) for row in rows],
    }


def _finding_columns(outcome: AccessOutcome) -> dict[str, list[object]]:
    rows = outcome.findings
    return {
        "tenant_id": [row.tenant_id for row in rows],
        "meter_id": [row.meter_id for row in rows],
        "imei": [row.imei for row in rows],
        "kind": [row.kind.value for row in rows],
        "at_us": [row.at_us for row in rows],
        "count": [min(row.count, 2**31 - 1) for row in rows],
        "address": [_text(row.address, 64) for row in rows],
        "detail": [_text(row.detail, 300) for row in rows],
        "score": [row.score for row in rows],
        "state": [row.state.word for row in rows],
    }


def _text(text: str, most: int) -> str:
    """What a meter said of itself, as PostgreSQL takes it: no NUL, no half characters, not endless."""
    return text[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
