# SPDX-License-Identifier: Apache-2.0
"""Days of an account out of the registers of the meters that hung at it, one after the other (R8.2). Pure.

An installation is cut at the midnights it spans: a *piece* is what it adds to one day. At an end of the installation its own register
counts, at a midnight the meter's. The pieces of an installation add up to the difference of its ends exactly, whatever is between.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from openmains.domain.period import Zone

Registers = Mapping[tuple[int, int], tuple[int, bool]]
"""(register, is it estimated) by (meter, instant)."""


class EndsOf(NamedTuple):
    """An installation: [``from_s``, ``to_s``) (None: it goes on), with its registers (register, is it estimated), None where nobody read
    one; ``dial`` 0: not known. ``newest``: (s UTC, register) that the meter said last; by it a sum is told of what goes on."""

    installation_id: int
    meter_id: int
    from_s: int
    to_s: int | None
    opening: tuple[int, bool] | None
    closing: tuple[int, bool] | None
    dial: int = 0
    newest: tuple[int, int] | None = None


class Piece(NamedTuple):
    """The part of an installation in a day: instants, and registers of those that are its own ends (None: the meter's is asked for)."""

    installation_id: int
    meter_id: int
    day: int
    left_s: int
    right_s: int
    left: tuple[int, bool] | None
    right: tuple[int, bool] | None
    dial: int

    @property
    def asked(self) -> list[int]:
        """Instants whose register the meter has to say."""
        return [at for at, known in ((self.left_s, self.left), (self.right_s, self.right)) if known is None]


class Share(NamedTuple):
    """What a piece adds; ``volume`` None: a register is not known."""

    installation_id: int
    volume: int | None
    is_estimated: bool


def pieces_of(ends: EndsOf, first: int, last: int, zone: Zone, now_s: int) -> Iterator[Piece]:
    """Of the days ``first`` to ``last``, as far as they have come: a day that is not over ends with the newest register that was said in it,
    without one now, of which nothing is known yet."""
    for day in range(first, last + 1):
        opens, closes = zone.start_of(day), zone.start_of(day + 1)
        left, right = max(opens, ends.from_s), min(closes, now_s, closes if ends.to_s is None else ends.to_s)
        if left >= right:
            continue
        closing = ends.closing if right == ends.to_s else None
        if ends.to_s is None and closes > now_s and ends.newest is not None and left < ends.newest[0] <= right:
            right, closing = ends.newest[0], (ends.newest[1], False)
        opening = ends.opening if left == ends.from_s else None
        yield Piece(ends.installation_id, ends.meter_id, day, left, right, opening, closing, ends.dial)


def days_of(pieces: Iterable[Piece], registers: Registers) -> dict[int, list[Share]]:
    """Shares by day, in the order of the pieces."""
    found: dict[int, list[Share]] = {}
    for piece in pieces:
        left, right = (
            _end(piece, piece.left_s, piece.left, registers),
            _end(piece, piece.right_s, piece.right, registers),
        )
        volume = None if left is None or right is None else passed(left[0], right[0], piece.dial)
        estimated = any(end is not None and end[1] for end in (left, right))
        found.setdefault(piece.day, []).append(Share(piece.installation_id, volume, estimated))
    return found


class PartSum(NamedTuple):
    """What an installation adds: its registers at the first instant of the span and at ``until_s``; None where one is not known."""

    first: int | None
    last: int | None
    volume: int | None
    until_s: int | None


def span_sum(ends: EndsOf, pieces: Iterable[Piece], registers: Registers) -> PartSum:
    """Of the installation's own pieces, of which there is one at least. Where nobody knows the register at the end of what goes on, until
    the newest one that the meter said."""
    mine = [piece for piece in pieces if piece.installation_id == ends.installation_id]
    left = _end(mine[0], mine[0].left_s, mine[0].left, registers)
    right, until = _end(mine[-1], mine[-1].right_s, mine[-1].right, registers), mine[-1].right_s
    if right is None and ends.to_s is None and ends.newest is not None and mine[0].left_s < ends.newest[0] < until:
        until, right = ends.newest[0], (ends.newest[1], False)
    volume = None if left is None or right is None else passed(left[0], right[0], ends.dial)
    return PartSum(left[0] if left else None, right[0] if right else None, volume, until if right else None)


def passed(left: int, right: int, dial: int) -> int:
    """What passed between two registers of one meter; past the end of its dial where that is known and it ran back by more than half of it."""
    volume = right - left
    return volume + dial if dial and volume < -dial // 2 else volume


def _end(piece: Piece, at: int, own: tuple[int, bool] | None, registers: Registers) -> tuple[int, bool] | None:
    return own if own is not None else registers.get((piece.meter_id, at))
