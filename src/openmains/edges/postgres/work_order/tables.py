# SPDX-License-Identifier: Apache-2.0
"""``OrderStore``, ``KindStore`` and ``TechnicianStore`` on one tenant's transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.identity.model import allowed
from openmains.app.work_order.kinds import line_of
from openmains.app.work_order.model import (
    KindSettings,
    OrderActRecord,
    OrderCounts,
    OrderFilter,
    OrderPart,
    OrderPhoto,
    PartUsed,
    PhotoPurpose,
    TechnicianRecord,
    TechnicianSettings,
    WorkOrder,
    WorkOrderDetail,
)
from openmains.app.work_order.ports import (
    HeldOrder,
    KeptPicture,
    KnownOrderAct,
    LastStep,
    OrderActNote,
    OrderFacts,
    OrderPlace,
)
from openmains.domain.fleet.coordinates import PER_DEGREE
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import OrderId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.domain.work_order.assign import Technician
from openmains.domain.work_order.cost import PartUse, labour_fen, part_fen
from openmains.domain.work_order.kinds import OrderKind
from openmains.domain.work_order.life import CHANGES, OrderOutcome, OrderState
from openmains.domain.work_order.order import Kept, Order
from openmains.edges.postgres.alarm.severity import rank_column, rank_of
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_READ = extended(_QUERIES["held_orders"], "AND w.order_id = :order_id")
_LOCKED = extended(_QUERIES["held_orders"], "AND w.order_id = :order_id FOR UPDATE OF w")
_LATE = extended(
    _QUERIES["held_orders"],
    "AND w.due_us < :now_us AND w.ended_us IS NULL AND w.overdue_told_us IS NULL AND w.done_us IS NULL"
    " ORDER BY w.due_us LIMIT :most FOR UPDATE OF w SKIP LOCKED",
)
_ONE = extended(_QUERIES["orders"], "AND w.order_id = :order_id")
_PLACES = (
    ("meter_id", _QUERIES["place_of_meter"]),
    ("account_id", _QUERIES["place_of_account"]),
    ("premises_id", _QUERIES["place_of_premises"]),
    ("area_id", _QUERIES["place_of_area"]),
)
_STATUS = {
    "open": "AND w.ended_us IS NULL",
    "to_assign": "AND w.ended_us IS NULL AND w.state = 'new'",
    "to_check": "AND w.ended_us IS NULL AND w.state = 'done'",
    "ended": "AND w.ended_us IS NOT NULL",
}
_BELOW = (
    "AND w.area_id IN (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end"
    " WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id)"
)
# What the list is sorted by besides its numbers; each has an index, and those that have not ended one of their own (migration 0152).
LAST_DUE = 2**63 - 1
"""Of an order that stands: behind all that are due."""
RANKS = {
    "due": f"coalesce(w.due_us, {LAST_DUE})",
    "severity": rank_column("w.severity"),
}
_EQUAL = ("state", "kind", "source", "assignee_id", "meter_id", "account_id", "alarm_id", "group_id")


def _order(row: Row) -> WorkOrder:
    return WorkOrder(**_fields(row))


def _fields(row: Row) -> dict[str, Any]:
    times = {
        f"{name}_at": None if row[f"{name}_us"] is None else utc_of_us(row[f"{name}_us"])
        for name in ("made", "due", "started", "done", "ended")
    }
    left = row["left_s"]
    plain = {name: row[name] for name in WorkOrder.__struct_fields__ if name in row}
    more = {
        "left_min": None if left is None else left // 60,
        "cost_fen": row["parts_fen"] + labour_fen(row["labour_min"], row["fen_an_hour"]),
        "state": OrderState(row["state"]),
        "outcome": _outcome(row),
    }
    return plain | times | more


def _place_in(row: Row, name: str) -> int:
    """Of an order in the list that is sorted so."""
    if name == "severity":
        return rank_of(row["severity"])
    due: int | None = row["due_us"]
    return LAST_DUE if due is None else due


def _outcome(row: Row) -> OrderOutcome | None:
    return None if row["outcome"] is None else OrderOutcome(row["outcome"])


def _place(row: Row) -> OrderPlace:
    return OrderPlace(
        row["area_id"], row["path"], row["area"], row["address"], row["premises_id"], row["account_id"], row["meter_id"], row["number"]
    )  # fmt: skip


_CHANGED = tuple(Order.__dataclass_fields__)


def _held(row: Row) -> HeldOrder:
    facts = OrderFacts(
        row["kind"], row["source"], row["severity"], row["title"], row["what"], row["reporter"], row["alarm_id"], row["group_id"],
        row["plan_id"], row["hazard_id"],
    )  # fmt: skip
    values = {name: row[name] for name in _CHANGED} | {"state": OrderState(row["state"]), "outcome": _outcome(row)}
    kept = Kept(row["photos"], row["signatures"], frozenset(row["hazards"]))
    return HeldOrder(
        row["order_id"], facts, _place(row), Order(**values), row["made_us"], row["made_by"], kept, _last(row)
    )


def _last(row: Row) -> LastStep:
    if row["last_us"] is None:  # an order whose first act is on its way
        return LastStep(row["made_us"], row["made_us"])
    return LastStep(row["last_us"], row["last_at_us"])


class Orders:
    """``OrderStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def place(
        self, meter_id: int | None, account_id: int | None, premises_id: int | None, area_id: int | None
    ) -> OrderPlace | None:
        for (name, query), given in zip(_PLACES, (meter_id, account_id, premises_id, area_id), strict=True):
            if given is not None:
                row = await query.fetchrow(self._connection, **{"tenant_id": self._tenant_id, name: given})
                return None if row is None else _place(row)
        return None

    async def of_key(self, key: str) -> KnownOrderAct | None:
        row = await _QUERIES["order_of_key"].fetchrow(self._connection, tenant_id=self._tenant_id, key=key)
        return None if row is None else KnownOrderAct(row["order_id"], row["asked"])

    async def open_of(
        self, *, alarm_id: int | None = None, group_id: int | None = None, hazard_id: int | None = None
    ) -> OrderId | None:
        found: OrderId | None = await _QUERIES["open_order_of"].fetchval(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, group_id=group_id, hazard_id=hazard_id
        )
        return found

    async def add(
        self, key: str, asked: str, facts: OrderFacts, place: OrderPlace, order: Order, fen_an_hour: int, user_id: UserId | None, now_us: int
    ) -> OrderId | None:  # fmt: skip
        found: OrderId | None = await _QUERIES["add_order"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            key=key,
            asked=asked,
            kind=facts.kind,
            source=facts.source,
            state=order.state.value,
            severity=facts.severity,
            title=facts.title,
            what=facts.what,
            reporter=facts.reporter,
            area_id=place.area_id,
            address=place.address,
            premises_id=place.premises_id,
            account_id=place.account_id,
            meter_id=place.meter_id,
            alarm_id=facts.alarm_id,
            group_id=facts.group_id,
            plan_id=facts.plan_id,
            hazard_id=facts.hazard_id,
            assignee_id=order.assignee_id,
            now_us=now_us,
            user_id=user_id,
            due_us=order.due_us,
            fen_an_hour=fen_an_hour,
        )
        return found

    async def read(self, order_id: OrderId) -> HeldOrder | None:
        row = await _READ.fetchrow(self._connection, tenant_id=self._tenant_id, order_id=order_id)
        return None if row is None else _held(row)

    async def lock(self, order_id: OrderId) -> HeldOrder | None:
        row = await _LOCKED.fetchrow(self._connection, tenant_id=self._tenant_id, order_id=order_id)
        return None if row is None else _held(row)

    async def write(self, order_id: OrderId, order: Order) -> None:
        values = {name: getattr(order, name) for name in _CHANGED}
        values |= {"state": order.state.value, "outcome": None if order.outcome is None else order.outcome.value}
        values |= {"answers": dict(order.answers)}
        await _QUERIES["write_order"].execute(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, **values
        )  # fmt: skip

    async def add_act(self, order_id: OrderId, note: OrderActNote) -> int | None:
        found: int | None = await _QUERIES["add_act"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            order_id=order_id,
            key=note.key,
            asked=note.asked,
            step=note.step,
            state=note.state.value,
            at_us=note.at_us,
            acted_us=note.acted_us,
            user_id=note.user_id,
            reason=note.reason,
            facts=dict(note.facts or {}),
        )
        return found

    async def add_parts(self, order_id: OrderId, act_id: int, parts: Sequence[PartUsed]) -> None:
        columns = {name: [getattr(part, name) for part in parts] for name in PartUsed.__struct_fields__}
        await _QUERIES["add_parts"].execute(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, act_id=act_id, **columns
        )  # fmt: skip

    async def add_photo(
        self, order_id: OrderId, act_id: int, purpose: PhotoPurpose, note: str, picture: KeptPicture
    ) -> int:
        found = await _QUERIES["add_photo"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            order_id=order_id,
            act_id=act_id,
            purpose=purpose,
            note=note,
            media_type=picture.media_type,
            content=picture.content,
            sha256=picture.sha256,
            key_id=picture.key_id,
            nonce=picture.nonce,
        )
        return int(found)

    async def photo(self, order_id: OrderId, photo_id: int) -> KeptPicture | None:
        row = await _QUERIES["photo"].fetchrow(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, photo_id=photo_id
        )  # fmt: skip
        return None if row is None else KeptPicture(**row)

    async def get(self, order_id: OrderId, now_us: int) -> WorkOrder | None:
        row = await self._row(order_id, now_us)
        return None if row is None else _order(row)

    async def _row(self, order_id: OrderId, now_us: int) -> Row | None:
        return await _ONE.fetchrow(self._connection, tenant_id=self._tenant_id, order_id=order_id, now_us=now_us)

    async def detail(self, order_id: OrderId, kind: OrderKind, now_us: int) -> WorkOrderDetail | None:
        row = await self._row(order_id, now_us)
        if row is None:
            return None
        of = {"tenant_id": self._tenant_id, "order_id": order_id}
        place = await _QUERIES["order_place"].fetchrow(
            self._connection, tenant_id=self._tenant_id, premises_id=row["premises_id"]
        )  # fmt: skip
        known = place is not None and place["lat_e7"] is not None
        acts = await _QUERIES["order_acts"].fetch(self._connection, **of)
        parts = await _QUERIES["order_parts"].fetch(self._connection, **of)
        photos = await _QUERIES["order_photos"].fetch(self._connection, **of)
        return WorkOrderDetail(
            **_fields(row),
            checklist=[line_of(item) for item in kind.checklist],
            answers=row["answers"],
            latitude=place["lat_e7"] / PER_DEGREE if known and place is not None else None,
            longitude=place["lon_e7"] / PER_DEGREE if known and place is not None else None,
            acts=[
                OrderActRecord(
                    act["act_id"], act["step"], OrderState(act["state"]), utc_of_us(act["at_us"]), utc_of_us(act["acted_us"]),
                    act["user_id"], act["user"], act["reason"],
                )
                for act in acts
            ],
            parts=[
                OrderPart(**dict(part), cost_fen=part_fen(PartUse(part["quantity_milli"], part["fen"]))) for part in parts
            ],
            photos=[
                OrderPhoto(
                    one["photo_id"], one["purpose"], one["note"], one["media_type"], one["size"], utc_of_us(one["at_us"]), one["user_id"]
                )
                for one in photos
            ],
            steps=list(CHANGES[OrderState(row["state"])]),
        )  # fmt: skip

    async def page(
        self, limit: int, after: tuple[int, int] | None, chosen: OrderFilter, now_us: int
    ) -> list[tuple[WorkOrder, int]]:
        given = {name: getattr(chosen, name) for name in _EQUAL if getattr(chosen, name) is not None}
        fragments = [f"AND w.{name} = :{name}" for name in given]
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "now_us": now_us, "most": limit, **given}
        if chosen.status is not None:
            fragments.append(_STATUS[chosen.status])
        if chosen.area_id is not None:
            fragments.append(_BELOW)
            values["area_id"] = chosen.area_id
        if chosen.overdue:
            fragments.append("AND w.state <> 'cancelled' AND w.due_us < coalesce(w.done_us, :now_us)")
        name = chosen.sort.removeprefix("-")
        if after is not None:
            values["after"] = after[1]
            if name in RANKS:
                values["rank"] = after[0]
        fragments += in_order(
            "w.order_id", rank=RANKS.get(name), is_down=chosen.sort.startswith("-"), is_further=after is not None
        )
        rows = await extended(_QUERIES["orders"], *fragments).fetch(self._connection, **values)
        return [(_order(row), _place_in(row, name)) for row in rows]

    async def counts(self, now_us: int, assignee_id: UserId | None) -> OrderCounts:
        row = await _QUERIES["order_counts"].fetchrow(
            self._connection, tenant_id=self._tenant_id, now_us=now_us, assignee_id=assignee_id
        )  # fmt: skip
        assert row is not None  # noqa: S101 an aggregate has its row
        return OrderCounts(**dict(row))

    async def overdue(self, now_us: int, most: int) -> list[HeldOrder]:
        rows = await _LATE.fetch(self._connection, tenant_id=self._tenant_id, now_us=now_us, most=most)
        return [_held(row) for row in rows]

    async def note_told(self, order_ids: Sequence[OrderId], now_us: int) -> None:
        await _QUERIES["note_told"].execute(
            self._connection, tenant_id=self._tenant_id, order_ids=list(order_ids), now_us=now_us
        )  # fmt: skip


class Kinds:
    """``KindStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def own(self) -> dict[str, KindSettings]:
        rows = await _QUERIES["own_kinds"].fetch(self._connection, tenant_id=self._tenant_id)
        return {row["code"]: msgspec.convert(row["settings"], KindSettings) for row in rows}

    async def set(self, code: str, settings: KindSettings, user_id: UserId, now_us: int) -> None:
        await _QUERIES["set_kind"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            code=code,
            settings=msgspec.to_builtins(settings),
            user_id=user_id,
            now_us=now_us,
        )

    async def drop(self, code: str) -> bool:
        status = await _QUERIES["drop_kind"].execute(self._connection, tenant_id=self._tenant_id, code=code)
        return status.endswith(" 1")

    async def is_used(self, code: str) -> bool:
        return bool(await _QUERIES["kind_is_used"].fetchval(self._connection, tenant_id=self._tenant_id, code=code))


class Technicians:
    """``TechnicianStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _rows(self, user_id: UserId | None) -> list[Row]:
        return await _QUERIES["technicians"].fetch(self._connection, tenant_id=self._tenant_id, user_id=user_id)

    async def all(self) -> list[TechnicianRecord]:
        return [_technician(row) for row in await self._rows(None)]

    async def get(self, user_id: UserId) -> TechnicianRecord | None:
        return next((_technician(row) for row in await self._rows(user_id)), None)

    async def set(self, user_id: UserId, settings: TechnicianSettings) -> None:
        await _QUERIES["set_technician"].execute(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, **msgspec.to_builtins(settings)
        )

    async def is_user(self, user_id: UserId) -> bool:
        row = await _QUERIES["role_of_worker"].fetchrow(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return row is not None and Permission.HANDLE_ORDERS in allowed(row["role"], row["own"])

    async def known_areas(self, area_ids: Sequence[int]) -> frozenset[int]:
        rows = await _QUERIES["known_areas"].fetch(
            self._connection, tenant_id=self._tenant_id, area_ids=list(area_ids)
        )  # fmt: skip
        return frozenset(row["area_id"] for row in rows)

    async def in_service(self) -> list[Technician]:
        return [
            Technician(
                UserId(row["user_id"]), frozenset(row["skills"]), tuple(zip(row["paths"], row["path_ends"], strict=True)), row["open_orders"]
            )
            for row in await self._rows(None)
            if row["is_on"]
        ]  # fmt: skip


def _technician(row: Row) -> TechnicianRecord:
    settings = TechnicianSettings(row["skills"], row["area_ids"], row["is_on"])
    return TechnicianRecord(UserId(row["user_id"]), row["login"], row["name"], settings, row["open_orders"])
