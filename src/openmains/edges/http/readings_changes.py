# SPDX-License-Identifier: Apache-2.0
"""All readings that changed since a cursor, as a stream of lines."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Struct, json

from openmains.app.identity.model import Actor
from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.problems import Problem
from openmains.app.readings.changes import (
    BEFORE_CURSORS,
    END,
    MOST_NUMBERS,
    ChangeCursor,
    ChangeFacts,
    Changes,
    ChangeStore,
    DayChange,
    begin_export,
    cursor_of,
)
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.quantity import LITRE_EXPONENT
from openmains.domain.readings.quality import rule_names
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.permissions import may

MOST = 10_000_000
SCOPE = "changes"
Key = list[tuple[int, int, int, int, int]]
ChangesCursor = Annotated[
    str | None,
    QueryParameter(max_length=4_000, description="The last cursor that was received; all changes without it."),
]


class CursorNow(Struct, frozen=True):
    """A cursor before everything that is applied from now on."""

    cursor: str


def change_store_of(deps: ApiDeps) -> ChangeStore:
    """Raises ``not-offered`` where the deployment keeps no readings."""
    if deps.changes is None:
        raise Problem("not-offered")
    return deps.changes


class Lines:
    """Changes as lines of JSON; what many rows share is made once."""

    def __init__(self, exponents: Mapping[int, int]) -> None:
        self._exponents = exponents
        self._numbers: dict[int, str] = {}
        self._rules: dict[int, str] = {}
        self._days: dict[date, str] = {}

    def unknown(self, rows: Sequence[DayChange]) -> list[MeterId]:
        """Meters whose numbers are not known yet."""
        return [MeterId(meter_id) for meter_id in {row.meter_id for row in rows} - self._numbers.keys()]

    def learn(self, numbers: Mapping[int, str]) -> None:
        """Numbers of meters."""
        if len(self._numbers) > MOST_NUMBERS:
            self._numbers.clear()
        self._numbers.update({meter_id: json.encode(number).decode() for meter_id, number in numbers.items()})

    def written(self, rows: Sequence[DayChange]) -> bytes:
        """A line each."""
        numbers, exponents, rules, days = self._numbers, self._exponents, self._rules, self._days
        for flags in {row.flags for row in rows} - rules.keys():
            rules[flags] = json.encode(rule_names(flags)).decode()
        for day in {row.day for row in rows} - days.keys():
            days[day] = day.isoformat()
        return "".join(
            [
                f'{{"meter_id":{meter_id},"number":{numbers.get(meter_id, "null")},"day":"{days[day]}","version":{version},'
                f'"base":{base},"volume":{total},"unit_exponent":{exponents.get(product_id, LITRE_EXPONENT)},"slots":{grid},'
                f'"known":{slots},"measured":{measured},"rules":{rules[flags]},"received_s":{received_s}}}\n'
                for _, meter_id, day, version, product_id, base, total, flags, grid, slots, measured, received_s in rows
            ]
        ).encode()


@get(
    "/readings/changes",
    operation_id="export_changes",
    media_type="application/x-ndjson",
    tags=["readings"],
    opt=may(Permission.FOLLOW_READINGS),
)
async def export_changes(
    request: Request[Any, Any, Any],
    cursor: ChangesCursor = None,
    most: Annotated[int, QueryParameter(ge=1, le=MOST, description="Rows of this answer, about.")] = MOST,
) -> Stream:
    """Every version of a day that was applied since ``cursor``, as lines of JSON (application/x-ndjson), each once.

    A line is a day – volumes in 10^``unit_exponent`` m³, ``base`` the register at its start, of ``slots`` ``known`` with a value – or
    ``{"cursor": …, "is_over": …}``: go on from there, now or another day, also where the stream was cut. ``is_over``: this was all.
    """
    deps, actor = deps_of(request), actor_of(request)
    store = change_store_of(deps)
    begun = cursor_of(decode_cursor(SCOPE, cursor, Key))
    if any(place.day > 65_535 or min(place) < 0 or not 0 <= shard < 2**32 for shard, place in begun.places.items()):
        raise Problem("bad-cursor", fields=(("/cursor", "wrong-format"),))
    positions, drivers = await begin_export(deps.store, actor, begun, most)
    units = {page.name: page.unit_exponent for page in deps.drivers.pages()}
    exponents = {product_id: units.get(driver, LITRE_EXPONENT) for product_id, driver in drivers.items()}
    changes = Changes(actor.tenant_id, store, begun, positions)
    return Stream(_lines(deps, actor, changes, Lines(exponents), most), media_type="application/x-ndjson")


async def _lines(deps: ApiDeps, actor: Actor, changes: Changes, lines: Lines, most: int) -> AsyncIterator[bytes]:
    async for rows in changes.pages(most):
        if wanted := lines.unknown(rows):
            async with deps.store.tenant(actor.tenant_id) as work:
                lines.learn(await work[ChangeFacts].numbers(wanted))
        yield lines.written(rows)
        yield _mark(changes.cursor, is_over=False)
    yield _mark(changes.cursor, is_over=changes.is_over)


def _mark(cursor: ChangeCursor, *, is_over: bool) -> bytes:
    return json.encode({"cursor": encode_cursor(SCOPE, cursor.key), "is_over": is_over}) + b"\n"


@get(
    "/readings/changes/cursor",
    operation_id="read_changes_cursor",
    tags=["readings"],
    opt=may(Permission.FOLLOW_READINGS),
)
async def read_changes_cursor(request: Request[Any, Any, Any]) -> CursorNow:
    """Where changes stand now: take it before a full export, and go on from it afterwards."""
    deps, actor = deps_of(request), actor_of(request)
    change_store_of(deps)
    async with deps.store.tenant(actor.tenant_id) as work:
        positions = await work[ChangeFacts].positions()
    now = ChangeCursor()
    for shard, position in positions.items():
        now.told(shard, position)
    now.told(BEFORE_CURSORS, END)
    return CursorNow(encode_cursor(SCOPE, now.key))


HANDLERS: list[Any] = [export_changes, read_changes_cursor]
