# SPDX-License-Identifier: Apache-2.0
"""Radio ports of the program: a module on a TCP or serial line, or an emulated air with meters in it.

What cannot be sent now is dropped and counted: the radio loses frames anyway, and whoever misses one says so again.
"""

import asyncio
import contextlib
import logging
import os
import random
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from openmains.run.gateway.file import South
from openmains.wire.gbt36330.air import AirDeframer, AirFrame, encode_air

log = logging.getLogger("openmains.gateway")
AGAIN_S: Final = 1.0
SILENT_S: Final = 0.2  # longer than a pause within a frame
MOST_UNSENT: Final = 65_536
Take = Callable[[AirFrame], None]


class SouthPort(Protocol):
    """``counters``: ``sent``, ``dropped``, ``received`` frames."""

    counters: Counter[str]

    def send(self, frame: AirFrame) -> None: ...
    async def run(self) -> None:
        """Until it is cancelled."""
        ...


class TcpPort:
    """A module behind a TCP line; a connection that ends is made again."""

    def __init__(self, host: str, port: int, take: Take) -> None:
        self.counters: Counter[str] = Counter()
        self._host, self._port, self._take = host, port, take
        self._writer: asyncio.StreamWriter | None = None

    def send(self, frame: AirFrame) -> None:
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > MOST_UNSENT:
            self.counters["dropped"] += 1
            return
        writer.write(encode_air(frame))
        self.counters["sent"] += 1

    async def run(self) -> None:
        said = ""
        while True:
            try:
                reader, self._writer = await asyncio.open_connection(self._host, self._port)
                said = ""
                log.info("radio at %s:%d connected", self._host, self._port)
                stream = _Stream(self._take, self.counters)
                while data := await reader.read(4_096):
                    stream.feed(data)
            except OSError as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("radio at %s:%d: %s", self._host, self._port, error)
            finally:
                if self._writer is not None:
                    self._writer.close()
                self._writer = None
            await asyncio.sleep(AGAIN_S)


class SerialPort:
    """A module on a serial line, 8N1 without flow control."""

    def __init__(self, path: str, speed: int, take: Take) -> None:
        self.counters: Counter[str] = Counter()
        self._path, self._speed, self._take = path, speed, take
        self._file: int | None = None

    def send(self, frame: AirFrame) -> None:
        if self._file is None:
            self.counters["dropped"] += 1
            return
        data = encode_air(frame)
        try:
            done = os.write(self._file, data)
        except OSError:
            done = 0
        self.counters["sent" if done == len(data) else "dropped"] += 1

    async def run(self) -> None:
        said = ""
        while True:
            try:
                self._file = _open_line(self._path, self._speed)
                said = ""
                await self._listen(self._file)
            except (OSError, termios.error) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("radio at %s: %s", self._path, error)
            finally:
                if self._file is not None:
                    os.close(self._file)
                self._file = None
            await asyncio.sleep(AGAIN_S)

    async def _listen(self, file: int) -> None:
        loop, ended, stream = asyncio.get_running_loop(), asyncio.Event(), _Stream(self._take, self.counters)

        def readable() -> None:
            try:
                data = os.read(file, 4_096)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                ended.set()
            stream.feed(data)

        loop.add_reader(file, readable)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(file)


class EmulatedPort:
    """Meters of the emulator around this gateway, in an air of real time; each has its key from the gateway's."""

    def __init__(self, network: int, key: bytes, meters: int, take: Take) -> None:
        from openmains.emulator.gateway.place import (
            Place,  # meters and their driver pages, which a real box never needs
        )

        self.counters: Counter[str] = Counter()
        self._take = take
        self._place = Place(network, key, meters, random.SystemRandom().getrandbits(32), self._heard)

    def send(self, frame: AirFrame) -> None:
        self._place.send(frame)
        self.counters["sent"] += 1

    def _heard(self, frame: AirFrame) -> None:
        self.counters["received"] += 1
        self._take(frame)

    async def run(self) -> None:
        self._place.begin(_now_ms())
        while True:
            self._place.run(_now_ms())
            await asyncio.sleep(0.02)


def port_of(south: South, network: int, key: bytes, take: Take) -> SouthPort:
    """What the file asks for."""
    if south.kind == "tcp":
        return TcpPort(south.host, south.port, take)
    if south.kind == "serial":
        return SerialPort(south.path, south.speed, take)
    return EmulatedPort(network, key, south.meters, take)


class _Stream:
    """Frames out of a line's bytes. A false beginning holds back what may still be its frame, until the line is silent."""

    def __init__(self, take: Take, counters: Counter[str]) -> None:
        self._take, self._counters = take, counters
        self._deframer = AirDeframer()
        self._silent: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None
        self._hand_on(self._deframer.feed(data))
        if self._deframer.pending:
            self._silent = asyncio.get_running_loop().call_later(
                SILENT_S, lambda: self._hand_on(self._deframer.flush())
            )

    def _hand_on(self, frames: Iterable[AirFrame]) -> None:
        for frame in frames:
            self._counters["received"] += 1
            self._take(frame)


def _open_line(path: str, speed: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        kept = termios.tcgetattr(file)
        kept[0] = kept[1] = kept[3] = 0
        kept[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        kept[4] = kept[5] = getattr(termios, f"B{speed}")
        kept[6][termios.VMIN], kept[6][termios.VTIME] = 1, 0
        termios.tcsetattr(file, termios.TCSANOW, kept)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(file)
        raise
    return file


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
