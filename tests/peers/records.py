# SPDX-License-Identifier: Apache-2.0

"""Programs that carry whatever bytes they are given over DTLS: the reports are put into CoAP here, once by each suite.

``openssl s_client`` and ``gnutls-cli`` take them from their standard input; of Python's bindings to tinydtls and Mbed TLS a few
lines of ours make the same: bytes in hexadecimal on a line, what comes back likewise.
"""

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from openmains.wire.coap.message import CON, Message, Method, encode
from openmains.wire.coap.options import URI_PATH
from tests.peers.coap_client import handshakes
from tests.peers.found import Case, Client
from tests.peers.place import FRAMES, WEAK, CannotDo, Failed, Meter, Place
from tests.peers.program import Run
from tests.peers.relay import Relay

CCM_8, CCM, GCM, CBC = "AES-128-CCM-8", "AES-128-CCM", "AES-128-GCM", "AES-128-CBC"
ACKNOWLEDGED = "OW\x01"  # how the driver's answer begins, in an acknowledgement that is piggybacked


class Opener(Protocol):
    """Starts the program; ``ems``: with extended master secret."""

    def __call__(self, program: str, meter: Meter, port: int, suite: str, *, ems: bool = True) -> Run: ...


class Line:
    """A program with its session, asked to report."""

    def __init__(self, run: Run, meter: Meter, *, in_hex: bool) -> None:
        self._run, self._meter, self._in_hex = run, meter, in_hex
        self._mid = 0x3000
        self._answered = 0

    def report(self) -> bytes:
        """One report; its acknowledgement has come back to the program. Repeated as a meter would."""
        frame = self._meter.frame()
        self._mid += 1
        message = encode(Message(CON, Method.POST, self._mid, b"\x07", [(URI_PATH, b"r")], frame))
        said = ACKNOWLEDGED.encode().hex() if self._in_hex else ACKNOWLEDGED
        self._answered += 1
        for last in (False, False, False, True):
            self._run.send(message.hex().encode() + b"\n" if self._in_hex else message)
            try:
                self._run.await_text(said, times=self._answered, limit_s=20 if last else 4)
                break
            except Failed:
                if last or self._run.process.poll() is not None:
                    raise
        return frame


@contextmanager
def speaking(
    place: Place,
    open_: Opener,
    program: str,
    suite: str,
    *,
    product: str = FRAMES,
    ems: bool = True,
    ready: str,
    in_hex: bool,
) -> Iterator[tuple[Line, Relay, Meter]]:
    meter = place.meter(product)
    with Relay(place.system.dtls) as relay, open_(program, meter, relay.port, suite, ems=ems) as run:
        if ready:
            run.await_text(ready, limit_s=20)
        yield Line(run, meter, in_hex=in_hex), relay, meter


def cases_of(open_: Opener, suites: tuple[str, ...], *, no_ems: bool, ready: str, in_hex: bool) -> tuple[Case, ...]:
    """The same list for each."""

    def report(suite: str, ems: bool) -> Callable[[Place, str], None]:
        def run(place: Place, program: str) -> None:
            product = FRAMES if ems and suite != CBC else WEAK
            with speaking(place, open_, program, suite, product=product, ems=ems, ready=ready, in_hex=in_hex) as (
                line,
                _,
                meter,
            ):
                frame = line.report()
            place.arrived(meter, frame)

        return run

    def not_allowed(suite: str, ems: bool, reason: str) -> Callable[[Place, str], None]:
        def run(place: Place, program: str) -> None:
            meter = place.meter(FRAMES)
            with open_(program, meter, place.system.dtls, suite, ems=ems) as started:
                place.until(lambda: reason in place.refusals(meter.name), f"it is listed as {reason}")
                if ready and ready in started.output:
                    raise Failed("it was let in")

        return run

    def outlives(place: Place, program: str) -> str:
        with speaking(place, open_, program, suites[0], ready=ready, in_hex=in_hex) as (line, relay, meter):
            line.report()
            for _ in range(2):
                place.kill_edge()
                frame = line.report()
            note = handshakes(relay, before=1)
        place.arrived(meter, frame)
        return note

    found = [
        Case(f"握手 {suite},上报并应答", f"handshake with {suite}, report and answer", report(suite, True))
        for suite in suites
    ]
    if CBC in suites:
        found.append(
            Case(
                "产品未允许 CBC 时拒绝并列出",
                "CBC is refused and listed where its product does not allow it",
                not_allowed(CBC, True, "cbc_not_allowed"),
            )
        )
    if no_ems:
        found.append(
            Case(
                "无扩展主密钥(产品允许)",
                "without extended master secret, allowed by its product",
                report(suites[0], False),
            )
        )
        found.append(
            Case(
                "无扩展主密钥且未允许:拒绝并列出",
                "without extended master secret, not allowed: refused and listed",
                not_allowed(suites[0], False, "no_ems_not_allowed"),
            )
        )
    found.append(
        Case(
            "无连接标识:边缘进程两次被杀后继续,不重新握手",
            "without Connection ID: goes on after two kill -9 of the edge, no handshake",
            outlives,
        )
    )
    return tuple(found)


# --- the programs ---

_OPENSSL = {CCM_8: "PSK-AES128-CCM8", CCM: "PSK-AES128-CCM", GCM: "PSK-AES128-GCM-SHA256", CBC: "PSK-AES128-CBC-SHA256"}


def openssl(program: str, meter: Meter, port: int, suite: str, *, ems: bool = True) -> Run:
    if not ems:
        raise CannotDo("always offers it")
    return Run(
        program, "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", "-psk", meter.key.hex(), "-psk_identity", meter.name,
        "-cipher", _OPENSSL[suite], "-quiet",
    )  # fmt: skip


def gnutls(program: str, meter: Meter, port: int, suite: str, *, ems: bool = True) -> Run:
    cipher = suite if suite != CBC else "AES-128-CBC:-MAC-ALL:+SHA256"
    more = "" if ems else ":%NO_SESSION_HASH"
    return Run(
        program, "--udp", "--port", str(port), "127.0.0.1", "--pskusername", meter.name, "--pskkey", meter.key.hex(),
        "--priority", f"NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+{cipher}{more}",
    )  # fmt: skip


_MBEDTLS = {
    CCM_8: "TLS-PSK-WITH-AES-128-CCM-8",
    CCM: "TLS-PSK-WITH-AES-128-CCM",
    GCM: "TLS-PSK-WITH-AES-128-GCM-SHA256",
    CBC: "TLS-PSK-WITH-AES-128-CBC-SHA256",
}
_MBEDTLS_CODE = """
    import select, socket, sys
    from mbedtls import tls
    port, suite, identity, psk = int(sys.argv[1]), sys.argv[2], sys.argv[3], bytes.fromhex(sys.argv[4])
    settings = tls.DTLSConfiguration(pre_shared_key=(identity, psk), ciphers=(suite,), validate_certificates=False,
                                     handshake_timeout_min=1.0, handshake_timeout_max=8.0)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line = tls.ClientContext(settings).wrap_socket(sock, server_hostname=None)
    line.connect(("127.0.0.1", port))
    line.do_handshake()
    print("connected", flush=True)
    while True:
        for ready in select.select([sys.stdin, line], [], [])[0]:
            if ready is line:
                try:
                    print(line.recv(2000).hex(), flush=True)
                except tls.WantReadError:
                    pass
            else:
                said = sys.stdin.readline()
                if not said:
                    sys.exit()
                line.send(bytes.fromhex(said))
"""
# DTLSSocket's own socket class loses what it receives; below it is tinydtls with callbacks, which is what we are after.
_TINYDTLS_CODE = """
    import select, socket, sys
    from DTLSSocket import dtls
    port, identity, psk = int(sys.argv[1]), sys.argv[3].encode(), bytes.fromhex(sys.argv[4])
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    def read(peer, data):
        print(bytes(data).hex(), flush=True)
        return len(data)
    def event(level, code):
        if code == 0x1DE:
            print("connected", flush=True)
    stack = dtls.DTLS(read=read, write=lambda peer, raw: sock.sendto(raw, peer), event=event, pskId=identity, pskStore={identity: psk})
    session = stack.connect("::ffff:127.0.0.1", port, 0, 0)
    while True:
        for ready in select.select([sys.stdin, sock], [], [], 1.0)[0]:
            if ready is sock:
                raw, peer = sock.recvfrom(2000)
                stack.handleMessageAddr(peer[0], peer[1], raw)
            else:
                said = sys.stdin.readline()
                if not said:
                    sys.exit()
                stack.write(session, bytes.fromhex(said))
        stack.checkRetransmit()
"""


def _python(code: str) -> Opener:
    def open_(program: str, meter: Meter, port: int, suite: str, *, ems: bool = True) -> Run:
        if not ems:
            raise CannotDo("no such switch")
        return Run(sys.executable, "-c", textwrap.dedent(code), str(port), _MBEDTLS[suite], meter.name, meter.key.hex())

    return open_


ALL = (CCM_8, CCM, GCM, CBC)
PYPI = "PyPI, in the environment of this project: scripts/test-packages.sh"
CLIENTS = (
    Client(
        "OpenSSL s_client", ("openssl",), "Debian: openssl",
        cases_of(openssl, ALL, no_ems=False, ready="", in_hex=False), version_words=("version",),
    ),
    Client(
        "GnuTLS gnutls-cli", ("gnutls-cli",), "Debian: gnutls-bin",
        cases_of(gnutls, ALL, no_ems=True, ready="Handshake was completed", in_hex=False), version_words=("--version",),
    ),
    Client(
        "Mbed TLS (python-mbedtls)", (), PYPI, cases_of(_python(_MBEDTLS_CODE), ALL, no_ems=False, ready="connected", in_hex=True),
        package="python-mbedtls",
    ),
    Client(
        "tinydtls (DTLSSocket)", (), PYPI, cases_of(_python(_TINYDTLS_CODE), (CCM_8,), no_ems=False, ready="connected", in_hex=True),
        package="DTLSSocket",
    ),
)  # fmt: skip
