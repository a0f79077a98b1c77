# SPDX-License-Identifier: Apache-2.0
"""A concentrator or DTU on a real socket: it dials, registers, beats, and dials again whenever its connection ends, as such boxes do."""

import asyncio
import ssl
import time
from collections.abc import Callable

from openmains.emulator.station.terminal import StationTerminal

BEAT_S = 60.0
DIAL_AGAIN_S = 2.0
LOOK_S = 0.5  # at what is to be said, and whether to stop


class LiveStation:
    """``signal_dbm()``: what its radio hears now, for the heartbeat. ``tls``: its certificate, None on a connection in clear."""

    def __init__(
        self,
        terminal: StationTerminal,
        target: tuple[str, int],
        *,
        tls: ssl.SSLContext | None = None,
        signal_dbm: Callable[[], int] = lambda: -80,
        beat_s: float = BEAT_S,
    ) -> None:
        self.terminal, self.dialled = terminal, 0
        self._target, self._tls, self._signal_dbm, self._beat_s = target, tls, signal_dbm, beat_s

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what keeps it from its main station is waited out."""
        host, port = self._target
        while not stop.is_set():
            try:
                reader, writer = await asyncio.open_connection(host, port, ssl=self._tls)
                self.dialled += 1
                try:
                    await self._talk(reader, writer, stop)
                finally:
                    writer.close()
            except OSError:  # nobody there yet, or gone: TLS's errors are of this kind too
                pass
            try:
                await asyncio.wait_for(stop.wait(), DIAL_AGAIN_S)
            except TimeoutError:
                continue

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stop: asyncio.Event) -> None:
        self.terminal.connected()
        loop = asyncio.get_running_loop()
        beat_at = loop.time()
        reading: asyncio.Task[bytes] | None = None
        try:
            while not stop.is_set():
                if self.terminal.is_registered and loop.time() >= beat_at:
                    beat_at = loop.time() + self._beat_s
                    self.terminal.beat(int(time.time()), self._signal_dbm())
                if out := self.terminal.to_send():
                    writer.write(out)
                    await writer.drain()
                reading = reading or asyncio.create_task(reader.read(4096))
                await asyncio.wait((reading,), timeout=LOOK_S)
                if not reading.done():
                    continue
                data, reading = reading.result(), None
                if not data:
                    return
                self.terminal.receive(data)
        finally:
            if reading is not None:
                reading.cancel()
