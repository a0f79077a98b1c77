# SPDX-License-Identifier: Apache-2.0
"""Doubles of ports for pure tests of use cases: a dictionary each, and what was asked of it. They decide nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec import structs

from openmains.app.alarm.model import Alarm
from openmains.app.fleet.areas import Area, AreaKind, AreaTotals
from openmains.app.fleet.model import Dimension, MeterDetail, NewMeter, Product
from openmains.app.identity.model import ApiToken, User
from openmains.app.job.model import Job
from openmains.app.readings.model import EditFacts, EditState, ExceptionStatus, NewEdit, ReadingEdit, ReadingException
from openmains.domain.alarm.life import AlarmNews, AlarmState, AlarmStep
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.identity.role import Role
from openmains.domain.ids import (
    AlarmId,
    AreaId,
    AreaKindId,
    CustomerId,
    EditId,
    ExceptionId,
    MeterId,
    ProductId,
    TenantId,
    TokenId,
    UserId,
)
from openmains.domain.period import day_to_date, utc

THEN = datetime(2026, 9, 1, 8, tzinfo=UTC)


def alarm(alarm_id: int = 1, **more: Any) -> Alarm:
    """An open one."""
    made = Alarm(
        AlarmId(alarm_id), MeterId(5), "5", AreaId(2), "magnetic", "major", THEN, THEN, 12, 1, THEN, None, None, None,
        "", None, None, "", 0, AlarmState.RAISED, None, None, None, False, None, None, "", None, None, None,
    )  # fmt: skip
    return _placed(structs.replace(made, **more))


def _placed(made: Alarm) -> Alarm:
    """With the state that follows from what else is said, as the database has it."""
    state = (
        AlarmState.CLEARED
        if made.cleared_at is not None
        else AlarmState.DISPATCHED
        if made.dispatched_at is not None
        else AlarmState.ACKNOWLEDGED
        if made.acknowledged_at is not None
        else made.state
    )
    return structs.replace(made, state=state)


class Alarms:
    """``AlarmStore``; ``news``: what was told."""

    def __init__(self, *alarms: Alarm) -> None:
        self.rows = {row.alarm_id: row for row in alarms}
        self.news: list[tuple[AlarmNews, AlarmId | None]] = []
        self.quiet: list[bool] = []
        self.reopens_group = False

    async def get(self, alarm_id: AlarmId) -> Alarm | None:
        return self.rows.get(alarm_id)

    async def step(self, alarm_id: AlarmId, step: AlarmStep, user_id: UserId, now_us: int, to: str = "") -> bool:
        at, row = datetime.fromtimestamp(now_us / 1e6, UTC), self.rows[alarm_id]
        done: dict[AlarmStep, dict[str, Any]] = {
            AlarmStep.ACKNOWLEDGE: {"acknowledged_by": user_id, "acknowledged_at": at},
            AlarmStep.DISPATCH: {"dispatched_by": user_id, "dispatched_at": at, "dispatched_to": to},
            AlarmStep.RECALL: {"dispatched_by": None, "dispatched_at": None, "dispatched_to": ""},
            AlarmStep.CLEAR: {"cleared_at": at, "cleared_by": user_id},
            AlarmStep.REOPEN: {"cleared_at": None, "state": AlarmState.REOPENED},
        }
        self.rows[alarm_id] = _placed(structs.replace(row, **done[step]))
        return self.reopens_group

    async def has_open(self, alarm: Alarm) -> bool:
        return any(
            row.cleared_at is None and (row.meter_id, row.event) == (alarm.meter_id, alarm.event)
            for row in self.rows.values()
        )

    async def say(self, news: AlarmNews, alarm_id: AlarmId | None, *_: object, is_quiet: bool = False) -> None:
        self.news.append((news, alarm_id))
        self.quiet.append(is_quiet)


def job(job_id: int = 1, **more: Any) -> Job:
    """A queued one."""
    return structs.replace(Job(job_id, "x", {}, "queued", 0, 0, None, "", 70, THEN, None, None), **more)


class Jobs:
    """``JobStore``; ``released``: keys that were given back."""

    def __init__(self, *jobs: Job) -> None:
        self.rows = {row.job_id: row for row in jobs}
        self.released: list[str] = []
        self.asked: list[tuple[str, dict[str, Any], str, str | None, int]] = []

    async def get(self, job_id: int) -> Job | None:
        return self.rows.get(job_id)

    async def add(
        self, kind: str, params: dict[str, Any], *, file_path: str, unique_key: str | None, user_id: UserId
    ) -> Job:
        self.asked.append((kind, params, file_path, unique_key, user_id))
        made = job(max(self.rows, default=0) + 1, kind=kind, params=params, created_by=user_id)
        self.rows[made.job_id] = made
        return made

    async def release_key(self, unique_key: str) -> None:
        self.released.append(unique_key)

    async def cancel(self, job_id: int) -> bool:
        row = self.rows[job_id]
        if row.status not in ("queued", "running"):
            return False
        self.rows[job_id] = structs.replace(row, status="cancelled")
        return True


def user(user_id: int, role: Role = Role.OPERATOR, **more: Any) -> User:
    """Somebody who may sign in."""
    return structs.replace(
        User(UserId(user_id), f"u{user_id}", f"U {user_id}", role, "en", False, False, None, THEN, [], [], []), **more
    )


class Users:
    """``UserStore``; ``passwords``: (hash, must change) that were set; ``unlocked``: users whose failures were forgotten."""

    def __init__(self, *users: User) -> None:
        self.rows = {row.user_id: row for row in users}
        self.changes: list[dict[str, Any]] = []
        self.passwords: dict[int, tuple[str, bool]] = {}
        self.unlocked: list[int] = []

    async def get(self, user_id: UserId) -> User | None:
        return self.rows.get(user_id)

    async def change(self, user_id: UserId, values: dict[str, Any]) -> User | None:
        self.changes.append(values)
        known = {name: value for name, value in values.items() if name in User.__struct_fields__}
        self.rows[user_id] = structs.replace(self.rows[user_id], **known)
        return self.rows[user_id]

    async def remove(self, user_id: UserId) -> bool:
        return self.rows.pop(user_id, None) is not None

    async def set_password(self, user_id: UserId, password_hash: str, *, must_change: bool) -> None:
        self.passwords[user_id] = (password_hash, must_change)

    async def clear_failures(self, user_id: UserId) -> None:
        self.unlocked.append(user_id)

    async def other_administrators(self, user_id: UserId) -> int:
        return sum(
            row.role == Role.ADMINISTRATOR and not row.disabled for row in self.rows.values() if row.user_id != user_id
        )


class Credentials:
    """``CredentialStore``; ``ended``, ``revoked``: users whose sessions ended, whose tokens were revoked."""

    def __init__(self, *tokens: ApiToken) -> None:
        self.rows = {row.token_id: row for row in tokens}
        self.hashes: dict[int, bytes] = {}
        self.ended: list[int] = []
        self.revoked: list[int] = []

    async def end_sessions_of(self, user_id: UserId, keep: bytes | None = None) -> None:
        assert keep is None
        self.ended.append(user_id)

    async def revoke_tokens_of(self, user_id: UserId) -> None:
        self.revoked.append(user_id)

    async def token(self, token_id: TokenId) -> ApiToken | None:
        return self.rows.get(token_id)

    async def add_token(
        self, user_id: UserId, name: str, secret_hash: bytes, role: str, expires_at: datetime | None
    ) -> ApiToken:
        made = ApiToken(TokenId(len(self.rows) + 1), user_id, name, role, THEN, expires_at, None, None)
        self.rows[made.token_id], self.hashes[made.token_id] = made, secret_hash
        return made

    async def revoke_token(self, token_id: TokenId) -> bool:
        row = self.rows[token_id]
        if row.revoked_at is not None:
            return False
        self.rows[token_id] = structs.replace(row, revoked_at=THEN)
        return True


def meter(meter_id: int = 5, **more: Any) -> MeterDetail:
    """A meter on the wall, without customer."""
    made = MeterDetail(
        meter_id=MeterId(meter_id), number=str(meter_id), bar_code="", imei=None, imsi="", iccid="", dev_eui=None,
        product_id=ProductId(3), product_code="w", medium="water", kind=DeviceKind.METER, area_id=AreaId(2), area_name="North",
        customer_id=None, customer_code=None, customer_name=None, address="", place="room", dn=15, qmax_l_h=0, installed_on=date(2020, 1, 1),
        removed_on=None, expected_from=date(2020, 1, 1), report_mode="day",
        created_at=THEN, revision=1, driver="openmains/water-1", state=None, signs=[], tags=[], customer=None,
    )  # fmt: skip
    return structs.replace(made, **more)


class Meters:
    """``MeterStore``. ``taken``: numbers and IMEIs somebody else has; ``flags``: what was set for customers."""

    def __init__(self, *meters: MeterDetail, customers: Sequence[int] = (), taken: Sequence[str] = ()) -> None:
        self.rows = {row.meter_id: row for row in meters}
        self.customers, self.taken = set(customers), set(taken)
        self.flags: list[tuple[int, Mapping[str, bool]]] = []

    async def get(self, meter_id: MeterId) -> MeterDetail | None:
        return self.rows.get(meter_id)

    async def by_ids(self, meter_ids: Sequence[MeterId]) -> list[MeterDetail]:
        return [self.rows[each] for each in dict.fromkeys(meter_ids) if each in self.rows]

    async def customer_exists(self, customer_id: CustomerId) -> bool:
        return customer_id in self.customers

    async def add(self, wanted: NewMeter) -> MeterId | None:
        if {wanted.number, wanted.imei} & self.taken:
            return None
        made = meter(
            max(self.rows, default=0) + 1,
            number=wanted.number,
            imei=wanted.imei,
            installed_on=wanted.installed_on,
            expected_from=wanted.expected_from,
        )
        self.rows[made.meter_id] = made
        return made.meter_id

    async def set_customer_flags(self, customer_id: CustomerId, flags: Mapping[str, bool]) -> None:
        self.flags.append((customer_id, flags))

    async def change(self, meter_id: MeterId, revision: int, values: dict[str, Any]) -> bool | None:
        if str(values.get("imei")) in self.taken:
            return None
        row = self.rows[meter_id]
        if row.revision != revision:
            return False
        self.rows[meter_id] = structs.replace(row, **values, revision=revision + 1)
        return True

    async def dimension(self, meter_id: MeterId) -> Dimension:
        row = self.rows[meter_id]
        return Dimension(
            TenantId(7), meter_id, row.area_id, row.product_id, row.installed_on, row.removed_on or date(2149, 6, 6),
            row.revision, row.expected_from, "", date(1970, 1, 1), "", 0,
        )  # fmt: skip


class Dims:
    """``Dimensions``: what was put beside the readings."""

    def __init__(self, *, away: bool = False) -> None:
        self.rows: list[Dimension] = []
        self.away = away

    async def put(self, rows: Sequence[Dimension]) -> None:
        if self.away:
            raise OSError("the readings' store does not answer")
        self.rows += rows


class Areas:
    """``AreaStore``."""

    def __init__(self, *areas: Area) -> None:
        self.rows = {row.area_id: row for row in areas}
        self.named: dict[int, AreaKind] = {}
        self.is_held = False

    async def get(self, area_id: AreaId) -> Area | None:
        found = self.rows.get(area_id)
        return None if found is None else structs.replace(found, depth=len(self._way(area_id)))

    async def add(
        self, code: str, name: str, parent_id: AreaId | None, kind_id: AreaKindId | None = None
    ) -> Area | None:
        if code in {row.code for row in self.rows.values()}:
            return None
        made = Area(AreaId(max(self.rows, default=0) + 1), parent_id, code, name, kind_id)
        self.rows[made.area_id] = made
        return await self.get(made.area_id)

    async def change(self, area_id: AreaId, values: dict[str, Any]) -> Area | None:
        self.rows[area_id] = structs.replace(self.rows[area_id], **values)
        return await self.get(area_id)

    async def is_below(self, area_id: AreaId, ancestor_id: AreaId) -> bool:
        return ancestor_id in self._way(area_id)

    async def levels(self, area_id: AreaId) -> int:
        return max(len(way) for one in self.rows if area_id in (way := self._way(one))) - len(self._way(area_id)) + 1

    async def sums(self, area_id: AreaId) -> AreaTotals:
        return AreaTotals(sum(area_id in self._way(one) for one in self.rows) - 1, 0, 0, 0)

    async def hold_tree(self) -> None:
        self.is_held = True

    async def kind(self, kind_id: AreaKindId) -> AreaKind | None:
        return self.named.get(kind_id)

    def _way(self, area_id: AreaId) -> list[AreaId]:
        way, here = [], self.rows.get(area_id)
        while here is not None:
            way.append(here.area_id)
            here = None if here.parent_id is None else self.rows.get(here.parent_id)
        return way


class Products:
    """``ProductStore``, of which only the existence of a product is asked here."""

    def __init__(self, *products: Product) -> None:
        self.rows = {row.product_id: row for row in products}

    async def get(self, product_id: ProductId) -> Product | None:
        return self.rows.get(product_id)


def product(product_id: int = 3) -> Product:
    return Product(
        ProductId(product_id),
        "w",
        "W",
        "M",
        "W-1",
        "water",
        "openmains/water-1",
        0,
        1800,
        86_400,
        6000,
        {},
        False,
        False,
        THEN,
        "day",
        DeviceKind.METER,
    )


def finding(exception_id: int = 1, **more: Any) -> ReadingException:
    """An open spike of 2026-09-01."""
    made = ReadingException(
        ExceptionId(exception_id), MeterId(5), "5", None, "openmains/water-1", "spike", THEN, "2026-09-01", 9000, 20, THEN,
        THEN, 1, "open", None, None, "",
    )  # fmt: skip
    return structs.replace(made, **more)


class Exceptions:
    """``ExceptionStore``. ``settled``: until when the meter's registers are known, s UTC."""

    def __init__(self, *rows: ReadingException, settled: int | None = None) -> None:
        self.rows = {row.exception_id: row for row in rows}
        self.settled = settled

    async def get(self, exception_id: ExceptionId) -> ReadingException | None:
        return self.rows.get(exception_id)

    async def lock(self, exception_id: ExceptionId) -> ReadingException | None:
        return self.rows.get(exception_id)

    async def judge(self, exception_id: ExceptionId, status: ExceptionStatus, user_id: UserId, reason: str) -> None:
        self.rows[exception_id] = structs.replace(
            self.rows[exception_id], status=status, judged_by=user_id, judged_at=THEN, reason=reason
        )

    async def reopen(self, exception_id: ExceptionId) -> None:
        self.rows[exception_id] = structs.replace(
            self.rows[exception_id], status="open", judged_by=None, judged_at=None, reason=""
        )

    async def settled_until(self, meter_id: MeterId) -> int | None:
        return self.settled


class Edits:
    """``EditStore`` of one meter-day. ``of``: what bounds it; None: no such meter."""

    def __init__(self, of: EditFacts | None = None) -> None:
        self.of = of
        self.rows: list[ReadingEdit] = []

    async def lock_day(self, meter_id: MeterId, day: int) -> None:
        del meter_id, day

    async def facts(self, meter_id: MeterId) -> EditFacts | None:
        return self.of

    async def of_day(self, meter_id: MeterId, day: int) -> list[ReadingEdit]:
        return self.rows[::-1]

    async def get(self, edit_id: EditId) -> ReadingEdit | None:
        return next((row for row in self.rows if row.edit_id == edit_id), None)

    async def add(self, wanted: NewEdit, state: EditState) -> EditId:
        made = ReadingEdit(
            EditId(len(self.rows) + 1), wanted.meter_id, "5", "openmains/water-1", day_to_date(wanted.day).isoformat(),
            wanted.exception_id, wanted.undoes, utc(wanted.start_s), utc(wanted.end_s), wanted.volume, wanted.old_volume,
            wanted.alone, wanted.reason, state, wanted.author_id, "", utc(wanted.made_us // 1_000_000), None, "", None, "",
            None, None,
        )  # fmt: skip
        self.rows.append(made)
        return made.edit_id
