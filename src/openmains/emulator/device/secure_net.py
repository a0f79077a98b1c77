# SPDX-License-Identifier: Apache-2.0
"""UDP sockets for meters with DTLS sessions: the asyncio shell around ``SecureDevice``, with a bad network by option.

Many meters share a socket, as they share a carrier's address translation. Records to a meter are told apart by the
connection id that it chose; a handshake has none yet, so behind one socket they are made one after the other. A meter
whose address changes goes on over another socket: to the platform it is the same session from a new address.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import cast

from openmains.emulator.device.endpoint import PERFECT, Done, Network
from openmains.emulator.device.secure_device import CID_SIZE, SecureDevice

_CID_RECORD = bytes((25,))
_CID_AT = 11


class _Socket(asyncio.DatagramProtocol):
    """One socket, and the handshakes that wait for it."""

    def __init__(self, net: "SecureNet") -> None:
        self._net = net
        self.transport: asyncio.DatagramTransport | None = None
        self.handshaking: SecureDevice | None = None
        self.queue: deque[SecureDevice] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._net.arrived(self, data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there at the moment: as good as lost."""


class SecureNet:
    """Made by ``open``. ``listens(place)``: whether that meter's radio is on; a sleeping one hears nothing.

    ``address_changes``: share of reports before which the meter's address has changed. Counters: handshakes, asleep
    (datagrams that a sleeping meter did not hear), moved.
    """

    def __init__(
        self,
        devices: Sequence[SecureDevice],
        *,
        rng: random.Random,
        network: Network = PERFECT,
        address_changes: float = 0.0,
        listens: Callable[[int], bool] = lambda place: True,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._devices, self._rng, self._network = devices, rng, network
        self._changes, self._listens = address_changes, listens
        self._by_cid = {device.cid: device for device in devices}
        self._sockets: list[_Socket] = []
        self._queued: set[int] = set()
        self._heap: list[tuple[float, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # when it fires

    async def open(self, target: tuple[str, int], sockets: int) -> None:
        """So many sockets towards ``target``; raises ``OSError``."""
        for _ in range(sockets):
            _, made = await self._loop.create_datagram_endpoint(lambda: _Socket(self), remote_addr=target)
            self._sockets.append(made)
        for device in self._devices:
            device.socket = device.place % sockets

    def close(self) -> None:
        """Close the sockets; what is open ends without a word."""
        if self._timer is not None:
            self._timer.cancel()
        for one in self._sockets:
            if one.transport is not None:
                one.transport.close()

    def report(self, place: int, payload: bytes, done: Done) -> None:
        """A report of one meter."""
        device = self._devices[place]
        if self._changes and device.connected and self._rng.random() < self._changes:
            self.move(place)
        device.report(payload, done, self._loop.time())
        self._touched(device)

    def move(self, place: int) -> None:
        """The meter's address changes."""
        device = self._devices[place]
        others = len(self._sockets) - 1
        if others and device.connected:
            device.socket = (device.socket + 1 + self._rng.randrange(others)) % len(self._sockets)
            self.counters["moved"] += 1

    # -- inside ----------------------------------------------------------------------------------------------------

    def arrived(self, socket: _Socket, data: bytes) -> None:
        """From the socket; the network may lose, double or delay it."""
        self._network.carry(data, partial(self._deliver, socket), self._rng, self._loop.call_later)

    def _deliver(self, socket: _Socket, data: bytes) -> None:
        named = data[:1] == _CID_RECORD
        device = self._by_cid.get(data[_CID_AT : _CID_AT + CID_SIZE]) if named else socket.handshaking
        if device is None:
            return
        if not device.busy and not self._listens(device.place):
            self.counters["asleep"] += 1
            return
        device.receive(data, self._loop.time())
        self._touched(device)

    def _touched(self, device: SecureDevice) -> None:
        """After anything: handshakes take turns, datagrams go out, the timer is set."""
        socket = self._sockets[device.socket]
        if device.dtls is None and device.busy and device.place not in self._queued:
            self._queued.add(device.place)
            socket.queue.append(device)
        if socket.handshaking is device and (device.connected or device.dtls is None):
            socket.handshaking = None
        self._flush(device)
        while socket.handshaking is None and socket.queue:
            turn = socket.queue.popleft()
            self._queued.discard(turn.place)
            if turn.dtls is None and turn.busy:
                socket.handshaking = turn
                self.counters["handshakes"] += 1
                turn.connect(self._loop.time())
                self._flush(turn)

    def _flush(self, device: SecureDevice) -> None:
        transport = self._sockets[device.socket].transport
        for data in device.datagrams():
            if transport is None or transport.is_closing():
                continue
            self._network.carry(data, transport.sendto, self._rng, self._loop.call_later)
        due = device.next_timer()
        if due is not None and (device.armed is None or due < device.armed):
            device.armed = due
            heappush(self._heap, (due, device.place))
            self._schedule()

    def _schedule(self) -> None:
        due = self._heap[0][0]
        if self._timer is None or due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = self._loop.call_at(due, self._on_timer), due

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._heap and self._heap[0][0] <= now:
            _, place = heappop(self._heap)
            device = self._devices[place]
            device.armed = None
            device.handle_timer(now)
            self._touched(device)
        if self._heap:
            self._schedule()
