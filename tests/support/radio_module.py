# SPDX-License-Identifier: Apache-2.0
"""A radio module on a TCP line with emulated meters in its air, in real time, and ``openmains gateway`` as a process beside it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.place import Place
from openmains.wire.gbt36330.air import AirDeframer, AirFrame, encode_air
from tests.support.brokers import ACCOUNT
from tests.support.patience import PATIENCE_S

KEY = bytes(range(32))
NETWORK = 7
TURN_S = 0.02


class RadioModule:
    """One gateway at a time is connected; what meters say while none is, nobody hears."""

    def __init__(self, terminals: Sequence[Terminal], driver: str) -> None:
        self.place = Place(NETWORK, KEY, 0, 5, self._heard, terminals=terminals, driver=driver)
        self.place.air.now_ms = now_ms()
        self.sent_down: list[AirFrame] = []
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None

    def begin(self) -> None:
        """The meters are switched on."""
        self.place.begin(now_ms())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        deframer = AirDeframer()
        with suppress(ConnectionError):
            while data := await reader.read(4_096):
                for frame in deframer.feed(data):
                    self.sent_down.append(frame)
                    self.place.send(frame)
        if self._writer is writer:
            self._writer = None
        writer.close()

    async def turn(self) -> None:
        while True:
            self.place.run(now_ms())
            await asyncio.sleep(TURN_S)

    def _heard(self, frame: AirFrame) -> None:
        if self._writer is not None:
            self._writer.write(encode_air(frame))


@asynccontextmanager
async def radio_module(terminals: Sequence[Terminal], driver: str) -> AsyncIterator[RadioModule]:
    module = RadioModule(terminals, driver)
    server = await asyncio.start_server(module.serve, "127.0.0.1", 0)
    module.port = server.sockets[0].getsockname()[1]
    turning = asyncio.create_task(module.turn())
    try:
        yield module
    finally:
        turning.cancel()
        server.close()
        await asyncio.gather(turning, return_exceptions=True)


class GatewayProcess:
    """``openmains gateway`` with its own folder; ``begin`` and ``kill`` as often as wanted."""

    def __init__(self, folder: Path, number: str, south_port: int, north_port: int) -> None:
        self.folder, self.file = folder, folder / "gateway.toml"
        user, password = ACCOUNT
        (folder / "password").write_text(password)
        (folder / "password").chmod(0o600)
        self.file.write_text(
            f'number = "{number}"\nnetwork = {NETWORK}\nkey = "{KEY.hex()}"\nfolder = "{folder / "store"}"\n'
            f'south = "tcp://127.0.0.1:{south_port}"\nnorth = "mqtt://127.0.0.1:{north_port}"\nuser = "{user}"\n'
            f'password_file = "{folder / "password"}"\ncycle_s = 300\nslice_s = 5\n'
        )
        self.log = folder / "gateway.log"
        self.started_s = 0.0
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        """Until it is ready."""
        before, at = self._said("ready"), time.monotonic()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "openmains.run.cli", "gateway", str(self.file), stdout=log, stderr=log,
                env=os.environ | {"LANG": "C.UTF-8"},
            )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            while self._said("ready") == before:
                assert self._process.returncode is None, self.log.read_text("utf-8")
                await asyncio.sleep(0.02)
        self.started_s = time.monotonic() - at

    async def kill(self) -> None:
        """As a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()

    def memory_mb(self) -> float:
        """What of it is in memory now."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 1e6

    def _said(self, word: str) -> int:
        return self.log.read_text("utf-8").count(word) if self.log.exists() else 0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def soon(found: Callable[[], object]) -> None:
    """Until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not found():
            await asyncio.sleep(TURN_S)
