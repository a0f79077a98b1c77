# SPDX-License-Identifier: Apache-2.0
"""Meters that deduct by themselves, worked out again, by day and version."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.billing.mirror_model import MirroredDay, MirroredMeter, MirrorFinding, ReviewVerdict
from openmains.app.billing.mirror_ports import DueMeter, KnownDifference, SentPrice
from openmains.app.billing.mirroring import Explanations, GivenTopUp, KeptMirror, Mirrored, NewMirror
from openmains.app.billing.timeline import BalanceReport
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import day_text, utc, utc_of_us
from openmains.domain.tariff.exact import written
from openmains.domain.tariff.meter_deduction import StepRounding
from openmains.domain.tariff.mirror import Cause, Finding
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__, "mirror.sql")
_UNITS = ("fen", "l")  # by the kind of balance
US = 1_000_000


def _found(said: Sequence[Sequence[Sequence[str]]]) -> Explanations:
    return tuple(tuple(Finding(Cause(cause), what) for cause, what in each) for each in said)


def _written(found: Explanations) -> str:
    return msgspec.json.encode([[(one.cause.value, one.what) for one in each] for each in found]).decode()


def _day(row: Row) -> MirroredDay:
    expected, verdict, reviewed_us = row["expected"], row["verdict"], row["reviewed_us"]
    return MirroredDay(
        mirrored_id=row["mirrored_id"],
        meter_id=row["meter_id"],
        meter_number=row["meter_number"],
        account_id=row["account_id"],
        account=row["account"],
        area_id=row["area_id"],
        area=row["area"],
        day=day_text(row["day"]),
        version=row["version"],
        unit="l" if row["kind"] else "fen",
        from_at=utc(row["from_s"]),
        until_at=utc(row["until_s"]),
        from_m3=written(row["from_l"], 3),
        until_m3=written(row["until_l"], 3),
        before=row["before"],
        after=row["after"],
        credited=row["credited"],
        deducted=None if expected is None else row["before"] + row["credited"] - expected,
        expected=expected,
        difference=row["difference"],
        explanations=[[MirrorFinding(Cause(cause), what) for cause, what in each] for each in row["found"]],
        doubt=row["doubt"],
        price_version=row["price_version"],
        step_l=row["step_l"],
        rounding=StepRounding(row["rounding"]),
        superseded=row["superseded"],
        verdict=None if verdict is None else ReviewVerdict(verdict),
        reason=row["reason"] or "",
        reviewer=row["reviewer"],
        reviewed_at=None if reviewed_us is None else utc_of_us(reviewed_us),
        made_at=utc_of_us(row["made_us"]),
    )


def _meter(row: Row) -> MirroredMeter:
    until, day, kind = row["until_s"], row["last_day"], row["kind"]
    return MirroredMeter(
        meter_id=row["meter_id"],
        meter_number=row["meter_number"],
        area_id=row["area_id"],
        area=row["area"],
        until_at=None if until is None else utc(until),
        why=row["why"],
        last_day=None if day is None else day_text(day),
        balance=row["after"],
        unit=None if kind is None else "l" if kind else "fen",
    )


class MirrorTables:
    """``MirrorStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _fetch(self, query: Query, **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, **values)

    async def _execute(self, query: Query, **values: Any) -> None:
        await query.execute(self._connection, tenant_id=self._tenant_id, **values)

    async def hold(self) -> None:
        await self._execute(_QUERIES["hold_mirror"])

    async def places(self) -> dict[int, int]:
        return {row["shard"]: row["position"] for row in await self._fetch(_QUERIES["mirrored_places"])}

    async def changed(self, shard: int, place: int, meter_ids: Sequence[MeterId], *, is_over: bool) -> None:
        if meter_ids:
            await self._execute(_QUERIES["changed_meters"], meter_ids=list(meter_ids))
        if is_over:
            await self._execute(_QUERIES["set_mirrored_place"], shard=shard, position=place)

    async def begin_day(self, today: int) -> None:
        await self._execute(_QUERIES["begin_mirror_day"], today=today)

    async def due(self, after: int, limit: int, *, is_whole: bool) -> list[DueMeter]:
        rows = await self._fetch(_QUERIES["due_meters"], after=after, most=limit, is_whole=is_whole)
        return [DueMeter(MeterId(row["meter_id"]), row["driver"], row["settings"], row["reported"]) for row in rows]

    async def look_whole(self, meter_ids: Sequence[int]) -> None:
        if meter_ids:
            await self._execute(_QUERIES["look_whole"], meter_ids=list(meter_ids))

    async def prices(self, meter_ids: Sequence[MeterId]) -> list[SentPrice]:
        return [SentPrice(**row) for row in await self._fetch(_QUERIES["given_prices"], meter_ids=list(meter_ids))]

    async def top_ups(self, meter_ids: Sequence[MeterId], since_us: int) -> Mapping[int, list[GivenTopUp]]:
        found: dict[int, list[GivenTopUp]] = {}
        for row in await self._fetch(_QUERIES["given_top_ups"], meter_ids=list(meter_ids), since_us=since_us):
            params, answered = row["params"], row["answered_us"]
            found.setdefault(row["meter_id"], []).append(
                GivenTopUp(
                    row["command_id"], params["amount"], params.get("balance_kind", 0), row["sent_us"], answered,
                    row["not_after"] * US,
                )
            )  # fmt: skip
        return found

    async def kept(self, meter_ids: Sequence[MeterId], since_day: int) -> Mapping[int, Mapping[int, KeptMirror]]:
        found: dict[int, dict[int, KeptMirror]] = {}
        for row in await self._fetch(_QUERIES["kept_mirrors"], meter_ids=list(meter_ids), since_day=since_day):
            kept = KeptMirror(row["version"], _found(row["found"]), row["doubt"], row["cited"])
            found.setdefault(row["meter_id"], {})[row["day"]] = kept
        return found

    async def before(self, meter_ids: Sequence[MeterId], since_day: int) -> Mapping[int, BalanceReport]:
        rows = await self._fetch(_QUERIES["mirrored_before"], meter_ids=list(meter_ids), since_day=since_day)
        return {
            row["meter_id"]: BalanceReport(row["until_s"], row["until_us"], row["until_l"], row["after"], row["kind"])
            for row in rows
        }

    async def add(self, versions: Sequence[tuple[int, NewMirror]], now_us: int) -> None:
        if not versions:
            return
        days = [version for _, version in versions]
        await self._execute(
            _QUERIES["add_mirrors"],
            now_us=now_us,
            meter_ids=[meter_id for meter_id, _ in versions],
            days=[one.day for one in days],
            versions=[one.version for one in days],
            kinds=[one.kind for one in days],
            from_s=[one.before.at for one in days],
            from_us=[one.before.received_us for one in days],
            from_l=[one.before.register_l for one in days],
            before=[one.before.balance for one in days],
            until_s=[one.after.at for one in days],
            until_us=[one.after.received_us for one in days],
            until_l=[one.after.register_l for one in days],
            after=[one.after.balance for one in days],
            credited=[one.credited for one in days],
            expected=[one.expected for one in days],
            difference=[one.difference for one in days],
            causes=[msgspec.json.encode(one.causes).decode() for one in days],
            found=[_written(one.found) for one in days],
            doubts=[one.doubt for one in days],
            price_versions=[one.price_version for one in days],
            steps=[one.step_l for one in days],
            roundings=[one.rounding.value for one in days],
            cited=[msgspec.json.encode(one.cited).decode() for one in days],
        )

    async def looked_at(self, found: Sequence[Mirrored]) -> None:
        await self._execute(
            _QUERIES["mirror_looked_at"],
            meter_ids=[one.meter_id for one in found],
            whys=[one.why for one in found],
            until_s=[one.until_s for one in found],
        )

    async def differences(
        self,
        limit: int,
        after: int | None,
        *,
        cause: Cause | None = None,
        area_id: int | None = None,
        least: int | None = None,
        until_day: int | None = None,
        is_open: bool | None = None,
        meter_id: int | None = None,
        account_id: int | None = None,
    ) -> list[MirroredDay]:
        rows = await self._fetch(
            _QUERIES["balance_differences"], after=after, cause=None if cause is None else cause.value, area_id=area_id,
            least=least, until_day=until_day, is_open=is_open, meter_id=meter_id, account_id=account_id, most=limit,
        )  # fmt: skip
        return [_day(row) for row in rows]

    async def days(self, meter_id: int, limit: int, after: tuple[int, int] | None) -> list[MirroredDay]:
        day, version = after or (None, None)
        rows = await self._fetch(
            _QUERIES["mirrored_days"], meter_id=meter_id, after_day=day, after_version=version, most=limit
        )
        return [_day(row) for row in rows]

    async def meters(self, limit: int, after: int | None, *, in_doubt: bool = False) -> list[MirroredMeter]:
        rows = await self._fetch(_QUERIES["mirrored_meters"], after=after or 0, in_doubt=in_doubt, most=limit)
        return [_meter(row) for row in rows]

    async def found(self, mirrored_id: int) -> KnownDifference | None:
        row = await _QUERIES["found_mirror"].fetchrow(
            self._connection, tenant_id=self._tenant_id, mirrored_id=mirrored_id
        )
        return None if row is None else KnownDifference(**row)

    async def review(
        self, mirrored_id: int, meter_id: MeterId, verdict: ReviewVerdict, reason: str, user_id: UserId, now_us: int
    ) -> bool:
        made = await _QUERIES["add_review"].fetchval(
            self._connection, tenant_id=self._tenant_id, mirrored_id=mirrored_id, meter_id=meter_id, verdict=verdict.value, reason=reason,
            made_by=user_id, now_us=now_us,
        )  # fmt: skip
        return made is not None


class PostgresMirrorWork:
    """``MirrorWork``, over a pool of role openmains_pipeline."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def mirroring(self) -> list[tuple[TenantId, str]]:
        rows = await _QUERIES["mirroring"].fetch(self._pool)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]
