# SPDX-License-Identifier: Apache-2.0
"""Terminals, findings, unknown terminals and the presence of keys, as the API sees and changes them."""

# ruff: noqa: S608 – SQL is put together from names written in this file only; values are always parameters

from datetime import UTC, datetime

from openmains.app.security.model import (
    AccessPolicy,
    KeyStatus,
    KeySummary,
    LadderSteps,
    MeterSecurity,
    OnboardingStatus,
    TerminalFinding,
    TerminalList,
    TerminalRow,
    TerminalState,
    UnknownTerminal,
)
from openmains.domain.security.findings import STATES, State
from openmains.domain.security.ladder import MILLI, Standing, Thresholds, faded
from openmains.edges.postgres.db import Connection, Row

_SECURITY = """
SELECT m.meter_id, m.number, m.imei, m.imsi, m.iccid, t.state, t.held, t.score, t.score_at, t.reasons, t.state_at, t.state_by,
       t.note, t.seen_imsi, t.seen_iccid, t.address, t.online_since_us, t.last_handshake_us, t.handshakes,
       k.version, k.created_at, k.first_used_at, k.rotating
  FROM meter m LEFT JOIN terminal t ON t.imei = m.imei AND t.meter_id = m.meter_id
  LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
 WHERE m.tenant_id = $1 AND m.meter_id = $2
"""
_WORDS: dict[State, TerminalState] = {
    State.ALLOWED: "allowed",
    State.OBSERVE: "observe",
    State.QUARANTINE: "quarantine",
    State.BLOCKED: "blocked",
}
_PLACE = {"state": "(extract(epoch FROM t.state_at) * 1000000)::bigint", "online": "t.online_since_us"}
_UNKNOWN = (
    "o.imei, o.first_us, o.last_us, o.attempts, o.address, o.proven, o.status, o.handled_by, o.handled_at, o.meter_id"
)
_KEYS = """
SELECT count(*) FILTER (WHERE m.imei IS NOT NULL AND k.imei IS NOT NULL),
       count(*) FILTER (WHERE m.imei IS NOT NULL AND k.imei IS NULL),
       count(*) FILTER (WHERE m.imei IS NOT NULL AND k.rotating),
       count(*) FILTER (WHERE m.imei IS NULL)
  FROM (SELECT imei FROM meter WHERE tenant_id = $1 AND imei IS NOT NULL AND removed_on IS NULL) m
  FULL JOIN (SELECT imei, rotating FROM device_key WHERE tenant_id = $1) k USING (imei)
"""


class Access:
    """``AccessStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def security(self, meter_id: int, thresholds: Thresholds, now_s: int) -> MeterSecurity | None:
        row = await self._connection.fetchrow(_SECURITY, self._tenant_id, meter_id)
        if row is None:
            return None
        standing = Standing()
        if row["state"] is not None:
            standing = faded(
                Standing(STATES[row["state"]], row["score"], row["score_at"], row["held"]), now_s, thresholds
            )
        key = None
        if row["version"] is not None:
            key = KeyStatus(row["version"], row["created_at"], row["first_used_at"], row["rotating"])
        return MeterSecurity(
            meter_id=row["meter_id"],
            number=row["number"],
            imei=_imei(row["imei"]),
            state=_WORDS[standing.state],
            held=standing.held,
            score=standing.score // MILLI,
            steps=LadderSteps(thresholds.observe, thresholds.quarantine, thresholds.block),
            reasons=row["reasons"] or {},
            state_at=row["state_at"],
            state_by=row["state_by"],
            note=row["note"] or "",
            imsi=row["imsi"],
            iccid=row["iccid"],
            seen_imsi=row["seen_imsi"] or "",
            seen_iccid=row["seen_iccid"] or "",
            address=row["address"] or "",
            online_since=_at(row["online_since_us"]),
            last_handshake_at=_at(row["last_handshake_us"]),
            handshakes=row["handshakes"] or 0,
            key=key,
        )

    async def findings(self, limit: int, after: int | None, meter_id: int) -> list[TerminalFinding]:
        rows = await self._connection.fetch(
            "SELECT finding_id, meter_id, kind, at_us, count, address, detail, score, state FROM terminal_finding"
            " WHERE tenant_id = $1 AND meter_id = $2 AND ($3::bigint IS NULL OR finding_id < $3)"
            " ORDER BY finding_id DESC LIMIT $4",
            self._tenant_id, meter_id, after, limit,
        )  # fmt: skip
        return [
            TerminalFinding(
                row[0], row[1], row[2], _instant(row[3]), row[4], row[5], row[6], row[7] // MILLI, row[8]
            )
            for row in rows
        ]  # fmt: skip

    async def terminals(
        self, limit: int, after: tuple[int, int] | None, chosen: TerminalList | None, thresholds: Thresholds, now_s: int
    ) -> list[TerminalRow]:
        place = _PLACE["online" if chosen == "online" else "state"]
        which = "t.online_since_us IS NOT NULL" if chosen == "online" else "t.state <> 'allowed'"
        rows = await self._connection.fetch(
            "SELECT t.meter_id, m.number, t.imei, m.area_id, t.state, t.held, t.score, t.score_at, t.reasons, t.state_at,"
            " t.note, t.address, t.online_since_us, t.last_handshake_us"
            " FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei"
            f" WHERE t.tenant_id = $1 AND {which} AND ($2::text IS NULL OR t.state = $2)"
            f" AND ($3::bigint IS NULL OR ({place}, t.meter_id) < ($3, $4::bigint))"
            f" ORDER BY {place} DESC, t.meter_id DESC LIMIT $5",
            self._tenant_id, None if chosen == "online" else chosen, *(after or (None, None)), limit,
        )  # fmt: skip
        return [_terminal(row, thresholds, now_s) for row in rows]

    async def standing(self, meter_id: int) -> tuple[int, Standing] | None:
        imei = await self._connection.fetchval(
            "SELECT imei FROM meter WHERE tenant_id = $1 AND meter_id = $2 AND removed_on IS NULL",
            self._tenant_id, meter_id,
        )  # fmt: skip
        if imei is None:
            return None
        row = await self._connection.fetchrow(
            "SELECT state, score, score_at, held FROM terminal"
            " WHERE tenant_id = $1 AND imei = $2 AND meter_id = $3 FOR UPDATE",
            self._tenant_id, imei, meter_id,
        )  # fmt: skip
        return imei, Standing() if row is None else Standing(STATES[row[0]], row[1], row[2], row[3])

    async def put(self, imei: int, meter_id: int, standing: Standing, user_id: int, note: str, *, forget: bool) -> None:
        await self._connection.execute(
            "INSERT INTO terminal AS t (imei, tenant_id, meter_id, state, held, score, score_at, state_by, note)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (imei, tenant_id) DO UPDATE"
            " SET meter_id = $3, state = $4, held = $5, score = $6, score_at = $7, state_by = $8, note = $9, state_at = now(),"
            " reasons = CASE WHEN $10 THEN '{}'::jsonb ELSE t.reasons END",
            imei, self._tenant_id, meter_id, standing.state.word, standing.held, standing.score, standing.at, user_id,
            note, forget,
        )  # fmt: skip

    async def clear_alarms(self, meter_id: int, events: list[str], now_us: int) -> None:
        await self._connection.execute(
            "UPDATE alarm SET cleared_us = $4 WHERE tenant_id = $1 AND meter_id = $2 AND event = ANY ($3::text[])"
            " AND cleared_us IS NULL",
            self._tenant_id, meter_id, events, now_us,
        )  # fmt: skip

    async def unknown(
        self, limit: int, after: tuple[int, int] | None, status: OnboardingStatus | None
    ) -> list[UnknownTerminal]:
        # One that was registered in another way (an import) waits for nobody.
        rows = await self._connection.fetch(
            f"SELECT {_UNKNOWN} FROM onboarding o WHERE o.tenant_id = $1 AND ($2::text IS NULL OR o.status = $2)"
            " AND ($3::bigint IS NULL OR (o.last_us, o.imei) < ($3, $4::bigint))"
            " AND (o.status <> 'open' OR NOT EXISTS (SELECT FROM meter m WHERE m.imei = o.imei))"
            " ORDER BY o.last_us DESC, o.imei DESC LIMIT $5",
            self._tenant_id, status, *(after or (None, None)), limit,
        )  # fmt: skip
        return [_unknown(row) for row in rows]

    async def unknown_one(self, imei: int) -> UnknownTerminal | None:
        row = await self._connection.fetchrow(
            f"SELECT {_UNKNOWN} FROM onboarding o WHERE o.tenant_id = $1 AND o.imei = $2 FOR UPDATE",
            self._tenant_id, imei,
        )  # fmt: skip
        return None if row is None else _unknown(row)

    async def handle_unknown(self, imei: int, status: OnboardingStatus, user_id: int, meter_id: int | None) -> None:
        await self._connection.execute(
            "UPDATE onboarding SET status = $3, handled_by = $4, handled_at = now(), meter_id = $5"
            " WHERE tenant_id = $1 AND imei = $2",
            self._tenant_id, imei, status, user_id, meter_id,
        )  # fmt: skip

    async def policy(self) -> AccessPolicy | None:
        found = await self._connection.fetchval(
            "SELECT on_sim_separated FROM access_policy WHERE tenant_id = $1", self._tenant_id
        )
        return None if found is None else AccessPolicy(found)

    async def set_policy(self, policy: AccessPolicy) -> None:
        await self._connection.execute(
            "INSERT INTO access_policy (tenant_id, on_sim_separated) VALUES ($1, $2)"
            " ON CONFLICT (tenant_id) DO UPDATE SET on_sim_separated = $2",
            self._tenant_id, policy.on_sim_separated,
        )  # fmt: skip

    async def key_summary(self) -> KeySummary:
        row = await self._connection.fetchrow(_KEYS, self._tenant_id)
        assert row is not None  # noqa: S101 an aggregate has one row
        return KeySummary(*row)

    async def destroy_key(self, meter_id: int) -> bool:
        status = await self._connection.execute(
            "DELETE FROM device_key WHERE tenant_id = $1"
            " AND imei = (SELECT m.imei FROM meter m WHERE m.tenant_id = $1 AND m.meter_id = $2)",
            self._tenant_id, meter_id,
        )  # fmt: skip
        return bool(status.endswith(" 1"))


def _terminal(row: Row, thresholds: Thresholds, now_s: int) -> TerminalRow:
    standing = faded(Standing(STATES[row[4]], row[6], row[7], row[5]), now_s, thresholds)
    return TerminalRow(
        row[0], row[1], _imei(row[2]) or "", row[3], _WORDS[standing.state],
        standing.held, standing.score // MILLI, row[8], row[9], row[10], row[11], _at(row[12]), _at(row[13]),
    )  # fmt: skip


def _unknown(row: Row) -> UnknownTerminal:
    return UnknownTerminal(
        _imei(row[0]) or "", _instant(row[1]), _instant(row[2]), row[3], row[4], row[5], row[6], row[7], row[8], row[9]
    )  # fmt: skip


def _imei(value: int | None) -> str | None:
    return None if value is None else f"{value:015d}"


def _instant(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)


def _at(us: int | None) -> datetime | None:
    return None if us is None else _instant(us)
