# SPDX-License-Identifier: Apache-2.0
"""What the files and the signer add to ``/ready``: the faults that stand in the book, a signer that is away, and a trial.

The trial does what a report does: it is put into the stream, and a number is written into each store and read back. Engines that
answer ``SELECT 1`` may take nothing any more: a file that lost its rights, a table that is broken, a stream that is full.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from openmains.app.command.signing_ports import SignerAwayError
from openmains.app.system.model import StoreFault
from openmains.edges.http.deadline import answered
from openmains.run.care.faults import FaultFolder

SIGNER_PATIENCE_S = 3.0
TRIAL_PATIENCE_S = 2.0  # behind an engine that stands still; a request that waits for longer than 3 s is answered for us, without a list
TRIAL_EVERY_S = 10.0  # at most: anybody may ask /ready


class Trial:
    """``steps``: by the name that people are told, what takes a number, stores it and reads it back; each raises what its client does.

    No answer in time is no word here: an engine that stands still is told by the watch, one that is busy is none.
    """

    def __init__(
        self, steps: Mapping[str, Callable[[int], Awaitable[object]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._found: list[str] = []
        self._tried_at = float("-inf")
        self._one = asyncio.Lock()

    async def faults(self) -> list[str]:
        """Names of the steps that failed, each with why; found at most each TRIAL_EVERY_S."""
        async with self._one:
            if self._clock() - self._tried_at > TRIAL_EVERY_S:
                number = time.time_ns()
                said = await asyncio.gather(*(self._try(name, step, number) for name, step in self._steps.items()))
                self._found = [words for words in said if words]
                self._tried_at = self._clock()
            return self._found

    @staticmethod
    async def _try(name: str, step: Callable[[int], Awaitable[object]], number: int) -> str:
        async def run() -> None:
            await step(number)

        try:
            await answered(run(), TRIAL_PATIENCE_S)
        except TimeoutError:
            return ""
        except Exception as error:  # every client raises its own kinds; all mean the same here
            return f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:120]}"
        return ""


class FileWatch:
    """``signer``: asks the signer for anything, raises ``SignerAwayError``."""

    def __init__(
        self, book: FaultFolder, signer: Callable[[], Awaitable[object]] | None = None, trial: Trial | None = None
    ) -> None:
        self._book = book
        self._signer = signer
        self._trial = trial

    def told(self) -> list[StoreFault]:
        """For the system page."""
        return self._book.all()

    async def faults(self) -> list[str]:
        """Why a report can not be taken, stored and read, or nothing be signed; empty: it can."""
        away, tried = await asyncio.gather(self._signer_away(), self._tried())
        return away + self._book.blocking() + tried

    async def _tried(self) -> list[str]:
        return [] if self._trial is None else await self._trial.faults()

    async def _signer_away(self) -> list[str]:
        """Without it no valve moves and no top-up goes out; reports go on."""
        if self._signer is None:
            return []
        signer = self._signer

        async def ask() -> None:
            await signer()

        try:
            await answered(ask(), SIGNER_PATIENCE_S)
        except (SignerAwayError, TimeoutError):
            return ["signer"]
        return []
