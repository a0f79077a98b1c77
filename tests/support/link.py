# SPDX-License-Identifier: Apache-2.0
"""The ports of ``app.link`` for its tests: a clock that the test moves, a terminal, a link that writes down what it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from openmains.app.command.downlink import DownFrame
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.ports import Done, Terminal

EPOCH_US = 1_789_000_000_000_000
IMEI = 861_234_567_890_123


class VirtualClock:
    """``Clock``: stands still until ``run``."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def unix_us(self) -> int:
        return EPOCH_US + round(self.now * 1e6)

    def call_later(self, seconds: float, call: Callable[[], None], /) -> object:
        self._calls.append((self.now + seconds, call))
        return None

    def run(self, seconds: float) -> None:
        """Let so much time pass: what is due meanwhile is called at its time."""
        end = self.now + seconds
        while due := [each for each in self._calls if each[0] <= end]:
            first = min(due, key=lambda each: each[0])
            self._calls.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end


@dataclass
class Seat:
    """``Terminal``: a meter at an address that was shown to be its own, unless the test says otherwise."""

    imei: int = IMEI
    cid: bytes = b"\x01seat-01"
    host: str = "192.0.2.1"
    address: object = ("192.0.2.1", 5684)
    proven: bool = True
    heard_us: int = 0

    @property
    def text(self) -> str:
        return f"{self.imei:015d}"


@dataclass
class RecordingLink:
    """``Link`` over the seats it is given. A confirmed address makes its terminal proven if it is still there."""

    seats: list[Seat] = field(default_factory=list)
    sent: list[tuple[bytes, bytes]] = field(default_factory=list)
    confirmed: list[object] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    served: list[bytes] = field(default_factory=list)
    wanted: int = 0  # how often somebody had something to say

    def terminal(self, imei: int) -> Seat | None:
        return next((seat for seat in reversed(self.seats) if seat.imei == imei), None)

    def terminal_of(self, cid: bytes) -> Seat | None:
        return next((seat for seat in self.seats if seat.cid == cid), None)

    def send(self, cid: bytes, message: bytes, now: float) -> None:
        self.sent.append((cid, message))

    def transmit_soon(self) -> None:
        self.wanted += 1

    def confirm(self, terminal: Terminal, address: object) -> None:
        self.confirmed.append(address)
        seat = self.terminal_of(terminal.cid)
        if seat is not None and seat.address == address:
            seat.proven = True

    def in_service(self, terminal: Terminal) -> None:
        self.served.append(terminal.cid)

    def close_session(self, imei: int) -> None:
        self.closed.append(imei)
        self.seats = [seat for seat in self.seats if seat.imei != imei]


@dataclass
class RecordingSender:
    """``FrameSender``: commands whose frames were sent, with the session."""

    channel = "test"
    place = "down"

    sent: list[tuple[int, bytes]] = field(default_factory=list)

    def send_frame(self, terminal: Terminal, frame: DownFrame, now: float) -> None:
        self.sent.append((frame.command_id, terminal.cid))


@dataclass
class RecordingStream:
    """What was put into the stream; the test says when, and whether, it is there."""

    uplinks: list[tuple[Uplink, Callable[[bool], None]]] = field(default_factory=list)

    def publish(self, uplink: Uplink, done: Callable[[bool], None]) -> None:
        self.uplinks.append((uplink, done))

    def paths(self) -> list[str]:
        return [uplink.path for uplink, _ in self.uplinks]


@dataclass
class SessionRow:
    """``Stored``."""

    imei: int
    secrets: bytes
    reserved: int
    newest: int = -1
    heard_us: int = 0
    sent: int = 0
    run: int = 0
    registration: bytes | None = None
    peer: str = ""
    address: str | None = None


@dataclass
class SessionRows:
    """``SessionStore`` whose every change is on disk at once."""

    rows: dict[bytes, SessionRow] = field(default_factory=dict)

    def find(self, cid: bytes) -> SessionRow | None:
        return self.rows.get(cid)

    def cid_at(self, peer: str) -> bytes | None:
        return next((cid for cid, row in self.rows.items() if row.address == peer), None)

    def cid_of(self, imei: int) -> bytes | None:
        return next((cid for cid, row in self.rows.items() if row.imei == imei), None)

    def add(
        self,
        cid: bytes,
        imei: int,
        secrets: bytes,
        reserved: int,
        peer: str,
        now_us: int,
        done: Done,
        *,
        by_address: bool,
    ) -> None:
        if by_address and (before := self.cid_at(peer)) is not None:
            del self.rows[before]
        address = peer if by_address else None
        self.rows[cid] = SessionRow(imei, secrets, reserved, peer=peer, heard_us=now_us, address=address)
        done(True)

    def reserve(self, cid: bytes, reserved: int, done: Done) -> None:
        self.rows[cid].reserved = reserved
        done(True)

    def note(self, cid: bytes, newest: int, peer: str, now_us: int, sent: int, run: int) -> None:
        if cid in self.rows:
            self.rows[cid] = replace(self.rows[cid], newest=newest, peer=peer, heard_us=now_us, sent=sent, run=run)

    def register(self, cid: bytes, registration: bytes | None) -> None:
        self.rows[cid].registration = registration

    def remove(self, cid: bytes) -> None:
        self.rows.pop(cid, None)
