# SPDX-License-Identifier: Apache-2.0
"""How the concentrators of an edge stand, written for the book and for the dispatcher, which sends nothing to one that is away.
Role openmains_pipeline."""

import msgspec

from openmains.app.link.station.standing import StandingCache, StationFrame, TerminalStanding
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "concentrators.sql")


class ConcentratorStanding:
    """Call ``begin`` once, then ``write`` every second."""

    def __init__(self, pool: Pool, node: int) -> None:
        self._pool, self._node = pool, node

    async def begin(self, now_us: int) -> None:
        """Nobody is connected yet, whatever this node said before it ended without a word."""
        await _QUERIES["standing_begin"].execute(self._pool, node=self._node, now_us=now_us)

    async def write(self, book: StandingCache, now: float) -> None:
        """What is due in the book; what could not be written is there again."""
        found = book.take(now)
        if not found:
            return
        try:
            await self._put(found)
        except Exception:
            book.again(found)
            raise
        for each in found:
            each.is_new = False

    async def _put(self, found: list[TerminalStanding]) -> None:
        await _QUERIES["standing_put"].execute(
            self._pool,
            node=self._node,
            numbers=[each.number for each in found],
            begun=[each.number for each in found if each.is_new and each.is_connected],
            connected=[each.is_connected for each in found],
            proven=[each.is_proven for each in found],
            hosts=[each.host for each in found],
            kinds=[each.kind for each in found],
            wakes=[each.wakes for each in found],
            firmwares=[each.firmware for each in found],
            signals=[each.signal_dbm for each in found],
            clocks=[each.clock_off_s for each in found],
            connected_us=[each.connected_us for each in found],
            heard_us=[each.heard_us for each in found],
            ended_us=[each.ended_us for each in found],
            endings=[each.ending for each in found],
            frames=[msgspec.json.encode([_line(frame) for frame in each.frames]).decode() for each in found],
        )


def _line(frame: StationFrame) -> dict[str, object]:
    return {
        "at_us": frame.at_us,
        "down": frame.down,
        "function": frame.function,
        "content": frame.content.hex(),
        "verdict": frame.verdict,
    }
