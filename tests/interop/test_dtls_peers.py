# SPDX-License-Identifier: Apache-2.0
"""DTLS peers that we did not write, over real sockets: OpenSSL, GnuTLS, libcoap over both, tinydtls, Mbed TLS.

Each connects with its key, says something, and has our answer in its output: so their records open here and ours open
there. Then the same with a wrong key. None of them speaks RFC 9146; the traces of ``vectors/dtls`` do. Our client
speaks with the servers of OpenSSL, GnuTLS and Mbed TLS.
"""

import socket
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code
from openmains.wire.coap.server import Server as CoapServer
from openmains.wire.dtls.client import Timing
from openmains.wire.dtls.events import Closed, Connected, KeyWanted, Limits, Received, Suspicious, Weakness
from tests.support.dtls import IDENTITY, PSK, Site, make_client
from tests.support.dtls_peers import Program, SocketClient
from tests.support.dtls_socket import SocketServer, quick_limits
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

pytestmark = pytest.mark.usefixtures("foreign_programs")
NAME = IDENTITY.decode()
LETTERS = "a key of letters"  # coap-client takes its key as text
OTHER = b"860000000000002"
WRONG = "00112233445566778899aabbccddeeff"
CBC = 0x00AE
SUITES = {"PSK-AES128-CCM8": 0xC0A8, "PSK-AES128-CCM": 0xC0A4, "PSK-AES128-GCM-SHA256": 0x00A8}
GNUTLS_CIPHERS = {"AES-128-CCM-8": 0xC0A8, "AES-128-CCM": 0xC0A4, "AES-128-GCM": 0x00A8}


@pytest.fixture
def server() -> Iterator[SocketServer]:
    site = Site(quick_limits(), keys={IDENTITY: PSK, OTHER: LETTERS.encode()}, answer=lambda data: b"echo:" + data)
    with SocketServer(site) as running:
        yield running


@pytest.fixture
def lenient() -> Iterator[SocketServer]:
    """Lets in who has CBC only, or no extended master secret."""
    with SocketServer(Site(quick_limits(), answer=lambda data: b"echo:" + data, weak=True)) as running:
        yield running


def s_client(server: SocketServer, suite: str, psk: str, *more: str) -> Program:
    return Program(
        "openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{server.port}", "-psk", psk, "-psk_identity", NAME,
        "-cipher", suite, *more,
    )  # fmt: skip


def gnutls_cli(server: SocketServer, cipher: str, psk: str) -> Program:
    return Program(
        "gnutls-cli", "--udp", "--port", str(server.port), "127.0.0.1", "--pskusername", NAME, "--pskkey", psk,
        "--priority", f"NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+{cipher}",
    )  # fmt: skip


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


def assert_echo(program: Program, server: SocketServer) -> None:
    """Several lengths, so that paddings of all kinds go both ways."""
    said = [b"a reading" + b"." * size + b"\n" for size in range(0, 40, 7)]
    for line in said:
        program.type(line.decode())
        program.await_output("echo:" + line.decode().strip())
    assert server.site.delivered == said


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt then MAC", "MAC then encrypt"])
def test_openssl_client_with_cbc_only(lenient: SocketServer, etm: bool) -> None:
    more = ("-quiet",) if etm else ("-quiet", "-no_etm")
    with s_client(lenient, "PSK-AES128-CBC-SHA256", PSK.hex(), *more) as program:
        assert_echo(program, lenient)
    assert (lenient.site.session.suite.code, lenient.site.session.etm) == (CBC, etm)


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt then MAC", "MAC then encrypt"])
@pytest.mark.parametrize("ems", [True, False], ids=["extended master secret", "without"])
def test_gnutls_client_with_cbc_only(lenient: SocketServer, etm: bool, ems: bool) -> None:
    cipher = "AES-128-CBC:-MAC-ALL:+SHA256" + ("" if etm else ":%NO_ETM") + ("" if ems else ":%NO_SESSION_HASH")
    with gnutls_cli(lenient, cipher, PSK.hex()) as program:
        program.await_output("Handshake was completed")
        assert_echo(program, lenient)
    assert (lenient.site.session.suite.code, lenient.site.session.etm) == (CBC, etm)
    [wanted] = lenient.site.of(KeyWanted)
    assert (Weakness.NO_EMS not in wanted.weaknesses) is ems


def test_gnutls_client_without_extended_master_secret(lenient: SocketServer) -> None:
    with gnutls_cli(lenient, "AES-128-CCM-8:%NO_SESSION_HASH", PSK.hex()) as program:
        program.await_output("Handshake was completed")
        assert_echo(program, lenient)
    [wanted] = lenient.site.of(KeyWanted)
    assert wanted.weaknesses == {Weakness.NO_EMS}


@pytest.mark.parametrize("name", ["openssl", "gnutls"])
def test_a_client_that_says_nothing_after_its_handshake_takes_no_harm(server: SocketServer, name: str) -> None:
    """Our last flight is repeated to it until it speaks; it must live through that, and the repetition must end."""
    program = (
        gnutls_cli(server, "AES-128-CCM-8", PSK.hex())
        if name == "gnutls"
        else s_client(server, "PSK-AES128-CCM8", PSK.hex())
    )
    with program:
        program.await_output("Handshake was completed" if name == "gnutls" else "Extended master secret")
        wait_for(lambda: server.site.server.counters["retransmitted"] >= Limits().retransmissions)
        program.type("a reading\n")
        program.await_output("echo:a reading")
    assert server.site.server.counters["retransmitted"] <= Limits().retransmissions + 8


@pytest.mark.parametrize("suite", SUITES)
def test_openssl_client(server: SocketServer, suite: str) -> None:
    with s_client(server, suite, PSK.hex(), "-quiet") as program:
        program.type("a reading\n")
        program.await_output("echo:a reading")
        program.type("another\n")
        program.await_output("echo:another")
    assert server.site.delivered == [b"a reading\n", b"another\n"]
    assert server.site.session.suite.code == SUITES[suite]


def test_openssl_says_extended_master_secret_and_our_suite(server: SocketServer) -> None:
    with s_client(server, "PSK-AES128-CCM8", PSK.hex()) as program:
        output = program.await_output("Extended master secret")
    assert "Extended master secret: yes" in output and "Cipher    : PSK-AES128-CCM8" in output
    assert "Secure Renegotiation IS supported" in output


def test_openssl_resumes_with_our_ticket(server: SocketServer, tmp_path: Path) -> None:
    kept = str(tmp_path / "session")
    with s_client(server, "PSK-AES128-CCM8", PSK.hex(), "-sess_out", kept) as program:
        program.await_output("Extended master secret")
        program.type("Q\n")
        program.await_end()
    with s_client(server, "PSK-AES128-CCM8", PSK.hex(), "-sess_in", kept) as program:
        output = program.await_output("Extended master secret")
        program.type("resumed\n")
        program.await_output("echo:resumed")
    assert "Reused, TLSv1.2" in output or "Reused" in output
    assert server.site.server.counters["resumed"] == 1


def test_openssl_renegotiation_is_refused(server: SocketServer) -> None:
    """``R`` makes s_client renegotiate; it gets a warning, and what happens next is its choice."""
    with s_client(server, "PSK-AES128-CCM8", PSK.hex()) as program:
        program.await_output("Extended master secret")
        program.type("R\n")
        program.await_output("RENEGOTIATING")
        program.await_end()
    assert server.site.server.counters["renegotiation"] >= 1


@pytest.mark.parametrize("cipher", GNUTLS_CIPHERS)
def test_gnutls_client(server: SocketServer, cipher: str) -> None:
    with gnutls_cli(server, cipher, PSK.hex()) as program:
        program.await_output("Handshake was completed")
        program.type("a reading\n")
        program.await_output("echo:a reading")
        program.end_input()
        assert program.await_end() == 0
    assert server.site.delivered == [b"a reading\n"]
    assert server.site.session.suite.code == GNUTLS_CIPHERS[cipher]
    assert [event.reason for event in server.site.of(Closed)] == ["close_notify"]


@pytest.mark.parametrize("name", ["openssl", "gnutls", "unknown identity"])
def test_a_wrong_key_is_told_at_once(server: SocketServer, name: str) -> None:
    if name == "unknown identity":
        server.site.keys.clear()
    psk = PSK.hex() if name == "unknown identity" else WRONG
    program = gnutls_cli(server, "AES-128-CCM-8", psk) if name == "gnutls" else s_client(server, "PSK-AES128-CCM8", psk)
    with program:
        assert program.await_end() != 0
        program.await_output("received" if name == "gnutls" else "alert decrypt error")
    assert [event.kind for event in server.site.of(Suspicious)] == ["wrong_key"]
    assert server.site.server.sizes()["sessions"] == 0


@pytest.mark.parametrize("library", ["openssl", "gnutls"])
def test_libcoap_client(server: SocketServer, library: str) -> None:
    """A confirmable request through DTLS into our CoAP stack and back."""
    coap = CoapServer(mid_seed=1)

    def answer(datagram: bytes) -> bytes | None:
        for event in coap.receive(datagram, "peer", 0.0):
            if isinstance(event, Request):
                assert event.path == ("r", "860000000000002") and event.payload == b"a reading"
                coap.respond(event.exchange, Code.CHANGED, b"noted", now=0.0)
        out = coap.datagrams()
        return out[0][1] if out else None

    server.site.answer = answer
    with Program(
        f"coap-client-{library}", "-v", "7", "-B", "10", "-u", OTHER.decode(), "-k", LETTERS, "-m", "post", "-e", "a reading",
        f"coaps://127.0.0.1:{server.port}/r/860000000000002",
    ) as program:  # fmt: skip
        assert program.await_end() == 0
        output = program.await_output("noted")
    assert "2.04" in output
    assert len(server.site.delivered) >= 1


MBEDTLS = """
    import socket, sys
    from mbedtls import tls
    port, suite, identity, psk = int(sys.argv[1]), sys.argv[2], sys.argv[3], bytes.fromhex(sys.argv[4])
    settings = tls.DTLSConfiguration(pre_shared_key=(identity, psk), ciphers=(suite,), validate_certificates=False,
                                     handshake_timeout_min=1.0, handshake_timeout_max=8.0)
    line = tls.ClientContext(settings).wrap_socket(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), server_hostname=None)
    line.connect(("127.0.0.1", port))
    line.do_handshake()
    if sys.argv[5:]:
        print("connected", flush=True)
        input()
    line.send(b"a reading")
    while True:
        try:
            print(line.recv(100), line.cipher())
            break
        except tls.WantReadError:  # a record that held no data; it is read on
            pass
"""
# DTLSSocket's own socket class loses what it receives; below it is tinydtls with callbacks, which is what we are after.
TINYDTLS = """
    import socket, sys
    from DTLSSocket import dtls
    port, identity, psk = int(sys.argv[1]), sys.argv[3].encode(), bytes.fromhex(sys.argv[4])
    line = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    line.settimeout(10)
    received, events = [], []
    def read(peer, data):
        received.append(data)
        return len(data)
    stack = dtls.DTLS(read=read, write=lambda peer, raw: line.sendto(raw, peer), event=lambda level, code: events.append(code),
                      pskId=identity, pskStore={identity: psk})
    def until(done):
        while not done():
            raw, peer = line.recvfrom(2000)
            stack.handleMessageAddr(peer[0], peer[1], raw)
    session = stack.connect("::ffff:127.0.0.1", port, 0, 0)
    until(lambda: 0x1DE in events)  # connected
    if sys.argv[5:]:
        print("connected", flush=True)
        import select
        while not select.select([sys.stdin], [], [], 0)[0]:
            if select.select([line, sys.stdin], [], [])[0][0] is line:
                raw, peer = line.recvfrom(2000)
                stack.handleMessageAddr(peer[0], peer[1], raw)
    stack.write(session, b"a reading")
    until(lambda: received)
    print(received)
"""


def python(code: str, *words: str) -> Program:
    return Program(sys.executable, "-c", textwrap.dedent(code), *words)


@pytest.mark.parametrize(
    "suite", ["TLS-PSK-WITH-AES-128-CCM-8", "TLS-PSK-WITH-AES-128-CCM", "TLS-PSK-WITH-AES-128-GCM-SHA256"]
)
def test_mbedtls_client(server: SocketServer, suite: str) -> None:
    with python(MBEDTLS, str(server.port), suite, NAME, PSK.hex()) as program:
        assert program.await_end() == 0, program.output
        assert suite in program.await_output("echo:a reading")
    assert server.site.delivered == [b"a reading"]


def test_mbedtls_client_with_cbc_only(lenient: SocketServer) -> None:
    suite = "TLS-PSK-WITH-AES-128-CBC-SHA256"
    with python(MBEDTLS, str(lenient.port), suite, NAME, PSK.hex()) as program:
        assert program.await_end() == 0, program.output
        assert suite in program.await_output("echo:a reading")
    assert lenient.site.session.suite.code == CBC


def test_tinydtls_client(server: SocketServer) -> None:
    with python(TINYDTLS, str(server.port), "", NAME, PSK.hex()) as program:
        program.await_output("echo:a reading")
    assert server.site.delivered == [b"a reading"]
    assert server.site.session.suite.code == 0xC0A8


@pytest.mark.parametrize("code", [MBEDTLS, TINYDTLS], ids=["Mbed TLS", "tinydtls"])
def test_a_library_that_says_nothing_after_its_handshake_takes_no_harm(server: SocketServer, code: str) -> None:
    with python(code, str(server.port), "TLS-PSK-WITH-AES-128-CCM-8", NAME, PSK.hex(), "silent") as program:
        program.await_output("connected")
        wait_for(lambda: server.site.server.counters["retransmitted"] >= Limits().retransmissions)
        program.type("go\n")
        program.await_output("echo:a reading")
    assert server.site.server.counters["retransmitted"] <= Limits().retransmissions + 8


# --- our client and their servers ---


def our_client(port: int, suite: int) -> SocketClient:
    return SocketClient(make_client(suites=(suite,), timing=Timing(first_wait_s=1.0)), port)


@pytest.mark.parametrize("suite", [*SUITES, "PSK-AES128-CBC-SHA256"])
def test_openssl_server(suite: str) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with Program(
        "openssl", "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-nocert", "-psk", PSK.hex(), "-cipher", suite, "-quiet",
    ) as program, our_client(port, SUITES.get(suite, CBC)) as line:  # fmt: skip
        line.await_event(Connected)
        assert line.client.send(b"a reading\n", 0.0)
        program.type("a command\n")
        assert line.await_event(Received).data == b"a command\n"
        program.await_output("a reading")


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt then MAC", "MAC then encrypt"])
@pytest.mark.parametrize("ems", [True, False], ids=["extended master secret", "without"])
def test_gnutls_server_with_cbc_only(etm: bool, ems: bool, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    keys = tmp_path / "keys"
    keys.write_text(f"{NAME}:{PSK.hex()}\n", "utf-8")
    with Program(
        "gnutls-serv", "--udp", "--port", str(port), "--pskpasswd", str(keys), "--echo",
        "--priority", "NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256",
    ) as program:  # fmt: skip
        program.await_output("listening on")
        client = make_client(suites=(CBC,), timing=Timing(first_wait_s=1.0), etm=etm, ems=ems)
        with SocketClient(client, port) as line:
            line.await_event(Connected)
            assert client.session is not None and client.session.etm is etm
            assert line.client.send(b"a reading", 0.0)
            assert line.await_event(Received).data == b"a reading"


@pytest.mark.parametrize("cipher", GNUTLS_CIPHERS)
def test_gnutls_server(cipher: str, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    keys = tmp_path / "keys"
    keys.write_text(f"{NAME}:{PSK.hex()}\n", "utf-8")
    with Program(
        "gnutls-serv", "--udp", "--port", str(port), "--pskpasswd", str(keys), "--echo",
        "--priority", f"NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+{cipher}",
    ) as program:  # fmt: skip
        program.await_output("listening on")
        with our_client(port, GNUTLS_CIPHERS[cipher]) as line:
            line.await_event(Connected)
            assert line.client.send(b"a reading", 0.0)
            assert line.await_event(Received).data == b"a reading"
