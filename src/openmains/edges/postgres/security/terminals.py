# SPDX-License-Identifier: Apache-2.0
"""Terminals, findings, unknown terminals and the presence of keys, as the API sees and changes them."""

from datetime import datetime

from openmains.app.security.model import (
    AccessPolicy,
    AccessRefusal,
    KeyStatus,
    KeySummary,
    LadderSteps,
    MeterSecurity,
    OnboardingStatus,
    RefusalFilter,
    TerminalFinding,
    TerminalList,
    TerminalRow,
    TerminalState,
    UnknownTerminal,
)
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.domain.security.findings import STATES, State
from openmains.domain.security.ladder import MILLI, Standing, Thresholds, faded
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_WORDS: dict[State, TerminalState] = {
    State.ALLOWED: "allowed",
    State.OBSERVE: "observe",
    State.QUARANTINE: "quarantine",
    State.BLOCKED: "blocked",
}


class Access:
    """``AccessStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def security(self, meter_id: MeterId, thresholds: Thresholds, now_s: int) -> MeterSecurity | None:
        row = await _QUERIES["meter_security"].fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if row is None:
            return None
        standing = Standing()
        if row["state"] is not None:
            standing = faded(_standing(row), now_s, thresholds)
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

    async def findings(self, limit: int, after: int | None, meter_id: MeterId) -> list[TerminalFinding]:
        rows = await _QUERIES["findings"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id, after=after, most=limit
        )
        return [_finding(row) for row in rows]

    async def terminals(
        self, limit: int, after: tuple[int, int] | None, chosen: TerminalList | None, thresholds: Thresholds, now_s: int
    ) -> list[TerminalRow]:
        after_us, after_meter_id = after or (None, None)
        place = {"after_us": after_us, "after_meter_id": after_meter_id, "most": limit}
        if chosen == "online":
            rows = await _QUERIES["terminals_online"].fetch(self._connection, tenant_id=self._tenant_id, **place)
        else:
            rows = await _QUERIES["terminals_by_step"].fetch(
                self._connection, tenant_id=self._tenant_id, state=chosen, **place
            )
        return [_terminal(row, thresholds, now_s) for row in rows]

    async def standing(self, meter_id: MeterId) -> tuple[int, Standing] | None:
        meter = {"tenant_id": self._tenant_id, "meter_id": meter_id}
        imei = await _QUERIES["imei_of_meter"].fetchval(self._connection, **meter)
        if imei is None:
            return None
        row = await _QUERIES["lock_standing"].fetchrow(self._connection, **meter, imei=imei)
        return imei, Standing() if row is None else _standing(row)

    async def put(
        self, imei: int, meter_id: MeterId, standing: Standing, user_id: UserId, note: str, *, forget: bool
    ) -> None:
        await _QUERIES["put_standing"].execute(
            self._connection,
            imei=imei,
            tenant_id=self._tenant_id,
            meter_id=meter_id,
            state=standing.state.word,
            held=standing.held,
            score=standing.score,
            score_at=standing.at,
            user_id=user_id,
            note=note,
            forget=forget,
        )

    async def clear_alarms(self, meter_id: MeterId, events: list[str], now_us: int) -> None:
        await _QUERIES["clear_meter_alarms"].execute(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id, events=events, now_us=now_us
        )

    async def unknown(
        self, limit: int, after: tuple[int, int] | None, status: OnboardingStatus | None
    ) -> list[UnknownTerminal]:
        after_us, after_imei = after or (None, None)
        rows = await _QUERIES["unknown_terminals"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            status=status,
            after_us=after_us,
            after_imei=after_imei,
            most=limit,
        )
        return [_unknown(row) for row in rows]

    async def unknown_one(self, imei: int) -> UnknownTerminal | None:
        row = await _QUERIES["lock_unknown_terminal"].fetchrow(self._connection, tenant_id=self._tenant_id, imei=imei)
        return None if row is None else _unknown(row)

    async def handle_unknown(
        self, imei: int, status: OnboardingStatus, user_id: UserId, meter_id: MeterId | None
    ) -> None:
        await _QUERIES["handle_unknown"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            imei=imei,
            status=status,
            user_id=user_id,
            meter_id=meter_id,
        )

    async def refusals(self, limit: int, after: tuple[int, int] | None, chosen: RefusalFilter) -> list[AccessRefusal]:
        after_us, after_id = after or (None, None)
        rows = await _QUERIES["refusals"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            name=chosen.name,
            reason=chosen.reason,
            meter_id=chosen.meter_id,
            after_us=after_us,
            after_id=after_id,
            most=limit,
        )
        return [
            AccessRefusal(
                refusal_id=row["refusal_id"],
                name=row["name"],
                imei=_imei(row["imei"]),
                meter_id=row["meter_id"],
                number=row["number"],
                stage=row["stage"],
                reason=row["reason"],
                detail=row["detail"],
                address=row["address"],
                first_at=utc_of_us(row["first_us"]),
                last_at=utc_of_us(row["last_us"]),
                attempts=row["attempts"],
            )
            for row in rows
        ]

    async def policy(self) -> AccessPolicy | None:
        found = await _QUERIES["policy"].fetchval(self._connection, tenant_id=self._tenant_id)
        return None if found is None else AccessPolicy(found)

    async def set_policy(self, policy: AccessPolicy) -> None:
        await _QUERIES["set_policy"].execute(
            self._connection, tenant_id=self._tenant_id, on_sim_separated=policy.on_sim_separated
        )

    async def key_summary(self, product_id: ProductId | None = None, area_id: AreaId | None = None) -> KeySummary:
        row = await _QUERIES["key_summary"].fetchrow(
            self._connection, tenant_id=self._tenant_id, product_id=product_id, area_id=area_id
        )
        assert row is not None  # noqa: S101 an aggregate has one row
        return KeySummary(**dict(row))

    async def destroy_key(self, meter_id: MeterId) -> bool:
        status = await _QUERIES["destroy_key_of_meter"].execute(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id
        )
        return status.endswith(" 1")


def _standing(row: Row) -> Standing:
    return Standing(STATES[row["state"]], row["score"], row["score_at"], row["held"])


def _finding(row: Row) -> TerminalFinding:
    return TerminalFinding(
        finding_id=row["finding_id"],
        meter_id=row["meter_id"],
        kind=row["kind"],
        at=utc_of_us(row["at_us"]),
        count=row["count"],
        address=row["address"],
        detail=row["detail"],
        score=row["score"] // MILLI,
        state=row["state"],
    )


def _terminal(row: Row, thresholds: Thresholds, now_s: int) -> TerminalRow:
    standing = faded(_standing(row), now_s, thresholds)
    return TerminalRow(
        meter_id=row["meter_id"],
        number=row["number"],
        imei=_imei(row["imei"]) or "",
        area_id=row["area_id"],
        state=_WORDS[standing.state],
        held=standing.held,
        score=standing.score // MILLI,
        reasons=row["reasons"],
        state_at=row["state_at"],
        note=row["note"],
        address=row["address"],
        online_since=_at(row["online_since_us"]),
        last_handshake_at=_at(row["last_handshake_us"]),
    )


def _unknown(row: Row) -> UnknownTerminal:
    return UnknownTerminal(
        imei=_imei(row["imei"]) or "",
        first_at=utc_of_us(row["first_us"]),
        last_at=utc_of_us(row["last_us"]),
        attempts=row["attempts"],
        address=row["address"],
        proven=row["proven"],
        status=row["status"],
        handled_by=row["handled_by"],
        handled_at=row["handled_at"],
        meter_id=row["meter_id"],
    )


def _imei(value: int | None) -> str | None:
    return None if value is None else imei_text(value)


def _at(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)
