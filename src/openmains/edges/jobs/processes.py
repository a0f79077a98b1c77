# SPDX-License-Identifier: Apache-2.0
"""Pure work in a process of its own, so that it neither takes the interpreter from readings and requests nor waits for them."""

import asyncio
import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar("T")


def _calm() -> None:
    """Calls bring and take thousands of objects without a cycle: looking for some among them costs as much as the work."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


class Elsewhere:
    """Calls of functions of modules, with arguments that can be pickled. The process is there from the first call on; one that was
    killed is followed by another."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """What the function gives or raises."""
        for last in (False, True):
            if self._pool is None:
                context = multiprocessing.get_context(
                    "spawn"
                )  # nothing of this process's engines and threads comes along
                self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_calm)
            try:
                return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
            except BrokenProcessPool:
                self.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the process; the next call begins another."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
