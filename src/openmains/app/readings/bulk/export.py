# SPDX-License-Identifier: Apache-2.0
"""Values of any quantities of very many meters as files that follow one another (R14.7), each in flat memory.

A *part* is the answer of one request: whole meters, in the order of their numbers within, until it holds as many values as were
asked for. Its end is known before it begins, so the token of the next part stands in the head of this one; the token tells the last
meter of the part and nothing that a server would have to remember. A part is put together from pieces, each made by the readings'
store itself, the next while one is handed on: memory holds two pieces, however long the part.

Arrow parts are one IPC stream: each piece is a stream too, whose schema message is left out after the first and whose end mark
before the last (Arrow columnar format, "IPC Streaming Format"). Of CSV pieces the first row is left out. Parquet has its directory
at the end, so a part of it is one piece.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from openmains.app.fleet.choice import ChosenMeter, MeterChoice, chosen_page, told
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ahead import one_ahead
from openmains.app.readings.bulk.ports import BulkMeter, BulkStore, Form, Wanted
from openmains.app.readings.bulk.registers import fingerprint
from openmains.app.readings.quantities import askable, unit_of
from openmains.app.spreadsheet import neutral
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.drivers.points import vocabulary

PIECE = 100_000
"""Values a piece holds at most; more where one meter alone has more."""
MOST_ROWS: dict[Form, int] = {"arrow": 50_000_000, "csv": 50_000_000, "parquet": 1_000_000}
MOST_QUANTITIES = 20
_METERS, _MOST_METERS = (
    1_000,
    10_000,
)  # whose values are counted at once: to begin with, then as many as the part may hold
_END = bytes.fromhex("ffffffff00000000")  # of an Arrow stream

ExponentOf = Callable[[str], int]


@dataclass(slots=True)
class Part:
    """One part, planned: its pieces, at most how many values it holds, and the token of the next; None: nothing follows."""

    pieces: list[list[BulkMeter]]
    most_rows: int
    following: str | None


def wanted_values(names: Sequence[str], left_s: int, right_s: int, zone: str) -> Wanted:
    """What is asked, each name once; raises ``unknown-quantity``."""
    chosen = tuple(dict.fromkeys(names))
    if unknown := [name for name in chosen if name not in askable()]:
        raise Problem("unknown-quantity", fields=(("/points", "not-accepted"),), name=unknown[0][:100])
    points = vocabulary().points
    return Wanted(chosen, {name: unit_of(points[name], 0) for name in chosen}, left_s, right_s, zone)


async def plan_part(
    store: Store,
    bulk: BulkStore,
    actor: Actor,
    choice: MeterChoice,
    wanted: Wanted,
    form: Form,
    rows: int,
    token: str | None,
    exponent_of: ExponentOf,
    now_us: int,
) -> Part:
    """Which meters the part holds; the export is in the audit trail before its first byte goes out.

    :raises Problem: ``too-many-rows``: more than a part of this form may hold; ``bad-cursor``: a token of another question.
    """
    if rows > MOST_ROWS[form]:
        raise Problem("too-many-rows", fields=(("/rows", "out-of-range"),), limit=MOST_ROWS[form], form=form)
    scope = f"export {fingerprint(choice, wanted.names, wanted.left_s, wanted.right_s)}"
    after = decode_cursor(scope, token, int) or 0
    part = Part([[]], 0, None)
    last, piece, is_full, size, seen = after, 0, False, _METERS, 0
    while not is_full:
        page = await chosen_page(store, actor.tenant_id, choice, MeterId(last), now_us, size)
        ids = [meter.meter_id for meter in page]
        counts = await bulk.value_counts(actor.tenant_id, ids, wanted) if ids else {}
        for meter in page:
            count = counts.get(meter.meter_id, 0)
            if count and part.most_rows and part.most_rows + count > rows:
                part.following, is_full = encode_cursor(scope, last), True
                break
            last = meter.meter_id
            if not count:
                continue
            if piece and form != "parquet" and piece + count > PIECE:
                part.pieces.append([])
                piece = 0
            part.pieces[-1].append(_named(meter, exponent_of(meter.driver), form))
            piece += count
            part.most_rows += count
        if len(page) < size:
            break
        seen += size
        room = (rows - part.most_rows) * seen // max(1, part.most_rows)  # meters that the part may still hold
        size = min(max(_METERS, room), _MOST_METERS)
    await _note(store, actor, choice, wanted, form, after, part)
    return part


async def part_bytes(bulk: BulkStore, actor: Actor, wanted: Wanted, form: Form, part: Part) -> AsyncIterator[bytes]:
    """The part, a piece at a time; the next one is made while this one is sent."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        for meters in part.pieces:
            yield await bulk.values(actor.tenant_id, meters, wanted, form)

    schema, place = b"", -1
    async for data in one_ahead(pieces()):
        place += 1
        is_last = place == len(part.pieces) - 1
        if form == "arrow":
            head = data[: 8 + int.from_bytes(data[4:8], "little")]
            if place and head != schema:
                raise RuntimeError("a piece of an export has another schema than the one before")
            schema = head
            data = data[len(head) if place else 0 : None if is_last or not data.endswith(_END) else -len(_END)]
        elif form == "csv" and place:
            data = data[data.index(b"\n") + 1 :]
        yield data


def _named(meter: ChosenMeter, exponent: int, form: Form) -> BulkMeter:
    return BulkMeter(meter.meter_id, neutral(meter.number) if form == "csv" else meter.number, exponent, meter.dial)


async def _note(
    store: Store, actor: Actor, choice: MeterChoice, wanted: Wanted, form: Form, after: int, part: Part
) -> None:
    said = {
        "meters": told(choice),
        "points": list(wanted.names),
        "from_s": wanted.left_s,
        "to_s": wanted.right_s,
        "form": form,
        "after_meter": after,
        "meters_in_part": sum(map(len, part.pieces)),
        "most_rows": part.most_rows,
    }
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_readings", "bulk", "readings", None, said)
