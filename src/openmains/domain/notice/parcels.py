# SPDX-License-Identifier: Apache-2.0
"""What goes as one message: few notices of a recipient singly, many together, so that a storm is one message and not a thousand.

What was sent together before is tried together again, with the same key, for the channel may have taken it. What was held – quiet
hours, digest – goes together from two on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SINGLY = 3
"""More than so many of one recipient that are due together go as one."""
MOST_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """Notices of one recipient that are one message."""

    notice_ids: tuple[int, ...]


def parcels(due: Sequence[tuple[int, int, bool, int | None]], room: int) -> list[Parcel]:
    """At most ``room`` messages of (notice, recipient, was held, bundle of an earlier try), in the order of what waits longest."""
    before: dict[int, list[int]] = {}
    fresh: dict[int, list[tuple[int, bool]]] = {}
    order: dict[tuple[str, int], None] = {}
    for notice_id, recipient, is_held, bundle in due:
        if bundle is not None:
            before.setdefault(bundle, []).append(notice_id)
            order.setdefault(("again", bundle))
        else:
            fresh.setdefault(recipient, []).append((notice_id, is_held))
            order.setdefault(("fresh", recipient))
    made: list[Parcel] = []
    for how, key in order:
        if how == "again":
            made.append(Parcel(tuple(before[key])))
            continue
        waiting = fresh[key]
        if len(waiting) > SINGLY or (len(waiting) > 1 and any(is_held for _, is_held in waiting)):
            made.append(Parcel(tuple(notice_id for notice_id, _ in waiting[:MOST_TOGETHER])))
        else:
            made += [Parcel((notice_id,)) for notice_id, _ in waiting]
    return made[:room]
