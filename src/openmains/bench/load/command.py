# SPDX-License-Identifier: Apache-2.0
"""``SecureLoad`` whose meters also take what the platform writes to them, and note when it came.

A meter acknowledges the write of a frame (CoAP 2.04) and says nothing more: what is measured is the way to it. The time runs from
the first sending of its newest report to the arrival of the record with the frame at this socket.
"""

import time
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmains.bench.load.secure import SecureLoad
from openmains.wire.dtls.codes import Content

_CON, _ACK, _RST = 0x40, 0x60, 0x70
_PUT, _CHANGED = 0x03, 0x44
_KINDS = 0xF0  # version and type


class CommandLoad(SecureLoad):
    """``waits``: ms from report to command, by arrival; ``arrived``: when, s of this run's clock; ``repeated`` frames.

    ``commands``: so many meters are waited for at the end of the run, as for answers to reports.
    """

    def __init__(self, *args: Any, commands: int = 0, **more: Any) -> None:
        super().__init__(*args, **more)
        self._commands = commands
        self.waits: list[float] = []
        self.arrived: list[float] = []
        self.repeated = 0
        self._seen: set[int] = set()  # places that have had their command

    def _is_done(self) -> bool:
        return super()._is_done() and len(self._seen) >= self._commands

    def _receive(self, index: int, source: Any) -> None:
        self._socket_index = index
        super()._receive(index, source)

    def _opened_record(self, datagram: bytes) -> bytes | None:
        found = self._message_of(datagram)
        if found is None or len(found[1]) < 4:
            return None
        place, data = found
        if data[0] & _KINDS == _CON and data[1] in (0, _PUT):
            self._asked(place, data)
            return b"\0" * 8  # no answer to a report: passed over
        return data[:8]

    def _asked(self, place: int, data: bytes) -> None:
        if data[1] == _PUT:
            token = data[0] & 0x0F
            answer = bytes((_ACK | token, _CHANGED)) + data[2 : 4 + token]
            if place in self._seen:
                self.repeated += 1
            else:
                now = time.perf_counter()
                self._seen.add(place)
                newest = self._next - 1 - (self._next - 1 - place) % len(self._sessions)
                self.waits.append((now - float(self._book.sent_at[newest])) * 1000)
                self.arrived.append(now)
        else:
            answer = bytes((_RST, 0)) + data[2:4]
        with suppress(BlockingIOError, ConnectionRefusedError):
            self._sockets[self._socket_index].send(self._sessions[place].seal(Content.APPLICATION_DATA, answer))

    def figures(self) -> dict[str, float]:
        """p50, p95, p99 in ms; commands a second between the first and the last tenth percentile of arrivals."""
        if not self.waits:
            return {"commands": 0, "p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0, "commands_per_s": 0.0}
        waits: NDArray[np.float64] = np.asarray(self.waits)
        at: NDArray[np.float64] = np.asarray(self.arrived)
        low, high = np.percentile(at, [5, 95])
        within = int(((at >= low) & (at <= high)).sum())
        p50, p95, p99 = (float(value) for value in np.percentile(waits, [50, 95, 99]))
        return {
            "commands": len(waits),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "commands_per_s": within / max(float(high - low), 1e-6),
        }
