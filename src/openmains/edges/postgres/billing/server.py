# SPDX-License-Identifier: Apache-2.0
"""Accounts that are charged at the server, and their deductions."""

from collections.abc import Mapping, Sequence

import msgspec

from openmains.app.billing.deductions import Deducted, KeptDay
from openmains.app.billing.server_model import DeductedDay, ServerAccount
from openmains.app.billing.server_ports import BookedVersion, ChargedAccount, Standing
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.ledger.prepaid import BalanceStage
from openmains.domain.period import day_text, utc_of_us
from openmains.domain.tariff.exact import written
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "server.sql")


def _optional(day: int | None) -> str | None:
    return None if day is None else day_text(day)


def _charged(row: Row) -> ChargedAccount:
    return ChargedAccount(**{**row, "stage": BalanceStage(row["stage"]), "made_by": UserId(row["made_by"])})


def _account(row: Row) -> ServerAccount:
    volume = row["last_volume_ml"]
    return ServerAccount(
        account_id=row["account_id"],
        number=row["number"],
        since_day=day_text(row["since_day"]),
        until_day=_optional(row["until_day"]),
        warn_fen=row["warn_fen"],
        limit_fen=row["limit_fen"],
        stage=BalanceStage(row["stage"]),
        below_since=_optional(row["below_day"]),
        balance_fen=row["balance_fen"],
        deducted_fen=row["deducted_fen"],
        last_day=_optional(row["last_day"]),
        last_fen=row["last_fen"],
        last_volume_m3=None if volume is None else written(volume, 6),
        open_day=day_text(row["open_day"]),
        why=row["why"],
        changed_by=row["changed_by"],
        changed_at=utc_of_us(row["changed_us"]),
    )


def _day(row: Row) -> DeductedDay:
    return DeductedDay(
        deduction_id=row["deduction_id"],
        account_id=row["account_id"],
        day=day_text(row["day"]),
        version=row["version"],
        fen=row["fen"],
        day_fen=row["day_fen"],
        volume_m3=written(row["volume_ml"], 6),
        is_estimated=row["is_estimated"],
        superseded=row["superseded"],
        is_billed=row["is_billed"],
        entry_id=row["entry_id"],
        made_at=utc_of_us(row["made_us"]),
    )


class ServerAccounts:
    """``ServerAccountStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def hold(self) -> None:
        await _QUERIES["hold_deductions"].execute(self._connection, tenant_id=self._tenant_id)

    async def set(
        self, account_ids: Sequence[int], since_day: int, warn_fen: int, limit_fen: int, user_id: UserId, now_us: int
    ) -> None:
        await _QUERIES["set_accounts"].execute(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids), since_day=since_day, warn_fen=warn_fen,
            limit_fen=limit_fen, user_id=user_id, now_us=now_us,
        )  # fmt: skip

    async def end(self, account_ids: Sequence[int], until_day: int, user_id: UserId, now_us: int) -> list[int]:
        rows = await _QUERIES["end_accounts"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids), until_day=until_day, user_id=user_id, now_us=now_us
        )  # fmt: skip
        return [row["account_id"] for row in rows]

    async def known(self, account_ids: Sequence[int]) -> list[int]:
        rows = await _QUERIES["known_accounts"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return [row["account_id"] for row in rows]

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        account_id: int | None = None,
        stage: BalanceStage | None = None,
        in_doubt: bool = False,
    ) -> list[ServerAccount]:
        rows = await _QUERIES["server_accounts"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after or 0, account_id=account_id,
            stage=None if stage is None else stage.value, in_doubt=in_doubt, most=limit,
        )  # fmt: skip
        return [_account(row) for row in rows]

    async def days(self, account_id: int, limit: int, after: tuple[int, int] | None) -> list[DeductedDay]:
        day, version = after or (None, None)
        rows = await _QUERIES["deducted_days"].fetch(
            self._connection, tenant_id=self._tenant_id, account_id=account_id, after_day=day, after_version=version, most=limit
        )  # fmt: skip
        return [_day(row) for row in rows]

    async def places(self) -> dict[int, int]:
        rows = await _QUERIES["places"].fetch(self._connection, tenant_id=self._tenant_id)
        return {row["shard"]: row["position"] for row in rows}

    async def changed(self, shard: int, place: int, meter_ids: Sequence[MeterId], *, is_over: bool) -> None:
        if meter_ids:
            await _QUERIES["changed_accounts"].execute(
                self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids)
            )
        if is_over:
            await _QUERIES["set_place"].execute(
                self._connection, tenant_id=self._tenant_id, shard=shard, position=place
            )

    async def begin_day(self, today: int) -> None:
        await _QUERIES["begin_day"].execute(self._connection, tenant_id=self._tenant_id, today=today)

    async def due(self, after: int, limit: int) -> list[ChargedAccount]:
        rows = await _QUERIES["due_accounts"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, most=limit
        )
        return [_charged(row) for row in rows]

    async def charged(self, account_ids: Sequence[int]) -> list[int]:
        rows = await _QUERIES["charged_accounts"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return [row["account_id"] for row in rows]

    async def kept(self, account_ids: Sequence[int]) -> Mapping[int, Mapping[int, KeptDay]]:
        rows = await _QUERIES["kept_days"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        found: dict[int, dict[int, KeptDay]] = {}
        for row in rows:
            cited = tuple((meter, version) for meter, version in row["cited"])
            found.setdefault(row["account_id"], {})[row["day"]] = KeptDay(
                row["version"], row["day_fen"], row["volume_ml"], row["is_estimated"], cited
            )
        return found

    async def add(self, versions: Sequence[BookedVersion], now_us: int) -> None:
        if not versions:
            return
        await _QUERIES["add_deductions"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            account_ids=[one.account_id for one in versions],
            days=[one.of.day for one in versions],
            versions=[one.of.version for one in versions],
            fen=[one.of.fen for one in versions],
            day_fen=[one.of.day_fen for one in versions],
            volumes=[one.of.volume_ml for one in versions],
            estimated=[one.of.is_estimated for one in versions],
            cited=[msgspec.json.encode(one.of.cited).decode() for one in versions],
            entry_ids=[one.entry_id for one in versions],
        )

    async def looked_at(self, found: Sequence[Deducted]) -> None:
        await _QUERIES["looked_at"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            account_ids=[one.account_id for one in found],
            open_days=[one.open_day for one in found],
            whys=[one.why for one in found],
            tariff_ids=[one.tariff_id for one in found],
            meter_ids=[one.meter_id for one in found],
        )

    async def deducted_until(self, ends: Mapping[int, int]) -> Mapping[int, int]:
        rows = await _QUERIES["deducted_until"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(ends), end_days=list(ends.values())
        )
        return {row["account_id"]: row["fen"] for row in rows}

    async def add_releases(self, rows: Sequence[tuple[int | None, int, int, int]], now_us: int) -> None:
        if rows:
            entry_ids, account_ids, end_days, fen = (list(column) for column in zip(*rows, strict=True))
            await _QUERIES["add_releases"].execute(
                self._connection, tenant_id=self._tenant_id, now_us=now_us, entry_ids=entry_ids, account_ids=account_ids, end_days=end_days,
                fen=fen,
            )  # fmt: skip

    async def not_well(self) -> list[ChargedAccount]:
        rows = await _QUERIES["not_well"].fetch(self._connection, tenant_id=self._tenant_id)
        return [_charged(row) for row in rows]

    async def seen(self, account_ids: Sequence[int]) -> None:
        await _QUERIES["seen"].execute(self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids))

    async def stand(self, standings: Sequence[Standing]) -> None:
        if standings:
            await _QUERIES["stand"].execute(
                self._connection,
                tenant_id=self._tenant_id,
                account_ids=[one.account_id for one in standings],
                stages=[one.stage.value for one in standings],
                below_days=[one.below_day for one in standings],
            )


class PostgresServerWork:
    """``ServerWork``, over a pool of role openmains_pipeline."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def charging(self) -> list[tuple[TenantId, str]]:
        rows = await _QUERIES["charging"].fetch(self._pool)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]
