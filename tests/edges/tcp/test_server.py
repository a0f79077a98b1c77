# SPDX-License-Identifier: Apache-2.0
"""Concentrators and DTUs over real sockets: limits of each connection, TLS, and a serial line of eight meters behind a DTU."""

import asyncio
import os
import random
import socket
import ssl
import struct
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openmains.app.ingest.edge.limiter import AddressLimiter
from openmains.app.link.station.session import StationSession
from openmains.drivers import catalog
from openmains.edges.tcp.server import TcpLimits, TcpServer, open_tcp_socket, tls_context
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.dialect import Dialect
from openmains.wire.station.content import Kind, Verdict
from tests.support.patience import PATIENCE_S
from tests.support.station import AT, GAS, GAS_LINE, WATER_LINE, Town, readings

NUMBER, OTHER = "2026000000000042", "2026000000000043"
DIALECTS = [  # what a driver page's option "any" reads: order of identifiers as asked; state bits differ
    Dialect(),
    Dialect(valve_mask=0xC0, valve_open=0x00, valve_closed=0x40),
    Dialect(valve_byte=1, preamble=0),
]
LIMITS = TcpLimits(connections=50, connections_per_address=50, bytes_per_s=200_000, unread_bytes=30_000)


@asynccontextmanager
async def serving(
    town: Town,
    limits: TcpLimits = LIMITS,
    tls: ssl.SSLContext | None = None,
    trusted: str = "127.0.0.0/8",
    sock: socket.socket | None = None,
) -> AsyncIterator[tuple[TcpServer, int]]:
    sock = sock or open_tcp_socket("127.0.0.1", 0)
    server = TcpServer(
        sock,
        lambda host, certified, now, wake: StationSession(town.main, host, now, wake, certified),
        AddressLimiter(1000, [trusted], 10_000),
        limits,
        tls,
    )
    port = sock.getsockname()[1]
    await server.start()
    try:
        yield server, port
    finally:
        server.stop_reading()
        server.close()
        await until(lambda: not server.connections)


async def until(holds: Callable[[], bool]) -> None:
    """A limit only for what hangs."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


class Client:
    """A terminal on a socket."""

    def __init__(self, terminal: StationTerminal) -> None:
        self.terminal = terminal
        self.is_over = False
        self.for_line: Callable[[bytes], None] = lambda raw: None

    async def connect(
        self, port: int, tls: ssl.SSLContext | None = None, from_address: tuple[str, int] | None = None
    ) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None, local_addr=from_address
        )
        self.terminal.connected()
        self.flush()
        self.task = asyncio.create_task(self._read())

    def flush(self) -> None:
        if out := self.terminal.to_send():
            self.writer.write(out)

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(4096):
                for raw in self.terminal.receive(data):
                    self.for_line(raw)
                self.flush()
        except OSError:
            pass
        self.is_over = True

    async def close(self) -> None:
        self.writer.close()
        await asyncio.wait({self.task})


def town_of(*numbers: str) -> Town:
    town = Town()
    for n, number in enumerate(numbers):
        town.add(number, {f"{n * 100 + each}": GAS for each in range(1, 21)})
    return town


async def test_readings_of_a_concentrator_are_durable_before_they_are_acknowledged() -> None:
    town = town_of(NUMBER)
    async with serving(town) as (server, port):
        client = Client(StationTerminal(NUMBER))
        for meter in range(1, 21):
            client.terminal.hold(readings(meter, meter))
        await client.connect(port)
        await until(lambda: client.terminal.verdicts[Verdict.STORED] == 21)
        assert len(town.disk.uplinks) == 20 and not client.terminal.holds
        assert server.measures["tcp.open"] == 1 and len(town.main) == 1
        await client.close()
        await until(lambda: len(town.main) == 0)


async def test_one_that_floods_is_slowed_one_that_does_not_read_is_closed_and_others_are_served() -> None:
    town = town_of(NUMBER, "2026000000000043", "2026000000000044")
    async with serving(town) as (server, port):
        flood, deaf, good = (Client(StationTerminal(number)) for number in town.known)
        await flood.connect(port)
        await until(lambda: flood.terminal.is_registered)
        flood.writer.write(b"".join(_beats(flood.terminal, 15_000)))
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", port))
        deaf.terminal.connected()
        await loop.sock_sendall(raw, deaf.terminal.to_send())
        sending = asyncio.create_task(_send_all(raw, b"".join(_beats(deaf.terminal, 40_000))))
        await good.connect(port)
        for meter in range(201, 221):
            good.terminal.hold(readings(meter, meter))
        good.flush()
        await until(lambda: not good.terminal.holds)
        assert len(town.disk.uplinks) == 20
        await until(lambda: server.counters["slowed_down"] > 0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        raw.close()
        await flood.close()
        await good.close()


def _beats(terminal: StationTerminal, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        terminal.beat(AT)
        found.append(terminal.to_send())
    return found


async def _send_all(raw: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(raw, data)


async def test_too_many_connections_are_closed_at_once() -> None:
    town = town_of(NUMBER, OTHER, "2026000000000044")
    async with serving(town, TcpLimits(connections=3)) as (server, port):
        clients = [Client(StationTerminal(number)) for number in (*town.known, NUMBER)]
        for client in clients:
            await client.connect(port)
        await until(lambda: server.counters["closed.too_many"] == 1 and clients[-1].is_over)
        assert sum(not client.is_over for client in clients) == 3
        for client in clients:
            await client.close()
    async with serving(town, TcpLimits(connections_per_address=1), trusted="10.0.0.0/8") as (server, port):
        first, second = Client(StationTerminal(NUMBER)), Client(StationTerminal(NUMBER))
        await first.connect(port)
        await until(lambda: first.terminal.is_registered)
        await second.connect(port)
        await until(lambda: second.is_over)
        assert server.counters["closed.too_many_of_one_address"] == 1 and not first.is_over
        await first.close()
        await second.close()


async def test_of_one_terminal_the_newest_connection_stays_and_the_older_is_closed_at_once() -> None:
    async with serving(town_of(NUMBER)) as (server, port):
        older, newer = Client(StationTerminal(NUMBER)), Client(StationTerminal(NUMBER))
        await older.connect(port)
        await until(lambda: older.terminal.is_registered)
        await newer.connect(port)
        await until(lambda: older.is_over and len(server.connections) == 1)
        assert server.counters["closed.replaced"] == 1 and not newer.is_over
        await older.close()
        await newer.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_connections_that_are_reset_before_they_are_accepted_leave_nothing(run: Callable[..., None]) -> None:
    async def come_and_go() -> None:
        sock = open_tcp_socket("127.0.0.1", 0)
        sock.listen(64)
        for _ in range(40):  # they wait in the backlog, and are gone when they are taken out of it
            with socket.create_connection(sock.getsockname()) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        async with serving(town_of(NUMBER), sock=sock) as (server, port):
            client = Client(StationTerminal(NUMBER))
            await client.connect(port)
            await until(lambda: client.terminal.is_registered)
            await until(lambda: len(server.connections) == 1)
            assert list(server.hosts.values()) == [1]
            await client.close()

    run(come_and_go())


def certificates(folder: Path, common_name: str = "localhost") -> tuple[str, str]:
    """A certificate that signs itself, with its key; good as its own authority."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(certificate), str(secret)


def with_certificate(server: str, *own: str) -> ssl.SSLContext:
    """A terminal's side of TLS."""
    context = ssl.create_default_context(cafile=server)
    if own:
        context.load_cert_chain(*own)
    return context


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_over_tls_only_terminals_with_their_own_certificate_come_in(run: Callable[..., None], tmp_path: Path) -> None:
    certificate, key = certificates(tmp_path)
    own, others = certificates(tmp_path / "own", NUMBER), certificates(tmp_path / "other", OTHER)
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(Path(own[0]).read_text() + Path(others[0]).read_text())

    async def come() -> None:
        town = town_of(NUMBER, OTHER)
        async with serving(town, tls=tls_context(certificate, key, str(authorities))) as (server, port):
            client = Client(StationTerminal(NUMBER))
            await client.connect(port, with_certificate(certificate, *own))
            await until(lambda: client.terminal.is_registered)
            await client.close()
            without, clear, another = (Client(StationTerminal(NUMBER)) for _ in range(3))
            await another.connect(port, with_certificate(certificate, *others))
            await without.connect(port, with_certificate(certificate))
            await clear.connect(port)
            await until(lambda: without.is_over and clear.is_over and another.is_over)
            assert another.terminal.verdicts == {Verdict.UNKNOWN_TERMINAL: 1}
            assert [told[:2] for told in town.refused] == [(NUMBER, "certificate of another terminal")]
            for each in (without, clear, another):
                assert not each.terminal.is_registered
                await each.close()
            await until(lambda: not server.connections and not server.hosts)

    run(come())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_connections_in_their_handshake_count_and_leave_nothing(run: Callable[..., None], tmp_path: Path) -> None:
    certificate, key = certificates(tmp_path)

    async def come() -> None:
        limits = TcpLimits(connections_per_address=5)
        town = town_of(NUMBER)
        async with serving(town, limits, tls_context(certificate, key, ""), trusted="10.0.0.0/8") as (server, port):
            silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
            await until(lambda: server.measures["tcp.handshakes"] == 5)
            sixth = Client(StationTerminal(NUMBER))
            with pytest.raises(OSError):
                await sixth.connect(port, with_certificate(certificate))
            assert server.counters["closed.too_many_of_one_address"] == 1 and not server.counters["accepted"]
            for n, each in enumerate(silent):  # one speaks no TLS, one is reset, the others go
                if n == 0:
                    each.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    await until(lambda: server.measures["tcp.handshakes"] == 4)
                elif n == 1:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()
            await until(lambda: not server.measures["tcp.handshakes"] and not server.hosts)
            assert server.counters["closed.handshake"] == 5
            for _ in range(10):  # what a terminal says right behind its handshake is heard
                client = Client(StationTerminal(NUMBER))
                await client.connect(port, with_certificate(certificate))
                await until(lambda client=client: client.terminal.is_registered)  # type: ignore[misc]
                await client.close()
                await until(lambda: not server.connections)
            silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
            await until(lambda: server.measures["tcp.handshakes"] == 3)
        await until(lambda: not server.connections and not server.hosts)  # also when it is stopped
        for each in silent:
            each.close()

    run(come())


async def test_one_address_does_not_hold_all_handshakes(tmp_path: Path) -> None:
    certificate, key = certificates(tmp_path)
    limits, town = TcpLimits(handshakes_per_address=3), town_of(NUMBER)
    async with serving(town, limits, tls_context(certificate, key, ""), trusted="10.0.0.0/8") as (server, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        await until(lambda: server.counters["closed.too_many_handshakes"] == 2)
        assert server.measures["tcp.handshakes"] == 3
        client = Client(StationTerminal(NUMBER))
        await client.connect(port, with_certificate(certificate), ("127.0.0.2", 0))  # somebody else comes in at once
        await until(lambda: client.terminal.is_registered)
        await client.close()
        for each in silent:
            each.close()
        await until(lambda: not server.measures["tcp.handshakes"] and not server.hosts)


async def test_eight_meters_of_three_dialects_on_a_serial_line_behind_a_dtu() -> None:
    """The line is a pty: what one side writes the other reads, in pieces, with noise between the frames."""
    source = random.Random(188)  # noqa: S311 - the same noise in every run is wanted
    numbers = [f"{20260000000000 + n}" for n in range(8)]
    products = [WATER_LINE if n % 2 else GAS_LINE for n in range(8)]
    town = Town()
    town.add(NUMBER, dict(zip(numbers, products, strict=True)), poll_s=3600)
    meters = [
        EmulatedLineMeter(0x10 if n % 2 else 0x30, number, total=100 * n, dialect=DIALECTS[n % 3])
        for n, number in enumerate(numbers)
    ]
    dtu_end, meters_end = os.openpty()
    for end in (dtu_end, meters_end):
        tty.setraw(end)
        os.set_blocking(end, False)
    loop = asyncio.get_running_loop()
    client = Client(StationTerminal(NUMBER, Kind.DTU))

    def meters_hear() -> None:
        raw = os.read(meters_end, 4096)
        for meter in meters:
            if back := meter.receive(raw, int(loop.time() * 1000)):
                noisy = source.randbytes(source.randrange(4)) + back
                cut = source.randrange(1, len(noisy))
                os.write(meters_end, noisy[:cut])
                loop.call_later(0.002, os.write, meters_end, noisy[cut:])

    def dtu_hears() -> None:
        client.terminal.hand_on(os.read(dtu_end, 4096))
        client.flush()

    loop.add_reader(meters_end, meters_hear)
    loop.add_reader(dtu_end, dtu_hears)
    client.for_line = lambda raw: (os.write(dtu_end, raw), None)[1]
    try:
        async with serving(town) as (_, port):
            await client.connect(port)
            await until(lambda: town.main.counters["line.stored"] == 8)
            await client.close()
    finally:
        loop.remove_reader(meters_end)
        loop.remove_reader(dtu_end)
        os.close(meters_end)
        os.close(dtu_end)
    drivers = catalog.load()
    found = {}
    for uplink in town.disk.uplinks:
        name = "cjt188/gas-2004" if uplink.product_id == GAS_LINE else "cjt188/water-2004"
        columns, rejected = drivers.driver(name).decode([uplink.payload], [AT])
        assert not rejected and not uplink.fault
        found[uplink.meter_id] = int(columns[0].points["register"][0])
    assert found == {n + 1: 1000 * n for n in range(8)}  # hundredths of a cubic metre became litres
