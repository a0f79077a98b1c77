# SPDX-License-Identifier: Apache-2.0
"""Load generators over DTLS: protected reports of many sessions, and handshakes, as fast as two cores shared with the server allow.

``SecureLoad`` is ``Load`` with sessions: the same requests, retransmissions and book-keeping; each CoAP message becomes
one record of its meter's session, each answer is opened and checked. Records can be sealed before the clock starts
(``sealed_ahead``), then a report costs one system call's share while it is measured. Sessions come from handshakes with
the real server (``Handshakes``), or ready made from both ends' dumps (``session_pair``).

A meter's requests leave from one socket for ever, so that no address ever changes: the number of meters is a multiple
of 256 × sockets.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmains.bench.load.plain import Frames, Ints, Load, LoadResult
from openmains.domain.fleet.identifiers import imei_text
from openmains.wire.dtls.client import Client, Timing
from openmains.wire.dtls.codes import Content
from openmains.wire.dtls.events import Connected, Failed
from openmains.wire.dtls.record import HEADER_SIZE
from openmains.wire.dtls.session import Session, inner
from openmains.wire.dtls.suites import SUITES

RUN = 256  # meters of one socket in a row, as in ``load``
CID_SIZE = 8
PEER = "platform"
CCM_8 = 0xC0A8
_GIVE_UP_S = 20.0
_BATCH = 4096


@dataclass(slots=True)
class HandshakeResult:
    """``sessions`` by place; None where the handshake failed or was not reached in time."""

    seconds: float
    done: int
    failed: int
    per_second: float
    cpu_share: float
    sessions: list[Session | None]


def sockets_for(count: int, most: int) -> int:
    """As many sockets as fit the number of meters; raises ``ValueError`` for one that is no multiple of 256."""
    runs, rest = divmod(count, RUN)
    if rest or not runs:
        raise ValueError(f"{count} meters are no multiple of {RUN}")
    return max(n for n in range(1, min(most, runs) + 1) if runs % n == 0)


def socket_of(place: int, sockets: int) -> int:
    """The socket of the meter at this place."""
    return place // RUN % sockets


def open_sockets(target: tuple[str, int], count: int) -> list[socket.socket]:
    """Connected, non-blocking; raises ``OSError``."""
    family, kind, _, _, address = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)[0]
    made = []
    for _ in range(count):
        opened = socket.socket(family, kind)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.connect(address)
        made.append(opened)
    return made


class Handshakes:
    """One handshake for each meter, one at a time on each socket. ``key_of``: IMEI → PSK."""

    def __init__(
        self, sockets: Sequence[socket.socket], first_imei: int, count: int, key_of: Callable[[int], bytes]
    ) -> None:
        self._sockets, self._first_imei, self._count, self._key_of = sockets, first_imei, count, key_of
        self._clients: list[Client | None] = [None] * len(sockets)
        self._places: list[int] = [-1] * len(sockets)
        self._begun: list[float] = [0.0] * len(sockets)
        self._todo = [
            iter([place for place in range(count) if socket_of(place, len(sockets)) == index])
            for index in range(len(sockets))
        ]
        self._sessions: list[Session | None] = [None] * count
        self._done = self._failed = 0

    def run(self, seconds: float = 600.0) -> HandshakeResult:
        """Until all are made or the time is over. Blocks."""
        poller = select.poll()
        for opened in self._sockets:
            poller.register(opened, select.POLLIN)
        by_fd = {opened.fileno(): index for index, opened in enumerate(self._sockets)}
        cpu, begin = time.process_time(), time.perf_counter()
        for index in range(len(self._sockets)):
            self._next(index, begin)
        next_scan = begin + 0.2
        while (now := time.perf_counter()) < begin + seconds and any(self._clients):
            for fd, _ in poller.poll(50):
                self._receive(by_fd[fd])
            if now >= next_scan:
                next_scan = now + 0.2
                self._timers(now)
        spent = time.perf_counter() - begin
        share = (time.process_time() - cpu) / spent
        return HandshakeResult(spent, self._done, self._failed, self._done / spent, share, self._sessions)

    def _next(self, index: int, now: float) -> None:
        place = next(self._todo[index], -1)
        self._places[index], self._begun[index] = place, now
        if place < 0:
            self._clients[index] = None
            return
        imei = self._first_imei + place
        client = Client(
            PEER,
            psk=self._key_of(imei),
            identity=imei_text(imei).encode(),
            random=os.urandom,
            suites=(CCM_8,),
            cid=place.to_bytes(CID_SIZE, "big"),
            timing=Timing(first_wait_s=2.0),
        )
        self._clients[index] = client
        client.start(now)
        self._flush(index, client)

    def _flush(self, index: int, client: Client) -> None:
        for _, datagram in client.datagrams():
            with suppress(BlockingIOError, ConnectionRefusedError):
                self._sockets[index].send(datagram)

    def _receive(self, index: int) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                self._heard(index, self._sockets[index].recv(2048))

    def _heard(self, index: int, datagram: bytes) -> None:
        client = self._clients[index]
        if client is None:
            return
        now = time.perf_counter()
        events = client.receive(datagram, PEER, now)
        self._flush(index, client)
        for event in events:
            if isinstance(event, Connected):
                self._sessions[self._places[index]] = event.session
                self._done += 1
                self._next(index, now)
            elif isinstance(event, Failed):
                self._failed += 1
                self._next(index, now)

    def _timers(self, now: float) -> None:
        for index, client in enumerate(self._clients):
            if client is None:
                continue
            due = client.next_timer()
            if due is not None and due <= now:
                client.handle_timer(now)
                self._flush(index, client)
            if now - self._begun[index] > _GIVE_UP_S:
                self._failed += 1
                self._next(index, now)


def session_pair(imei: int, cid: bytes, place: int, peer: tuple[str, int]) -> tuple[Session, Session]:
    """(meter's end, platform's end) of a session that no handshake made, with random keys. ``cid``: the platform's 8
    bytes, node byte first; ``peer``: the address that the platform shall know the meter by."""
    up_key, up_iv, down_key, down_iv = os.urandom(16), os.urandom(4), os.urandom(16), os.urandom(4)
    identity, own, suite = imei_text(imei).encode(), place.to_bytes(CID_SIZE, "big"), SUITES[CCM_8]
    meter = Session(
        cid=own, uses_cid=True, their_cid=cid, identity=identity, peer=PEER, suite=suite,
        read_key=down_key, read_iv=down_iv, write_key=up_key, write_iv=up_iv,
    )  # fmt: skip
    platform = Session(
        cid=cid, uses_cid=True, their_cid=own, identity=identity, peer=peer, suite=suite,
        read_key=up_key, read_iv=up_iv, write_key=down_key, write_iv=down_iv,
    )  # fmt: skip
    return meter, platform


class SecureLoad(Load):
    """``Load`` over sessions; ``sockets`` and ``sessions`` belong together (by ``socket_of``). The sockets are closed at
    the end of ``run``."""

    def __init__(
        self,
        target: tuple[str, int],
        first_imei: int,
        sessions: Sequence[Session],
        day: int,
        rate: float,
        *,
        opened: list[socket.socket],
        window: int = 0,
        limit: int = 0,
        frames: Frames | None = None,
        sealed_ahead: int = 0,
        seed: int = 1,
    ) -> None:
        count = len(sessions)
        if len(opened) != sockets_for(count, len(opened)):
            raise ValueError(f"{len(opened)} sockets do not divide {count} meters")
        super().__init__(
            target,
            first_imei,
            count,
            day,
            rate,
            window=window,
            limit=limit,
            frames=frames,
            sockets=len(opened),
            seed=seed,
        )
        self._opened = opened
        self._sessions = sessions
        self._ready: dict[int, bytes] = {}  # first request of a batch → its records
        self._ahead: list[int] = []  # what the meters' clocks show in them
        self.bad_answers = 0  # records that do not open, or that are no answer of ours
        self._sockets = opened
        self._mid_base = int(self._random.integers(0x10000))
        self._length = len(self._sealed(0, 1))
        for first in range(0, sealed_ahead, _BATCH):
            self._ahead.append(int(time.time()))
            self._ready[first] = self._sealed(first, _BATCH)

    def _stamp(self, first: int) -> int:
        batch = first // _BATCH
        return self._ahead[batch] if batch < len(self._ahead) else super()._stamp(first)

    def _sealed(self, first: int, count: int) -> bytes:
        """Records of requests ``first`` …, one after the other."""
        return self._records(np.arange(first, first + count, dtype=np.int64), self._stamp(first))

    def _records(self, numbers: Ints, stamp: int) -> bytes:
        raw = self.messages(numbers, stamp)
        size = raw.shape[1]
        data = raw.tobytes()
        sessions, kind = self._sessions, Content.APPLICATION_DATA
        places = (numbers % len(sessions)).tolist()
        return b"".join([sessions[place].seal(kind, data[k * size : (k + 1) * size]) for k, place in enumerate(places)])

    def _repeated(self, numbers: Ints, stamp: int) -> NDArray[np.uint8]:
        """New records of the same messages."""
        return np.frombuffer(self._records(numbers, stamp), dtype=np.uint8).reshape(len(numbers), -1)

    def datagrams(self, first: int, count: int) -> NDArray[np.uint8]:
        """Records of a batch on its way."""
        ready = self._ready.pop(first, None) if count > 1 else None
        data = ready if ready is not None else self._sealed(first, count)
        return np.frombuffer(data, dtype=np.uint8).reshape(count, -1)

    def _connect(self, seconds: float) -> None:
        self._connected(self._length)

    def _acknowledge(self, index: int, number: int, message: bytes) -> None:
        session = self._sessions[number % len(self._sessions)]
        self._put(index, session.seal(Content.APPLICATION_DATA, message))

    def _receive(self, index: int, source: socket.socket) -> None:
        heads: list[bytes] = []
        take = source.recv
        with suppress(BlockingIOError, ConnectionRefusedError):
            for _ in range(4096):
                head = self._opened_record(take(2048))
                if head is None:
                    self.bad_answers += 1
                    continue
                heads.append(head)
        if not heads:
            return
        now = time.perf_counter()
        whole = [head if len(head) == 8 else self._short(index, head, now) for head in heads]
        joined = b"".join(whole)
        self._answers(index, np.frombuffer(joined, dtype=np.uint8).reshape(-1, 8), now)

    def _opened_record(self, datagram: bytes) -> bytes | None:
        """First 8 bytes of the CoAP message in a record to one of our sessions; None for anything else."""
        found = self._message_of(datagram)
        return None if found is None else found[1][:8]

    def _message_of(self, datagram: bytes) -> tuple[int, bytes] | None:
        """(place of the meter, CoAP message) of a record to one of our sessions; None for anything else."""
        if datagram[:1] != b"\x19":
            return None
        place = int.from_bytes(datagram[11 : 11 + CID_SIZE], "big")
        if place >= len(self._sessions):
            return None
        content = self._sessions[place].open(datagram, HEADER_SIZE + CID_SIZE)
        if content is None:
            return None
        kind, data = inner(content)
        return (place, data) if kind == Content.APPLICATION_DATA else None


def run_secure(
    target: tuple[str, int],
    first_imei: int,
    count: int,
    key_of: Callable[[int], bytes],
    day: int,
    rate: float,
    seconds: float,
    *,
    window: int = 0,
    most_sockets: int = 64,
    sealed_ahead: int = 0,
    frames: Frames | None = None,
) -> tuple[HandshakeResult, LoadResult]:
    """Handshakes first, then the load; the meters that got no session make it fail with ``RuntimeError``."""
    opened = open_sockets(target, sockets_for(count, most_sockets))
    made = Handshakes(opened, first_imei, count, key_of).run()
    sessions = [session for session in made.sessions if session is not None]
    if len(sessions) < count:
        raise RuntimeError(f"{count - len(sessions)} of {count} handshakes failed")
    load = SecureLoad(
        target, first_imei, sessions, day, rate, opened=opened, window=window, frames=frames, sealed_ahead=sealed_ahead
    )
    return made, load.run(seconds)
