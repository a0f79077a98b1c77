# SPDX-License-Identifier: Apache-2.0
"""One handshake on the server: its messages and keys (RFC 6347 section 4.2.4, RFC 4279, RFC 7627, RFC 9146).

Theory: this file knows what is said, ``states.py`` when, ``server.py`` to whom. A handshake exists only for an address
that returned a cookie, and holds a few hundred bytes: a running hash, the last flight, at most a few held records.
"""

from hmac import compare_digest

from openmains.wire.dtls import key_exchange, keys, suites
from openmains.wire.dtls.client_hello import ClientHello
from openmains.wire.dtls.codes import DTLS12, LAYER, RENEGOTIATION_SCSV, Alert, Content, Extension, Message
from openmains.wire.dtls.events import Psk, Weakness
from openmains.wire.dtls.extensions import cid_extension, connection_id
from openmains.wire.dtls.fragments import Fragment, Reassembler, fragments_untrusted, message, split
from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.record import HEADER_SIZE, plain_record
from openmains.wire.dtls.server_hello import ServerHello
from openmains.wire.dtls.session import Session
from openmains.wire.dtls.states import Serving
from openmains.wire.dtls.tickets import TicketState, encode_new_ticket
from openmains.wire.errors import WireError

_CHANGE_CIPHER = (0, Content.CHANGE_CIPHER_SPEC, b"\x01")


class Refusal(Exception):
    """A hello that we must not go on with; ``alert`` says so to the peer, ``reason`` (a fixed word) and ``detail`` to us."""

    def __init__(self, alert: Alert, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.alert, self.reason, self.detail = alert, reason, detail


class Handshake:
    """State of one handshake. For users of the server it is an opaque name that KeyWanted brings."""

    __slots__ = (
        "_message_seq",
        "asked",
        "cid",
        "due",
        "ems",
        "etm",
        "expires",
        "flight",
        "given",
        "held",
        "hello",
        "hello_seq",
        "identity",
        "key_hash",
        "key_mark",
        "keys",
        "master",
        "peer",
        "random",
        "reassembler",
        "record_seq",
        "resumes",
        "server_random",
        "session",
        "state",
        "suite",
        "their_cid",
        "ticket",
        "transcript",
        "tries",
        "wait_s",
        "wants_ticket",
    )  # fmt: skip

    def __init__(self, peer: Peer, random: bytes, hello_seq: int, record_seq: int, max_message: int) -> None:
        self.peer = peer
        self.random = random
        self.hello_seq = hello_seq
        # The first ServerHello takes the number of the hello's record, later records count on (RFC 6347 section 4.2.1).
        self.record_seq = record_seq
        self._message_seq = hello_seq
        self.state = Serving.HELLO
        self.reassembler = Reassembler(hello_seq, max_message=max_message)
        self.transcript = keys.Transcript()
        self.flight: list[tuple[int, int, bytes]] = []  # epoch, record type, body
        self.hello: ClientHello | None = None
        self.server_random = b""
        self.suite = suites.CCM_8
        self.ems = True  # the client has the extended master secret
        self.etm = False
        self.cid = b""
        self.their_cid: bytes | None = None  # None: the peer knows nothing of connection ids
        self.identity = b""
        self.key_hash = b""  # the session hash of RFC 7627
        self.keys: list[Psk] = []  # given for this handshake, the one in use first; others are tried on its Finished
        self.given = 0  # how many of them the application gave; -1: it refused, and nobody is to blame
        self.key_mark = b""  # of the key that verified, for a ticket
        self.master = b""
        self.session: Session | None = None
        self.wants_ticket = False
        self.ticket: TicketState | None = None  # what a resumption goes on from
        self.resumes = False
        self.held: list[bytes] = []
        self.due = self.expires = 0.0
        self.tries = 0
        self.asked = 0  # repetitions of the last flight that the peer asked for
        self.wait_s = 0.0

    # --- the peer's messages ---

    def take(self, piece: Fragment) -> tuple[int, bytes, bytes] | None:
        """A piece of the peer's next message; that message (type, body, hashed form) when it is whole."""
        return self.reassembler.take(piece)

    def accept_hello(self, hello: ClientHello, whole: bytes, *, weak: bool) -> None:
        """Choose from a whole hello. ``weak``: take what is weak where there is nothing better. Raises Refusal or WireError."""
        extensions = hello.extensions
        if hello.version > DTLS12 or not _speaks_dtls12(extensions):
            raise Refusal(Alert.PROTOCOL_VERSION, "dtls_version", f"{hello.version:04x}")
        if 0 not in hello.compression:
            raise Refusal(Alert.ILLEGAL_PARAMETER, "hello_form", "no null compression")
        if extensions.get(Extension.RENEGOTIATION_INFO, b"\x00") != b"\x00":
            # RFC 5746 section 3.6: not empty in a first handshake
            raise Refusal(Alert.HANDSHAKE_FAILURE, "hello_form", "renegotiation info")
        known = suites.ALL_SUITES if weak else suites.SUITES
        suite = next((known[code] for code in known if code in hello.suites), None)
        if suite is None:
            offered = " ".join(f"{code:04x}" for code in hello.suites[:16])
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no_suite", offered)
        extended = extensions.get(Extension.EXTENDED_MASTER_SECRET)
        if extended != b"" and (extended is not None or not weak):
            raise Refusal(Alert.HANDSHAKE_FAILURE, "no_ems")
        self.ems = extended is not None
        self.etm = suite is suites.CBC_SHA256 and extensions.get(Extension.ENCRYPT_THEN_MAC) == b""
        self.their_cid = connection_id(hello.extensions, LAYER)
        self.suite = suite
        self.hello = hello
        self.transcript.add(whole)

    @property
    def weaknesses(self) -> frozenset[Weakness]:
        """What was taken for want of something better."""
        found = {Weakness.CBC: self.suite is suites.CBC_SHA256, Weakness.NO_EMS: not self.ems}
        return frozenset(weakness for weakness, has in found.items() if has)

    def accept_key_exchange(self, body: bytes, whole: bytes, max_identity: int) -> None:
        """The identity; all up to here is the session hash. Raises WireError."""
        self.identity = key_exchange.read_untrusted(body, max_identity)
        self.transcript.add(whole)
        self.key_hash = self.transcript.digest()

    def opens_finished(self, plaintext: bytes) -> bool:
        """Whether the content of a protected handshake record is, or completes, the right Finished.

        Raises WireError for what is no handshake message. Marks nothing when more pieces are to come.
        """
        for piece in fragments_untrusted(plaintext):
            got = self.take(piece)
            if got is not None:
                kind, body, whole = got
                expected = keys.verify_data(self.master, b"client finished", self.transcript.digest())
                if kind != Message.FINISHED or not compare_digest(body, expected):
                    raise WireError(LAYER, 0, "finished")
                self.transcript.add(whole)
                return True
        return False

    # --- keys ---

    def derive(self, pad_to: int) -> Session:
        """Record keys of a full handshake by the first of ``keys``, from the session hash (RFC 7627 section 4)."""
        premaster = keys.premaster(self.keys[0].secret)
        if self.ems:
            self.master = keys.master_secret(premaster, self.key_hash)
        else:
            self.master = keys.plain_master_secret(premaster, self.random, self.server_random)
        session = self._make_session()
        session.pad_to = pad_to
        return session

    def derive_next(self, pad_to: int) -> Session | None:
        """The same by the next key; None: there is no other. Nothing of ours went out under the one before."""
        if self.resumes or len(self.keys) < 2:
            return None
        del self.keys[0]
        return self.derive(pad_to)

    def _make_session(self) -> Session:
        block = keys.key_block(self.master, self.random, self.server_random, self.suite)
        self.session = Session(
            cid=self.cid,
            uses_cid=self.their_cid is not None,
            their_cid=self.their_cid or b"",
            identity=self.identity,
            peer=self.peer,
            suite=self.suite,
            read_key=block.client_key,
            read_iv=block.client_iv,
            write_key=block.server_key,
            write_iv=block.server_iv,
            etm=self.etm,
        )
        self.session.flight = self
        return self.session

    # --- our flights ---

    def _say(self, epoch: int, kind: Message, body: bytes, mtu: int) -> None:
        """Add a message to the flight and to the hash."""
        whole = message(kind, self._message_seq, body)
        self._message_seq += 1
        self.transcript.add(whole)
        room = mtu - HEADER_SIZE
        if epoch and self.session is not None:
            room -= self.session.overhead
        self.flight += [(epoch, int(Content.HANDSHAKE), piece) for piece in split(whole, room)]

    def compose_hello(self, server_random: bytes, mtu: int, *, ticket: bool) -> None:
        """ServerHello and ServerHelloDone; with ``ticket`` a NewSessionTicket is promised for later."""
        self._hello(server_random, b"", mtu, ticket=ticket)
        self._say(0, Message.SERVER_HELLO_DONE, b"", mtu)

    def _hello(self, server_random: bytes, session_id: bytes, mtu: int, *, ticket: bool) -> None:
        hello = self.hello
        assert hello is not None  # noqa: S101 – by the state table
        self.server_random = server_random
        self.wants_ticket = ticket
        extensions: dict[int, bytes] = {}
        if RENEGOTIATION_SCSV in hello.suites or Extension.RENEGOTIATION_INFO in hello.extensions:
            extensions[Extension.RENEGOTIATION_INFO] = b"\x00"
        if self.their_cid is not None:
            kind, value = cid_extension(self.cid)
            extensions[kind] = value
        if self.ems:
            extensions[Extension.EXTENDED_MASTER_SECRET] = b""
        if self.etm:
            extensions[Extension.ENCRYPT_THEN_MAC] = b""
        if ticket:
            extensions[Extension.SESSION_TICKET] = b""
        self.flight = []
        self.hello = None  # all that is needed of it is taken
        choice = ServerHello(DTLS12, server_random, session_id, self.suite.code, 0, extensions)
        self._say(0, Message.SERVER_HELLO, choice.encode(), mtu)

    def compose_last(self, ticket: bytes, lifetime_s: int, mtu: int) -> None:
        """[NewSessionTicket,] ChangeCipherSpec, Finished."""
        self.flight = []
        if self.wants_ticket:
            self._say(0, Message.NEW_SESSION_TICKET, encode_new_ticket(lifetime_s, ticket), mtu)
        self._finish(mtu)

    def compose_short(self, server_random: bytes, state: TicketState, mtu: int) -> Session:
        """The whole flight of a resumption: ServerHello, ChangeCipherSpec, Finished (RFC 5077 section 3.1)."""
        hello = self.hello
        assert hello is not None  # noqa: S101 – by the state table
        self.resumes = True
        self.suite = suites.SUITES[state.suite]
        self.identity, self.master = state.identity, state.master
        self._hello(server_random, hello.session_id, mtu, ticket=False)
        session = self._make_session()
        self._finish(mtu)
        return session

    def _finish(self, mtu: int) -> None:
        proof = keys.verify_data(self.master, b"server finished", self.transcript.digest())
        self.flight.append(_CHANGE_CIPHER)
        self._say(1, Message.FINISHED, proof, mtu)

    def records(self) -> list[bytes]:
        """The flight as records with new numbers; less of it when no number is free."""
        out: list[bytes] = []
        for epoch, kind, body in self.flight:
            if not epoch:
                out.append(plain_record(kind, self.record_seq, body))
                self.record_seq += 1
            elif self.session is not None and not self.session.exhausted:
                out.append(self.session.seal(kind, body))
        return out


def _speaks_dtls12(extensions: dict[int, bytes]) -> bool:
    """False for a client that lists the versions it speaks, and not ours (RFC 8446 section 4.2.1)."""
    listed = extensions.get(Extension.SUPPORTED_VERSIONS)
    if not listed:
        return True
    return any(listed[at : at + 2] == DTLS12.to_bytes(2, "big") for at in range(1, len(listed) - 1, 2))
