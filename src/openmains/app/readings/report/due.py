# SPDX-License-Identifier: Apache-2.0
"""Keep the collection report as it stood when it was due: what is told at 08:00 is what is told of it for ever.

A piece is a day and a mode: of daily meters one piece is due each morning, of those that report by the month all days of the
month on its last. A piece is kept once. What is asked for is not the clock but what has not been kept yet, so a worker that
was off, or ended in the middle, goes on where it was; it counts then what had come before the piece was due and meters that were
registered by then.
"""

from collections.abc import Iterable, Sequence

from openmains.app.readings.report.collection import Piece, when_due
from openmains.app.readings.report.ports import DayStore, DueStore, LabelStore
from openmains.domain.ids import TenantId
from openmains.domain.period import zone
from openmains.domain.readings.expected import MODES, due_at

SETTLE_S = 120  # what came before the piece was due has been worked on by then
LOOK_BACK_DAYS = 62  # a month of monthly reports, and as long again with the program off
PIECES = 40  # at a turn, so that others get theirs


def pieces_due(zone_key: str, since_s: int, now_s: float, kept: Iterable[Piece]) -> list[Piece]:
    """What is due at ``now_s`` and not kept, oldest first; none from before the tenant was there (``since_s``)."""
    place, have = zone(zone_key), set(kept)
    last = place.day_of(int(now_s)) - 1
    first = max(last - LOOK_BACK_DAYS + 1, place.day_of(since_s))
    return [
        Piece(day, mode)
        for day in range(first, last + 1)
        for mode in MODES
        if Piece(day, mode) not in have and due_at(day, mode, place) + SETTLE_S <= now_s
    ]


async def keep_due(
    tenants: Sequence[tuple[TenantId, str, int]], days: DayStore, names: LabelStore, due: DueStore, now_s: float
) -> int:
    """Keep what is due, at most PIECES of each tenant; ``tenants``: (id, zone, made at s). The copy of the registry beside the
    readings must be up to date. Returns how many were kept."""
    done = 0
    for tenant_id, zone_key, since_s in tenants:
        first = zone(zone_key).day_of(int(now_s)) - LOOK_BACK_DAYS - 1
        wanted = pieces_due(zone_key, since_s, now_s, await due.kept(tenant_id, first))[:PIECES]
        if not wanted:
            continue
        labels = await names.labels(tenant_id)
        for piece in wanted:
            due_s = due_at(piece.day, piece.mode, labels.zone)
            counts = await days.counts(tenant_id, labels.asked(piece.day, when_due(due_s)))
            done += await due.keep(
                tenant_id, piece, due_s, int(now_s), [row for row in counts if row.mode is piece.mode]
            )
    return done
