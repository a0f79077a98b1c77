# SPDX-License-Identifier: Apache-2.0
"""Meters that speak DTLS with Connection ID to a running system: a real socket, our own client, every server record noted.

``seen`` holds the (epoch, sequence) of each protected record that the server sent under each session: a number that comes
twice with other bytes would be a nonce used twice.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from openmains.wire.coap.call import Call, ResponseReceived, TimedOut
from openmains.wire.coap.endpoint import Endpoint as CoapEndpoint
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Method
from openmains.wire.dtls.client import Client, Timing
from openmains.wire.dtls.events import Closed, Connected, Failed, Received
from tests.support.patience import PATIENCE_S
from tests.support.system import System

QUICK = Timing(first_wait_s=0.5, max_wait_s=4.0, retransmissions=8)
ANSWER_S = 30.0


def import_keys(system: System, keys: dict[int, bytes]) -> None:
    """As an operator does: a CSV through the command."""
    file = system.var / f"keys-{secrets.token_hex(4)}.csv"
    file.write_text("imei,psk\n" + "".join(f"{imei},{key.hex()}\n" for imei, key in keys.items()))
    command = [sys.executable, "-m", "openmains.run.cli", "keys", "import", str(file)]
    env = os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    Path(file).unlink()


class SecureMeter(asyncio.DatagramProtocol):
    """One meter. ``handshakes`` counts those that it completed."""

    def __init__(self, imei: int, psk: bytes, port: int, *, seed: int = 1) -> None:
        self.imei, self._psk, self._port = imei, psk, port
        self._loop = asyncio.get_running_loop()
        self._coap = CoapEndpoint(seed=seed * 0x9E3779B97F4A7C15)
        self._transport: asyncio.DatagramTransport | None = None
        self._client: Client | None = None
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._calls: dict[Call, asyncio.Future[tuple[int, bytes]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.handshakes = 0
        self.closed = False
        self.seen: dict[bytes, dict[bytes, bytes]] = {}  # our CID → nonce on the wire → record
        self.reused: list[bytes] = []
        self.asked: list[Request] = []
        self.on_request: Callable[[Request], tuple[int, bytes]] = lambda request: (0x44, b"")

    async def open(self) -> None:
        """A socket (another one after the network gave a new address); the session stays."""
        if self._transport is not None:
            self._transport.close()
        self._transport, _ = await self._loop.create_datagram_endpoint(
            lambda: self, remote_addr=("127.0.0.1", self._port)
        )

    async def connect(self, *, cid: bytes | None = None) -> bool:
        """A handshake; whether it succeeded."""
        if self._transport is None:
            await self.open()
        self._connected = self._loop.create_future()
        self._client = Client(
            "server", psk=self._psk, identity=f"{self.imei:015d}".encode(), random=os.urandom,
            cid=secrets.token_bytes(4) if cid is None else cid, timing=QUICK,
        )  # fmt: skip
        self._client.start(self._loop.time())
        self._flush()
        return await asyncio.wait_for(self._connected, PATIENCE_S)

    async def request(
        self, path: Sequence[str], payload: bytes, method: int = Method.POST, **more: object
    ) -> tuple[int, bytes]:
        """Ask; (code, payload), code 0 without an answer."""
        call = self._coap.client.request(
            "server",
            method,
            path,
            payload,
            chance=0.5,
            now=self._loop.time(),
            **more,  # type: ignore[arg-type]
        )
        self._calls[call] = self._loop.create_future()
        self._flush()
        return await self._calls[call]

    async def report(self, payload: bytes) -> tuple[int, bytes]:
        """``POST /r``."""
        return await self.request(("r",), payload)

    def sequence_used(self) -> int:
        """Records sent so far in this session."""
        assert self._client is not None and self._client.session is not None
        return self._client.session.send_seq

    def close(self) -> None:
        """Away without a word, as a sleeping meter."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self._client is None:
            return
        self._note(data)
        now = self._loop.time()
        for event in self._client.receive(data, "server", now):
            if isinstance(event, Received):
                self._on_coap(event.data, now)
            elif isinstance(event, Connected):
                self.handshakes += 1
                self._settle(True)
            elif isinstance(event, Failed):
                self._settle(False)
            elif isinstance(event, Closed):
                self.closed = True
        self._flush()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there at the moment: as good as lost."""

    # --- inside ---

    def _note(self, data: bytes) -> None:
        """Protected records to us: 25, version, epoch and sequence (8), our CID (4), length (2), explicit nonce (8), …"""
        if data[:1] == b"\x19" and len(data) > 25:
            nonces = self.seen.setdefault(data[11:15], {})
            nonce = data[17:25]
            if nonces.setdefault(nonce, data) != data:
                self.reused.append(nonce)

    @property
    def _upper(self) -> Any:
        """What lives on the session: has ``datagrams`` and ``next_timer``."""
        return self._coap

    def _settle(self, outcome: bool) -> None:
        if not self._connected.done():
            self._connected.set_result(outcome)

    def _on_coap(self, data: bytes, now: float) -> None:
        for event in self._coap.receive(data, "server", now):
            self._on_coap_event(event, now)

    def _on_coap_event(self, event: object, now: float) -> None:
        if isinstance(event, ResponseReceived):
            waiting = self._calls.pop(event.call, None)
            if waiting is not None and not waiting.done():
                waiting.set_result((event.code, event.payload))
        elif isinstance(event, TimedOut):
            waiting = self._calls.pop(event.call, None)
            if waiting is not None and not waiting.done():
                waiting.set_result((0, b""))
        elif isinstance(event, Request):
            self.asked.append(event)
            code, payload = self.on_request(event)
            self._coap.server.respond(event.exchange, code, payload, now=now)

    def _flush(self) -> None:
        now = self._loop.time()
        client = self._client
        if client is None or self._transport is None or self._transport.is_closing():
            return
        for _, data in self._upper.datagrams():
            client.send(data, now)
        for _, datagram in client.datagrams():
            self._transport.sendto(datagram)
        dues = [due for due in (client.next_timer(), self._upper.next_timer()) if due is not None]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if dues:
            self._timer = self._loop.call_later(max(min(dues) - now, 0.0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._client is not None:
            for event in self._client.handle_timer(now):
                if isinstance(event, Failed):
                    self._settle(False)
        self._on_upper_timer(now)
        self._flush()

    def _on_upper_timer(self, now: float) -> None:
        for event in self._coap.handle_timer(now):
            self._on_coap_event(event, now)
