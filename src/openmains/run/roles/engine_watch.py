# SPDX-License-Identifier: Apache-2.0
"""Whether the engines answer, asked once a second over connections that nothing else uses, and the disks below the data.

A server that is stopped (SIGSTOP, a hung disk, a frozen virtual machine) refuses nothing: only the missing answer tells. Each question
has its bound, and none is waited for beyond it. Where this process itself was not run for a while – a busy machine, a long batch – it does
not know who would have answered, and says of nobody that they stand still. An embedded ClickHouse lives in this process: it answers when we do.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openmains.edges.http.deadline import answered

Question = Callable[[], Awaitable[object]]
WAIT_S = 2.0
EVERY_S = 1.0
STILL_S = 3.0  # without an answer this long an engine stands still
LATE_S = 0.5  # a look or an answer's bound that comes so much later than it was due: this process was not run


class EngineWatch:
    """``questions``: an engine's name and what asks it; what it raises or does not answer is no answer."""

    def __init__(self, questions: Mapping[str, Question], clock: Callable[[], float] = time.monotonic) -> None:
        self._questions = questions
        self._clock = clock
        self._answered_at = dict.fromkeys(questions, clock())
        self._moved_at = clock()  # a question was asked, or its time was over

    async def silent(self) -> list[str]:
        """Asks all of them now; who did not answer."""
        late = self._clock() - self._moved_at - EVERY_S
        if late > LATE_S:
            self._answered_at = {name: at + late for name, at in self._answered_at.items()}
        heard = await asyncio.gather(*(self._ask(name, question) for name, question in self._questions.items()))
        return [name for name, did in zip(self._questions, heard, strict=True) if not did]

    async def look(self) -> None:
        """The same, for what repeats it every ``EVERY_S``."""
        await self.silent()

    def standing_still(self) -> list[str]:
        """Who has not answered for a while, as far as was asked."""
        now = self._clock()
        if now - self._moved_at > max(EVERY_S, WAIT_S) + LATE_S:
            return []
        return [name for name, at in self._answered_at.items() if now - at > STILL_S]

    async def _ask(self, name: str, question: Question) -> bool:
        async def ask() -> None:
            await question()

        begun = self._moved_at = self._clock()
        try:
            await answered(ask(), WAIT_S)
        except Exception:  # every client raises its own kinds; all mean the same here
            passed = self._clock() - begun
            if passed > WAIT_S + LATE_S:
                self._answered_at[name] += passed
            return False
        finally:
            self._moved_at = self._clock()
        self._answered_at[name] = self._clock()
        return True


class DiskWatch:
    """The disks below ``places``, by the names that people are told. ``least_mb``: what is full; a probe of 4 KiB is written too."""

    def __init__(self, places: Mapping[str, Path], least_mb: int) -> None:
        self._places = places
        self._least_mb = least_mb
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="disk")  # its own: a dead disk holds it for good
        self._found: list[str] = []
        self._looked_at = -EVERY_S

    async def faults(self) -> list[str]:
        """What is wrong, for people; found at most once a second."""
        if time.monotonic() - self._looked_at < EVERY_S:
            return self._found

        async def look() -> list[str]:
            return await asyncio.get_running_loop().run_in_executor(self._hand, self.look_now)

        try:
            self._found = await answered(look(), WAIT_S)
        except TimeoutError:
            self._found = ["disk does not answer"]
        self._looked_at = time.monotonic()
        return self._found

    def look_now(self) -> list[str]:
        """The same in the calling thread; each file system once."""
        found: list[str] = []
        seen: set[int] = set()
        for name, place in self._places.items():
            try:
                device = place.stat().st_dev
                if device in seen:
                    continue
                seen.add(device)
                state = os.statvfs(place)
            except (FileNotFoundError, PermissionError):
                continue  # made when it is first needed; another account's, whose own process tells
            except OSError as error:
                found.append(f"{name}: {error.strerror}")
                continue
            free_mb = state.f_bavail * state.f_frsize >> 20
            if free_mb < self._least_mb:
                found.append(f"disk full ({name}: {free_mb} MB left)")
            elif fault := _written(place):
                found.append(f"{name}: {fault}")
        return found

    def close(self) -> None:
        """Waits for nothing."""
        self._hand.shutdown(wait=False, cancel_futures=True)


def _written(place: Path) -> str:
    """What keeps a file from being written and synced there; empty: nothing does."""
    probe = place / f".ready-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, bytes(4096))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink(missing_ok=True)
    except PermissionError:
        return ""  # another account's place, such as the database's: its own server says what it can
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def data_places(
    var: Path, names: Sequence[str] = ("postgres", "nats", "clickhouse", "edge", "uploads", "secrets")
) -> dict[str, Path]:
    """The folders of the data by name; each may stand on a disk of its own."""
    return {"var": var} | {f"var/{name}": (var / name).resolve() for name in names}
