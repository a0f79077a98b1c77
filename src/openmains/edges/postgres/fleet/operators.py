# SPDX-License-Identifier: Apache-2.0
"""Connections to operators' platforms: on one tenant's transaction for the API, over all tenants for an edge."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from openmains.app.link.operators.model import OperatorDevice, OperatorPlatform, PlatformKind, RefusedPushes
from openmains.app.link.operators.ports import (
    DeviceAddress,
    MissingDevice,
    NamedDevice,
    PlatformKeys,
    Spooled,
    ToSpool,
    Try,
    WorkedPlatform,
)
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.sealed import sealed_of
from openmains.edges.postgres.turn import Connect, Turn
from openmains.wire.operators.model import PushKind

_QUERIES = load(__package__, "operators.sql")
_WORK = load(__package__, "operator_work.sql")
_LOCK = 0x6F6D_6F70  # 'omop': any number that is the project's own
_PUSH_KINDS = {kind.value: kind for kind in PushKind}


def push_url(settings: Mapping[str, str], tenant_id: int, platform_id: int) -> str:
    """Where a platform is to push to: below the address that the utility gives, which ends with the API's prefix."""
    return f"{settings.get('push_base', '').rstrip('/')}/operator-pushes/{tenant_id}/{platform_id}"


def _instant(us: int | None) -> datetime | None:
    return utc_of_us(us) if us else None


def _columns(rows: Sequence[ToSpool]) -> dict[str, Any]:
    return {
        "marks": [row.mark for row in rows], "kinds": [row.kind for row in rows], "device_ids": [row.device_id for row in rows],
        "imeis": [row.imei for row in rows], "at_ms": [row.at_ms for row in rows], "payloads": [row.payload for row in rows],
        "items": [row.item for row in rows], "states": [row.state for row in rows], "faults": [row.fault for row in rows],
    }  # fmt: skip


class OperatorPlatforms:
    """``OperatorPlatformStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self, fault_since_day: int) -> list[OperatorPlatform]:
        rows = await _QUERIES["faults"].fetch(self._connection, tenant_id=self._tenant_id, since=fault_since_day)
        refused: dict[int, list[RefusedPushes]] = {}
        for row in rows:
            told = RefusedPushes(row["fault"], row["count"], utc_of_us(row["last_us"]), row["address"])
            refused.setdefault(row["platform_id"], []).append(told)
        found = await _QUERIES["platforms"].fetch(self._connection, tenant_id=self._tenant_id, platform_id=None)
        return [self._platform(row, refused.get(row["platform_id"], [])) for row in found]

    async def get(self, platform_id: int) -> OperatorPlatform | None:
        asked = {"tenant_id": self._tenant_id, "platform_id": platform_id}
        rows = await _QUERIES["platforms"].fetch(self._connection, **asked)
        return self._platform(rows[0], []) if rows else None

    def _platform(self, row: Row, refused: list[RefusedPushes]) -> OperatorPlatform:
        return OperatorPlatform(
            row["platform_id"], row["kind"], row["name"], row["settings"], list(row["secrets"]), list(row["products"]), row["creates"],
            row["is_on"], push_url(row["settings"], self._tenant_id, row["platform_id"]), row["known"], row["failed"], row["waiting"],
            _instant(row["heard_us"]), _instant(row["gap_us"]), _instant(row["checked_us"]), row["changed_by"],
            utc_of_us(row["changed_us"]), refused,
        )  # fmt: skip

    async def door(self, platform_id: int) -> PlatformKeys | None:
        asked = {"tenant_id": self._tenant_id, "platform_id": platform_id}
        row = await _QUERIES["door"].fetchrow(self._connection, **asked)
        return None if row is None else PlatformKeys(row["kind"], row["settings"], row["is_on"], sealed_of(row))

    async def add(
        self, kind: PlatformKind, name: str, settings: Mapping[str, str], *, creates: bool, is_on: bool, user_id: UserId, now_us: int
    ) -> int | None:  # fmt: skip
        found: int | None = await _QUERIES["add_platform"].fetchval(
            self._connection, tenant_id=self._tenant_id, kind=kind, name=name, settings=dict(settings), creates=creates, is_on=is_on,
            user_id=user_id, now_us=now_us,
        )  # fmt: skip
        return found

    async def change(
        self, platform_id: int, name: str, settings: Mapping[str, str], *, creates: bool, is_on: bool, user_id: UserId, now_us: int
    ) -> bool:  # fmt: skip
        of = {"tenant_id": self._tenant_id, "platform_id": platform_id, "name": name}
        if await _QUERIES["is_platform_taken"].fetchval(self._connection, **of):
            return False
        await _QUERIES["change_platform"].execute(
            self._connection,
            **of,
            settings=dict(settings),
            creates=creates,
            is_on=is_on,
            user_id=user_id,
            now_us=now_us,
        )
        return True

    async def put_secrets(self, platform_id: int, names: Sequence[str], sealed: SealedKey) -> None:
        await _QUERIES["put_platform_secrets"].execute(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, names=list(names), key_id=sealed.key_id,
            nonce=sealed.nonce, sealed=sealed.sealed,
        )  # fmt: skip

    async def put_products(self, platform_id: int, product_ids: Sequence[int]) -> list[int]:
        of = {"tenant_id": self._tenant_id, "platform_id": platform_id}
        await _QUERIES["clear_platform_products"].execute(self._connection, **of)
        wanted = list(dict.fromkeys(product_ids))
        rows = await _QUERIES["put_platform_products"].fetch(self._connection, **of, product_ids=wanted)
        put = {row["product_id"] for row in rows}
        return [each for each in wanted if each not in put]

    async def remove(self, platform_id: int) -> None:
        await _QUERIES["remove_platform"].execute(self._connection, tenant_id=self._tenant_id, platform_id=platform_id)

    async def ask_again(self, platform_id: int, since_us: int) -> None:
        await _QUERIES["ask_again"].execute(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, since_us=since_us
        )

    async def devices(self, platform_id: int, limit: int, after: int, *, failed: bool) -> list[OperatorDevice]:
        rows = await _QUERIES["platform_devices"].fetch(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, after=after, failed=failed, most=limit
        )
        return [
            OperatorDevice(
                row["meter_id"], row["number"], imei_text(row["imei"]), row["device_id"], row["fault"], row["is_online"],
                _instant(row["online_us"]),
            )
            for row in rows
        ]  # fmt: skip

    async def note_fault(self, platform_id: int, day: int, fault: str, address: str, now_us: int) -> int:
        found: int = await _QUERIES["note_operator_fault"].fetchval(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, day=day, fault=fault, address=address, now_us=now_us
        )  # fmt: skip
        return found

    async def spool(self, platform_id: int, rows: Sequence[ToSpool], now_us: int) -> int:
        status = await _QUERIES["spool"].execute(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, now_us=now_us, **_columns(rows)
        )
        return rows_of(status)

    async def note_heard(self, platform_id: int, now_us: int, silence_us: int) -> None:
        await _QUERIES["note_heard"].execute(
            self._connection, tenant_id=self._tenant_id, platform_id=platform_id, now_us=now_us, silence_us=silence_us
        )


class PostgresOperatorWork:
    """``OperatorWork``. Role openmains_pipeline; ``connect``: a connection outside the pool, which holds the turn."""

    def __init__(self, pool: Pool, connect: Connect) -> None:
        self._pool = pool
        self._turn = Turn(connect, _LOCK)

    async def hold(self) -> bool:
        return await self._turn.hold()

    async def close(self) -> None:
        """Give the turn back."""
        await self._turn.close()

    async def platforms(self) -> list[WorkedPlatform]:
        rows = await _WORK["platforms_on"].fetch(self._pool)
        return [
            WorkedPlatform(
                row["platform_id"], TenantId(row["tenant_id"]), row["kind"], row["name"], row["settings"], sealed_of(row), row["creates"],
                row["heard_us"], row["gap_us"], MeterId(row["gap_meter"]), row["changed_us"],
            )
            for row in rows
        ]  # fmt: skip

    async def note_alive(self, now_us: int, silence_us: int) -> None:
        await _WORK["note_alive"].execute(self._pool, now_us=now_us, silence_us=silence_us)

    async def waiting(self, under_way: Sequence[int], most: int) -> list[Spooled]:
        rows = await _WORK["waiting_pushes"].fetch(self._pool, under_way=list(under_way), most=most)
        return [
            Spooled(
                row["push_id"], TenantId(row["tenant_id"]), row["platform_id"], row["platform_kind"], row["received_us"],
                _PUSH_KINDS.get(row["kind"]), row["device_id"], row["imei"] or 0, row["at_ms"], row["payload"], row["item"], row["state"],
                row["fault"], row["meter_id"], row["product_id"], row["meter_imei"] or 0,
            )
            for row in rows
        ]  # fmt: skip

    async def done(self, push_ids: Sequence[int], now_us: int) -> None:
        await _WORK["pushes_done"].execute(self._pool, push_ids=list(push_ids), now_us=now_us)

    async def spool(self, tenant_id: TenantId, platform_id: int, rows: Sequence[ToSpool], now_us: int) -> int:
        status = await _QUERIES["spool"].execute(
            self._pool, tenant_id=tenant_id, platform_id=platform_id, now_us=now_us, **_columns(rows)
        )
        return rows_of(status)

    async def forget(self, before_us: int, tries_before_us: int, most: int) -> None:
        await _WORK["forget_pushes"].execute(self._pool, before_us=before_us, most=most)
        await _WORK["forget_tries"].execute(self._pool, before_us=tries_before_us)

    async def learn(self, devices: Sequence[NamedDevice]) -> None:
        if devices:
            await _WORK["learn_devices"].execute(
                self._pool, meter_ids=[one.meter_id for one in devices], tenant_ids=[one.tenant_id for one in devices],
                platform_ids=[one.platform_id for one in devices], imeis=[one.imei for one in devices],
                device_ids=[one.device_id for one in devices],
            )  # fmt: skip

    async def note_online(self, meters: Sequence[tuple[MeterId, bool, int]]) -> None:
        if meters:
            await _WORK["note_online"].execute(
                self._pool, meter_ids=[key for key, _, _ in meters], online=[is_on for _, is_on, _ in meters],
                at_us=[at_us for _, _, at_us in meters],
            )  # fmt: skip

    async def missing(self, platform_ids: Sequence[int], after: MeterId, now_us: int, most: int) -> list[MissingDevice]:
        asked = {"platform_ids": list(platform_ids), "after": after, "now_us": now_us, "most": most}
        rows = await _WORK["missing_devices"].fetch(self._pool, **asked)
        return [
            MissingDevice(
                MeterId(row["meter_id"]), TenantId(row["tenant_id"]), row["number"], row["imei"], row["platform_id"]
            )
            for row in rows
        ]

    async def walked_to(self, after: MeterId) -> MeterId:
        found: int | None = await _WORK["walked_to"].fetchval(self._pool, after=after)
        return MeterId(found or 0)

    async def device_failed(self, device: MissingDevice, fault: str, due_us: int) -> None:
        await _WORK["device_failed"].execute(
            self._pool, meter_id=device.meter_id, tenant_id=device.tenant_id, platform_id=device.platform_id, imei=device.imei, fault=fault,
            due_us=due_us,
        )  # fmt: skip

    async def addresses(self, meter_ids: Sequence[MeterId]) -> list[DeviceAddress]:
        rows = await _WORK["device_addresses"].fetch(self._pool, meter_ids=list(meter_ids))
        return [
            DeviceAddress(MeterId(row["meter_id"]), row["platform_id"], row["device_id"], row["imei"]) for row in rows
        ]

    async def begin(
        self,
        tenant_id: TenantId,
        command_id: CommandId,
        product_id: ProductId,
        way: DeviceAddress,
        now_us: int,
        due_us: int,
    ) -> int | None:
        found: int | None = await _WORK["begin_try"].fetchval(
            self._pool, tenant_id=tenant_id, platform_id=way.platform_id, command_id=command_id, meter_id=way.meter_id,
            product_id=product_id, device_id=way.device_id, imei=way.imei, now_us=now_us, due_us=due_us,
        )  # fmt: skip
        return found

    async def taken(self, try_id: int, item: str, now_us: int) -> None:
        await _WORK["try_taken"].execute(self._pool, try_id=try_id, item=item, now_us=now_us)

    async def moved(self, try_id: int, state: str, now_us: int, due_us: int | None) -> None:
        await _WORK["try_moved"].execute(self._pool, try_id=try_id, state=state, now_us=now_us, due_us=due_us)

    async def asked(self, try_id: int, due_us: int) -> None:
        await _WORK["try_asked"].execute(self._pool, try_id=try_id, due_us=due_us)

    async def tries_of(self, items: Sequence[tuple[int, str]]) -> list[Try]:
        rows = await _WORK["tries_of_items"].fetch(
            self._pool, platform_ids=[key for key, _ in items], items=[item for _, item in items]
        )
        return [Try(**dict(row)) for row in rows]

    async def tries_due(self, platform_ids: Sequence[int], now_us: int, most: int) -> list[Try]:
        asked = {"platform_ids": list(platform_ids), "now_us": now_us, "most": most}
        rows = await _WORK["tries_due"].fetch(self._pool, **asked)
        return [Try(**dict(row)) for row in rows]

    async def gap_devices(self, platform_id: int, after: MeterId, most: int) -> list[DeviceAddress]:
        rows = await _WORK["gap_devices"].fetch(self._pool, platform_id=platform_id, after=after, most=most)
        return [DeviceAddress(MeterId(row["meter_id"]), platform_id, row["device_id"], row["imei"]) for row in rows]

    async def gap_asked(self, platform: WorkedPlatform, meter_id: MeterId) -> None:
        await _WORK["gap_asked"].execute(
            self._pool, platform_id=platform.platform_id, gap_us=platform.gap_us, meter_id=meter_id
        )

    async def gap_filled(self, platform: WorkedPlatform, now_us: int) -> None:
        await _WORK["gap_filled"].execute(
            self._pool, platform_id=platform.platform_id, gap_us=platform.gap_us, now_us=now_us
        )
