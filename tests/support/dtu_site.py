# SPDX-License-Identifier: Apache-2.0
"""A DTU with a line of emulated meters on the TCP port of a running system."""

import asyncio
import random
import threading
import time

from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal


class Site:
    """A DTU with its line, in a thread of its own: it dials again whenever its connection ends, as such boxes do. The line adds bytes of noise
    and cuts what it hands on; while ``mute``, the meters hear and nothing comes back."""

    def __init__(self, port: int, terminal: StationTerminal, meters: list[EmulatedLineMeter]) -> None:
        self.port, self.terminal, self.meters = port, terminal, meters
        self.mute = False
        self._stop = threading.Event()
        self._noise = random.Random(188)  # noqa: S311 - the same noise in every run is wanted
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.2)
                continue
            self.terminal.connected()
            try:
                await self._talk(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()
            await asyncio.sleep(0.2)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self._stop.is_set():
            if out := self.terminal.to_send():
                cut = self._noise.randrange(len(out))
                writer.write(out[:cut])
                await asyncio.sleep(0)
                writer.write(out[cut:])
            try:
                data = await asyncio.wait_for(reader.read(4096), 0.1)
            except TimeoutError:
                continue
            if not data:
                return
            for raw in self.terminal.receive(data):
                back = b"".join(meter.receive(raw, int(time.monotonic() * 1000)) for meter in self.meters)
                if back and not self.mute:
                    noisy = self._noise.randbytes(self._noise.randrange(4)) + back
                    cut = self._noise.randrange(len(noisy))
                    self.terminal.hand_on(noisy[:cut])
                    self.terminal.hand_on(noisy[cut:])
