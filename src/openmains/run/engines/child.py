# SPDX-License-Identifier: Apache-2.0
"""A child process that we own: started, read, stopped, and never left behind.

Its output is read line by line and given to ``on_line``; its last lines explain a start that failed. It runs in a
session of its own, so that Ctrl-C at the terminal reaches only the supervisor, which ends the children in order.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openmains.run.engines import launch

LINE_LIMIT_BYTES = 1 << 20


class StartError(Exception):
    """Something cannot start; says why in both languages, one line each."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Account:
    """System account a child runs as; -1 keeps ours."""

    uid: int = -1
    gid: int = -1


class Child:
    """One program with its arguments; ``start`` may be called again after it has ended."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        directory: Path,
        on_line: Callable[[str], None],
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGTERM,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.last_lines: deque[str] = deque(maxlen=12)
        self._argv = list(argv)
        self._directory = directory
        self._on_line = on_line
        self._account = account or Account()
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._env = dict(env) if env is not None else dict(os.environ)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; returns as soon as the process exists, not when it is ready."""
        self.last_lines.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            launch.__file__,
            str(os.getpid()),
            str(int(self._death_signal)),
            str(self._account.uid),
            str(self._account.gid),
            str(self._directory),
            "--",
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._env,
            start_new_session=True,
            limit=LINE_LIMIT_BYTES,
        )
        self._reader = asyncio.create_task(self._read(self._process), name=f"{self.name} output")

    async def wait(self) -> int:
        """Exit code (negative: the signal that ended it)."""
        if self._process is None:
            return 0
        code = await self._process.wait()
        if self._reader is not None:
            # a grandchild may hold the pipe a little longer; its lines are worth less than a hang
            await asyncio.wait([self._reader], timeout=1)
        return code

    async def stop(self, patience_s: float = 20, *, stop_signal: signal.Signals | None = None) -> None:
        """Ask it to end; after ``patience_s`` its whole process group is killed."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._send(process, stop_signal or self._stop_signal, group=False)
            try:
                await asyncio.wait_for(process.wait(), patience_s)
            except TimeoutError:
                self._send(process, signal.SIGKILL, group=True)
                await process.wait()
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=1)
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None

    @staticmethod
    def _send(process: asyncio.subprocess.Process, number: signal.Signals, *, group: bool) -> None:
        try:
            if group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            pass

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - we asked for the pipe above
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line over the limit was dropped
                continue
            if not raw:
                return
            line = raw.decode("utf-8", "replace").rstrip()
            self.last_lines.append(line)
            self._on_line(line)
