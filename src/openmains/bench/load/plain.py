# SPDX-License-Identifier: Apache-2.0
"""Load generator: valid daily reports of up to millions of meters at a steady rate, on a fraction of a core.

It shares the machine with the server it measures, so it is built around what a packet costs: datagrams are made in
numpy batches (``load_frames``), equal lengths leave in one system call (UDP segmentation offload where the kernel has
it), and of an answer only the first eight bytes are read: type, code, message id and the token, which is the request's
number. Behaviour on the wire is RFC 7252's: confirmable, retransmitted after 2–3 s with doubling, four times at most
(section 4.2), message ids not used again within EXCHANGE_LIFETIME (247 s), which is why there are many sockets.

Request n is the report of meter ``n % meters`` in round ``n // meters``; each round is one day later than the last.
"""

import argparse
import json
import select
import socket
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmains.bench.load.frames import DailyReports
from openmains.wire.coap.message import code_text

Ints = NDArray[np.int64]
Frames = Callable[[Ints, Ints, int], NDArray[np.uint8]]  # (meter indices, days, meters' clock) → frames × bytes

ACK_TIMEOUT_S = 2.0  # RFC 7252 section 4.8
ACK_RANDOM_FACTOR = 1.5
MAX_RETRANSMIT = 4
EXCHANGE_LIFETIME_S = 247.0
SEPARATE_WAIT_S = 93.0  # after an empty ACK: MAX_TRANSMIT_WAIT, then it counts as failed

_RUN = 256  # messages in a row on one socket
_BATCH = 4096  # datagrams made at a time
_SEGMENTS = 48  # datagrams in one send call
_SOL_UDP, _UDP_SEGMENT = 17, 103
_TICK_S = 0.002
_NUMBER_BITS = 24  # of a token; the rest tells the load


@dataclass(slots=True)
class LoadResult:
    """What was sent and acknowledged. Times in ms from the first transmission; ``acked`` holds request numbers."""

    seconds: float
    sent: int
    acknowledged: int
    retransmitted: int
    timed_out: int
    per_second: float
    p50_ack_ms: float
    p90_ack_ms: float
    p99_ack_ms: float
    max_ack_ms: float
    p99_last_ms: float  # from the last transmission before the answer: how long the server took
    cpu_seconds: float  # of the generator itself
    cpu_share: float
    segmented: bool
    codes: dict[str, int] = field(default_factory=dict)
    meters: int = 0
    first_day: int = 0
    acked: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def acked_pairs(self) -> tuple[Ints, Ints]:
        """(meter index, day) of every acknowledged report; each pair comes once."""
        return self.acked % self.meters, self.acked // self.meters + self.first_day

    def summary(self) -> dict[str, object]:
        """Everything but the set, for JSON."""
        values = {name: value for name, value in asdict(self).items() if name != "acked"}
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


class _Book:
    """What is known of each request, by its number; grows by doubling."""

    def __init__(self) -> None:
        self.size = 1 << 16
        self.sent_at = np.zeros(self.size)
        self.due = np.full(self.size, np.inf)
        self.tries = np.zeros(self.size, dtype=np.uint8)
        self.code = np.zeros(self.size, dtype=np.uint8)  # 0 = no answer yet
        self.latency = np.zeros(self.size, dtype=np.float32)
        self.last_sent = np.zeros(self.size)
        self.last_latency = np.zeros(self.size, dtype=np.float32)

    def reserve(self, numbers: int) -> None:
        while numbers > self.size:
            more = self.size
            self.sent_at = np.concatenate([self.sent_at, np.zeros(more)])
            self.due = np.concatenate([self.due, np.full(more, np.inf)])
            self.tries = np.concatenate([self.tries, np.zeros(more, dtype=np.uint8)])
            self.code = np.concatenate([self.code, np.zeros(more, dtype=np.uint8)])
            self.latency = np.concatenate([self.latency, np.zeros(more, dtype=np.float32)])
            self.last_sent = np.concatenate([self.last_sent, np.zeros(more)])
            self.last_latency = np.concatenate([self.last_latency, np.zeros(more, dtype=np.float32)])
            self.size += more


class Load:
    """One run against ``target`` (host, port).

    ``rate`` reports a second (open loop); with ``window`` > 0 never more than that many are unanswered (closed loop;
    rate 0 then means as fast as the window allows). ``first_imei`` + meter index is the IMEI in the path. ``day`` is
    the first round's report day, days since 1970. ``limit`` > 0 stops after that many reports.
    """

    def __init__(
        self,
        target: tuple[str, int],
        first_imei: int,
        count: int,
        day: int,
        rate: float,
        *,
        window: int = 0,
        limit: int = 0,
        frames: Frames | None = None,
        sockets: int = 0,
        seed: int = 1,
    ) -> None:
        if rate <= 0 and window <= 0:
            raise ValueError("a load needs a rate or a window")
        self._target, self._first_imei, self._count, self._day = target, first_imei, count, day
        self._rate, self._window, self._limit = rate, window, limit
        self._frames = frames or DailyReports()
        self._socket_count = sockets
        self._random = np.random.default_rng(seed)
        self._mark = (seed & 0xFF) << _NUMBER_BITS  # in each token: an answer to an earlier load is none to this one
        self._book = _Book()
        self._batch = memoryview(b"")
        self._stamps: list[tuple[int, int]] = []  # (first request of a batch, clock)
        self._batch_first = self._next = self._oldest = 0
        self._open = self._retransmitted = self._timed_out = 0
        self._sockets: list[socket.socket] = []
        self._mid_base = 0
        self.keeps_sockets = False  # they are somebody else's, who has another load for them

    # -- datagrams -------------------------------------------------------------------------------------------------

    def datagrams(self, first: int, count: int) -> NDArray[np.uint8]:
        """Datagrams of requests ``first`` …, of one batch: uint8 (count × bytes), all of one length."""
        return self.messages(np.arange(first, first + count, dtype=np.int64), self._stamp(first))

    def messages(self, numbers: Ints, stamp: int) -> NDArray[np.uint8]:
        """CoAP messages of these requests; ``stamp``: what the meters' clocks show in them."""
        count = len(numbers)
        index, days = numbers % self._count, numbers // self._count + self._day
        payload = self._frames(index, days, stamp)
        head = np.empty((count, 29), dtype=np.uint8)
        head[:, 0] = 0x44  # version 1, CON, token of 4 bytes
        head[:, 1] = 0x02  # POST
        head[:, 2:4] = self._mid_of(numbers).astype(">u2").view(np.uint8).reshape(count, 2)
        head[:, 4:8] = (self._mark | numbers).astype(">u4").view(np.uint8).reshape(count, 4)
        head[:, 8:10] = (0xB1, ord("r"))  # Uri-Path: r
        head[:, 10:12] = (0x0D, 15 - 13)  # Uri-Path, 15 bytes
        imei = self._first_imei + index
        for place in range(15):
            head[:, 26 - place] = 48 + imei % 10
            imei //= 10
        head[:, 27] = 0xFF
        return np.concatenate([head[:, :12], head[:, 12:27], head[:, 27:28], payload], axis=1)

    def _stamp(self, first: int) -> int:
        """What the meters' clocks show in a request; a retransmission must be the same bytes again."""
        place = bisect_right(self._stamps, (first, 1 << 62)) - 1
        return self._stamps[place][1] if place >= 0 else int(time.time())

    def _socket_of(self, number: int) -> int:
        return number // _RUN % len(self._sockets)

    def _mid_of(self, numbers: Ints) -> Ints:
        sockets = max(len(self._sockets), 1)
        mids: Ints = (self._mid_base + numbers // _RUN // sockets * _RUN + numbers % _RUN) & 0xFFFF
        return mids

    def _number_of(self, socket_index: int, mid: int) -> int:
        """Newest request with this message id on this socket; -1 if there is none."""
        place = (mid - self._mid_base) & 0xFFFF
        sockets = len(self._sockets)
        newest_run = (self._next - 1) // _RUN
        newest_own = (newest_run - socket_index) // sockets
        own = newest_own - (newest_own - place // _RUN) % (0x10000 // _RUN)
        number = (own * sockets + socket_index) * _RUN + place % _RUN
        return number if 0 <= number < self._next else -1

    # -- the run ---------------------------------------------------------------------------------------------------

    def run(self, seconds: float, drain_s: float = 10.0) -> LoadResult:
        """Send for ``seconds``, then wait up to ``drain_s`` for what is unanswered. Blocks."""
        self._connect(seconds)
        poller = select.poll()
        for opened in self._sockets:
            poller.register(opened, select.POLLIN)
        by_fd = {opened.fileno(): index for index, opened in enumerate(self._sockets)}
        cpu = time.process_time()
        begin = time.perf_counter()
        end, next_scan = begin + seconds, begin + 0.1
        try:
            while True:
                now = time.perf_counter()
                sending = now < end and not (self._limit and self._next >= self._limit)
                if sending:
                    self._send_due(now, now - begin)
                    stopped = now
                elif self._is_done() or now > end + drain_s:
                    break
                for fd, _ in poller.poll(0 if sending and not self._rate else 1):
                    self._receive(by_fd[fd], self._sockets[by_fd[fd]])
                if now >= next_scan:
                    self._retransmit(now)
                    next_scan = now + 0.1
                spare = _TICK_S - (time.perf_counter() - now)
                if spare > 0:
                    time.sleep(spare)
        finally:
            if not self.keeps_sockets:
                for opened in self._sockets:
                    opened.close()
        return self._result(stopped - begin, time.process_time() - cpu, time.perf_counter() - begin)

    def _is_done(self) -> bool:
        """Nothing more is expected."""
        return self._open == 0

    def _connect(self, seconds: float) -> None:
        rate = self._rate or 50_000.0
        needed = int(rate * min(seconds, EXCHANGE_LIFETIME_S) / 0x10000) + 2
        self._mid_base = int(self._random.integers(0x10000))
        family, kind, _, _, address = socket.getaddrinfo(*self._target, type=socket.SOCK_DGRAM)[0]
        for _ in range(self._socket_count or max(needed, 8)):
            opened = socket.socket(family, kind)
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            opened.connect(address)
            self._sockets.append(opened)
        self._connected(self.datagrams(0, 1).shape[1])

    def _connected(self, length: int) -> None:
        """Datagrams of one length may leave in one system call."""
        self._length, self._segments = length, min(_SEGMENTS, 60_000 // length)
        try:
            for opened in self._sockets:
                opened.setsockopt(_SOL_UDP, _UDP_SEGMENT, length)
        except OSError:
            self._segments = 1

    def _send_due(self, now: float, elapsed: float) -> None:
        quota = 1 << 20 if not self._rate else int(self._rate * elapsed) - self._next
        if self._window:
            quota = min(quota, self._window - self._open)
        if self._limit:
            quota = min(quota, self._limit - self._next)
        # after a stall the backlog is made up at no more than one run a tick
        quota = min(quota, _RUN)
        while quota > 0:
            first = self._next
            run_left = _RUN - first % _RUN
            count = min(quota, run_left, self._segments)
            if first + count > self._batch_first + _BATCH or not self._batch:
                self._batch_first = first
                self._stamps.append((first, int(time.time())))
                self._batch = memoryview(self.datagrams(first, _BATCH).tobytes())
            at = (first - self._batch_first) * self._length
            self._put(self._socket_of(first), self._batch[at : at + count * self._length])
            self._next += count
            self._open += count
            quota -= count
            book = self._book
            book.reserve(self._next)
            book.sent_at[first : self._next] = book.last_sent[first : self._next] = now
            book.due[first : self._next] = now + ACK_TIMEOUT_S * self._random.uniform(1, ACK_RANDOM_FACTOR, count)

    def _put(self, index: int, data: memoryview | bytes) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):  # lost like any datagram: it is retransmitted
            self._sockets[index].send(data)

    def _receive(self, index: int, source: socket.socket) -> None:
        heads: list[bytes] = []
        take = source.recv
        try:
            for _ in range(4096):
                heads.append(take(8))
        except BlockingIOError:
            pass
        except ConnectionRefusedError:
            pass  # nobody listens at the moment
        if heads:
            now = time.perf_counter()
            joined = b"".join(heads)
            if len(joined) != 8 * len(heads):
                heads = [self._short(index, head, now) if len(head) < 8 else head for head in heads]
                joined = b"".join(heads)
            self._answers(index, np.frombuffer(joined, dtype=np.uint8).reshape(-1, 8), now)

    def _short(self, index: int, head: bytes, now: float) -> bytes:
        """An empty ACK (the answer comes separately, section 5.2.2) or a Reset."""
        if len(head) == 4 and head[1] == 0:
            number = self._number_of(index, head[2] << 8 | head[3])
            if number >= 0 and not self._book.code[number]:
                if head[0] == 0x60:
                    self._book.due[number] = now + SEPARATE_WAIT_S
                    self._book.tries[number] = MAX_RETRANSMIT
                elif head[0] == 0x70:
                    self._book.due[number] = now
                    self._book.tries[number] = MAX_RETRANSMIT
        return b""

    def _answers(self, index: int, heads: NDArray[np.uint8], now: float) -> None:
        tokens = np.ascontiguousarray(heads[:, 4:8]).view(">u4").ravel().astype(np.int64)
        own = tokens >> _NUMBER_BITS == self._mark >> _NUMBER_BITS
        for row, token in zip(heads[(heads[:, 0] == 0x44)], tokens[(heads[:, 0] == 0x44)].tolist(), strict=True):
            self._acknowledge(index, token & (1 << _NUMBER_BITS) - 1, bytes((0x60, 0, row[2], row[3])))
        is_answer = own & (heads[:, 0] & 0xCF == 0x44) & (heads[:, 1] >= 0x40)
        heads, numbers = heads[is_answer], tokens[is_answer] & (1 << _NUMBER_BITS) - 1
        known = numbers < self._next
        numbers, codes = np.unique(numbers[known], return_index=True)
        codes = heads[known, 1][codes]
        fresh = self._book.code[numbers] == 0
        numbers, codes = numbers[fresh], codes[fresh]
        self._book.code[numbers] = codes
        self._book.due[numbers] = np.inf
        self._book.latency[numbers] = (now - self._book.sent_at[numbers]) * 1000
        self._book.last_latency[numbers] = (now - self._book.last_sent[numbers]) * 1000
        self._open -= len(numbers)

    def _acknowledge(self, index: int, number: int, message: bytes) -> None:
        """A separate answer wants an ACK (RFC 7252 section 5.2.2), also one to an earlier load. ``number``: of its request."""
        self._put(index, message)

    def _retransmit(self, now: float) -> None:
        book = self._book
        late = self._oldest + np.flatnonzero(book.due[self._oldest : self._next] <= now)
        spent = book.tries[late] >= MAX_RETRANSMIT
        given_up, again = late[spent], late[~spent]
        book.due[given_up] = np.inf
        book.code[given_up] = 0xFF
        self._timed_out += len(given_up)
        self._open -= len(given_up)
        book.tries[again] += 1
        book.last_sent[again] = now
        waits = self._random.uniform(1, ACK_RANDOM_FACTOR, len(again)) * 2.0 ** book.tries[again]
        book.due[again] = now + ACK_TIMEOUT_S * waits
        self._retransmitted += len(again)
        stamps = np.array([self._stamp(number) for number in again.tolist()], dtype=np.int64)
        for stamp in np.unique(stamps).tolist():
            self._put_again(again[stamps == stamp], stamp)
        open_ = np.flatnonzero(book.code[self._oldest : self._next] == 0)
        self._oldest = self._oldest + int(open_[0]) if len(open_) else self._next

    def _put_again(self, numbers: Ints, stamp: int) -> None:
        """Each once more, those of a socket together."""
        data, places = self._repeated(numbers, stamp), numbers // _RUN % len(self._sockets)
        order = np.argsort(places, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
            for first in range(0, len(part), self._segments):
                few = part[first : first + self._segments]
                self._put(int(places[few[0]]), data[few].tobytes())

    def _repeated(self, numbers: Ints, stamp: int) -> NDArray[np.uint8]:
        """What goes over the wire for these: bytes of one length each."""
        return self.messages(numbers, stamp)

    def _result(self, seconds: float, cpu_seconds: float, lasted: float) -> LoadResult:
        codes = self._book.code[: self._next]
        acked = np.flatnonzero(codes >> 5 == 2).astype(np.int64)
        latency = self._book.latency[acked] if len(acked) else np.zeros(1, dtype=np.float32)
        p50, p90, p99, worst = (float(value) for value in np.percentile(latency, [50, 90, 99, 100]))
        counted = Counter(codes[(codes > 0) & (codes < 0xFF)].tolist())
        return LoadResult(
            seconds=seconds,
            sent=self._next,
            acknowledged=len(acked),
            retransmitted=self._retransmitted,
            timed_out=self._timed_out,
            per_second=len(acked) / seconds if seconds else 0.0,
            p50_ack_ms=p50,
            p90_ack_ms=p90,
            p99_ack_ms=p99,
            max_ack_ms=worst,
            p99_last_ms=float(np.percentile(self._book.last_latency[acked], 99)) if len(acked) else 0.0,
            cpu_seconds=cpu_seconds,
            cpu_share=cpu_seconds / lasted,
            segmented=self._segments > 1,
            codes={code_text(code): count for code, count in sorted(counted.items())},
            meters=self._count,
            first_day=self._day,
            acked=acked,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Own process: ``python -m openmains.bench.load.plain``; one JSON line on standard output."""
    parser = argparse.ArgumentParser(prog="openmains-load", description="reports of many meters at a steady rate")
    parser.add_argument("--target", required=True, metavar="HOST:PORT")
    parser.add_argument("--first-imei", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="meters")
    parser.add_argument("--day", type=int, required=True, help="report day of the first round, days since 1970")
    parser.add_argument("--rate", type=float, default=0.0, help="reports a second; 0 = as fast as the window allows")
    parser.add_argument("--window", type=int, default=0, help="largest number of unanswered reports; 0 = no limit")
    parser.add_argument("--limit", type=int, default=0, help="stop after this many reports")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--drain", type=float, default=10.0, help="seconds to wait for answers at the end")
    parser.add_argument("--driver", default=DailyReports.driver_name)
    parser.add_argument("--utc-offset", type=int, default=480, help="minutes; day starts by this clock")
    parser.add_argument("--acked", type=Path, help="write (meter, day) of every acknowledged report here (.npz)")
    options = parser.parse_args(arguments)
    host, _, port = options.target.rpartition(":")
    load = Load(
        (host, int(port)),
        options.first_imei,
        options.count,
        options.day,
        options.rate,
        window=options.window,
        limit=options.limit,
        frames=DailyReports(options.driver, utc_offset_min=options.utc_offset),
    )
    result = load.run(options.seconds, options.drain)
    if options.acked:
        meter, day = result.acked_pairs()
        np.savez_compressed(options.acked, meter=meter.astype(np.uint32), day=day.astype(np.uint32))
    print(json.dumps(result.summary()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
