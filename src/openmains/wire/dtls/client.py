# SPDX-License-Identifier: Apache-2.0
"""A DTLS 1.2 client without a socket, the mirror of ``server.py``: for emulated meters and for tests.

Theory: one client speaks to one server. ``start`` says hello, ``receive`` gives events, ``send`` takes data, all
through the table ``states.ASKING``; time and randomness are arguments. Offers and options are wide enough to say byte
for byte what other stacks' clients say, so that recorded handshakes can be replayed through it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from openmains.wire.cursor import Reader
from openmains.wire.dtls import client_hello, hello_verify, key_exchange, keys, server_hello
from openmains.wire.dtls.codes import (
    DTLS12,
    FATAL,
    LAYER,
    MAX_PLAINTEXT,
    RENEGOTIATION_SCSV,
    WARNING,
    Alert,
    Content,
    Extension,
    Message,
)
from openmains.wire.dtls.events import ClientEvent, Closed, Connected, Failed, Received
from openmains.wire.dtls.extensions import cid_extension, connection_id
from openmains.wire.dtls.fragments import Reassembler, fragments_untrusted, message, split
from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.record import HEADER_SIZE, Record, pack, plain_record, records_untrusted
from openmains.wire.dtls.session import Session, inner
from openmains.wire.dtls.states import ASKING, Asking, AskingAction, AskingInput
from openmains.wire.dtls.suites import ALL_SUITES, CBC_SHA256, SUITES
from openmains.wire.dtls.tickets import read_new_ticket_untrusted
from openmains.wire.errors import WireError

_IN, _DO = AskingInput, AskingAction
_MAX_HINT: Final = 1024
_AHEAD: Final = 4  # messages of one flight that may arrive before their turn


@dataclass(frozen=True, slots=True)
class Timing:
    """Retransmission: first wait (RFC 7925 section 11: 9 s), doubled up to a bound, so many times. Seconds."""

    first_wait_s: float = 9.0
    max_wait_s: float = 60.0
    retransmissions: int = 5


@dataclass(frozen=True, slots=True, repr=False)
class Resumption:
    """What a client keeps to resume: the server's ticket, and master secret and suite that it stands for."""

    ticket: bytes
    suite: int
    master: bytes

    def encode(self) -> bytes:
        """Stored form; it holds a secret."""
        return self.suite.to_bytes(2, "big") + self.master + self.ticket

    @classmethod
    def decode(cls, raw: bytes) -> "Resumption":
        """The inverse. Raises WireError."""
        reader = Reader(raw, LAYER)
        suite, master = reader.u16be(), reader.take(keys.MASTER_SIZE)
        return cls(reader.rest(), suite, master)

    def __repr__(self) -> str:
        return "Resumption(…)"  # never into a log


DEFAULT_TIMING: Final = Timing()


class Client:
    """One association with ``peer``.

    ``psk``, ``identity``: the key and its name. ``random``: n → n random bytes. ``suites``: registry numbers in order of
    preference. ``cid``: the connection id that we want to receive, 0–255 bytes; None: offer none. ``tickets``: ask for a
    ticket; it is in :attr:`resumption` once connected. ``resumption``: one from an earlier association. ``extensions``:
    the extensions of the hello, all of them in this order, instead of those that follow from the other arguments; CID
    and extended master secret must be among them. ``ems``, ``etm``: offer the extended master secret; encrypt-then-MAC, if CBC is
    among the suites. ``durable``: send only with sequence numbers that a :meth:`dump` has
    reserved; otherwise a dump must be the last thing that is done with a client that is to be loaded again.
    """

    def __init__(
        self,
        peer: Peer,
        *,
        psk: bytes,
        identity: bytes,
        random: Callable[[int], bytes],
        suites: tuple[int, ...] = tuple(SUITES),
        cid: bytes | None = b"",
        tickets: bool = False,
        resumption: Resumption | None = None,
        extensions: dict[int, bytes] | None = None,
        timing: Timing = DEFAULT_TIMING,
        pad_to: int = 1,
        mtu: int = 1200,
        durable: bool = False,
        ems: bool = True,
        etm: bool = True,
    ) -> None:
        self.peer = peer
        self.state = Asking.IDLE
        self.session: Session | None = None
        self.resumption = resumption
        self.resumed = False
        self.unexpected = 0
        self._psk, self._identity, self._random = psk, identity, random
        self._suites, self._cid = suites, cid
        self._tickets = tickets
        self._ems, self._etm = ems, etm and CBC_SHA256.code in suites
        self._agreed_ems = self._agreed_etm = False
        self._given_extensions = extensions
        self._timing, self._pad_to, self._mtu, self._durable = timing, pad_to, mtu, durable
        self._out: list[tuple[Peer, bytes]] = []
        self._flight: list[tuple[int, int, bytes]] = []
        self._transcript = keys.Transcript()
        self._reassembler = Reassembler(0, ahead=_AHEAD)
        self._client_random = self._server_random = self._session_id = self._cookie = b""
        self._offered: dict[int, bytes] = {}
        self._master = b""
        self._suite = 0
        self._ticket_promised = False
        self._their_cid: bytes | None = None
        self._message_seq = self._record_seq = 0
        self._due: float | None = None
        self._wait_s = timing.first_wait_s
        self._tries = 0

    # --- for the user ---

    def start(self, now: float) -> None:
        """Say hello."""
        self._client_random = self._random(client_hello.RANDOM_SIZE)
        self._session_id = self._random(32) if self.resumption is not None else b""
        self._offered = self._extensions() if self._given_extensions is None else self._given_extensions
        self._step(_IN.START, now)

    def send(self, payload: bytes, now: float) -> bool:
        """One record of application data; False: not connected, or no sequence number is reserved."""
        if len(payload) > MAX_PLAINTEXT:
            raise ValueError("payload")
        return self.state is Asking.CONNECTED and self._seal(Content.APPLICATION_DATA, payload)

    def close(self, now: float) -> None:
        """Say close_notify; the association is over."""
        if self.state is Asking.CONNECTED:
            self._seal(Content.ALERT, bytes((WARNING, Alert.CLOSE_NOTIFY)))
        self.state, self._due = Asking.CLOSED, None

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        """What to send since the last call."""
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        """When to call :meth:`handle_timer`."""
        return self._due

    def handle_timer(self, now: float) -> list[ClientEvent]:
        """Retransmit, or give up."""
        if self._due is None or self._due > now:
            return []
        if self._tries >= self._timing.retransmissions:
            return self._step(_IN.GIVE_UP, now)
        self._tries += 1
        self._wait_s = min(2 * self._wait_s, self._timing.max_wait_s)
        self._due = now + self._wait_s
        return self._step(_IN.TIMER, now)

    def dump(self) -> bytes:
        """A connected association, keys in the clear; see ``durable`` and :meth:`dumped`."""
        if self.session is None or self.state is not Asking.CONNECTED:
            raise ValueError("not connected")
        self.session.reserve()
        return self.session.dump()

    def dumped(self) -> None:
        """The last :meth:`dump` is on disk: the sequence numbers that it reserved may be used."""
        if self.session is not None:
            self.session.reserved_durable()

    @classmethod
    def load(
        cls, raw: bytes, *, psk: bytes, random: Callable[[int], bytes], durable: bool = False, mtu: int = 1200
    ) -> "Client":
        """A connected client from :meth:`dump`; it goes on where that one stopped, without a handshake."""
        session = Session.load(raw)
        client = cls(session.peer, psk=psk, identity=session.identity, random=random, mtu=mtu, durable=durable)
        client.session, client.state = session, Asking.CONNECTED
        client._cid = session.cid
        return client

    # --- what comes in ---

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[ClientEvent]:
        """One datagram. Never raises for what is in it; what is not the server's is ignored."""
        events: list[ClientEvent] = []
        try:
            for record in records_untrusted(datagram, len(self._cid or b"")):
                if record.epoch == 0 and record.kind != Content.CID:
                    events += self._plain(record, now)
                elif record.epoch == 1:
                    events += self._protected(record, peer, now)
        except WireError:
            self.unexpected += 1
        return events

    def _plain(self, record: Record, now: float) -> list[ClientEvent]:
        if self.state is Asking.CONNECTED:
            return []
        if record.kind == Content.CHANGE_CIPHER_SPEC and record.body == b"\x01":
            return self._step(_IN.CHANGE_CIPHER, now)
        if record.kind == Content.ALERT and len(record.body) == 2:
            over = record.body[0] == FATAL or record.body[1] == Alert.CLOSE_NOTIFY
            return self._step(_IN.FLAW, now, reason="alert") if over else []
        if record.kind == Content.HANDSHAKE:
            return self._messages(record.body, now)
        self.unexpected += 1
        return []

    def _messages(self, body: bytes, now: float) -> list[ClientEvent]:
        events: list[ClientEvent] = []
        for piece in fragments_untrusted(body):
            if piece.kind == Message.SERVER_HELLO_DONE and piece.sequence < self._reassembler.expected:
                events += self._step(_IN.FLIGHT_AGAIN, now)
            self._reassembler.add(piece)
            while (got := self._reassembler.next()) is not None:
                try:
                    events += self._message(*got, now)
                except WireError as error:
                    events += self._step(_IN.FLAW, now, reason=error.reason)
        return events

    def _message(self, kind: int, body: bytes, whole: bytes, now: float) -> list[ClientEvent]:
        """One message of the server, in its order. Raises WireError for one that we must not go on with."""
        if kind == Message.HELLO_VERIFY_REQUEST and self.state is Asking.HELLO:
            self._cookie = hello_verify.read_untrusted(body)
            return self._step(_IN.HELLO_VERIFY, now)
        if kind == Message.SERVER_HELLO and self.state is Asking.HELLO:
            self._transcript.add(whole)
            return self._step(_IN.SHORT_HELLO if self._takes_hello(body) else _IN.SERVER_HELLO, now)
        if kind == Message.SERVER_KEY_EXCHANGE and self.state is Asking.SERVER_DONE:
            key_exchange.read_untrusted(body, _MAX_HINT)
            self._transcript.add(whole)
            return self._step(_IN.KEY_HINT, now)
        if kind == Message.SERVER_HELLO_DONE and self.state is Asking.SERVER_DONE and not body:
            self._transcript.add(whole)
            return self._step(_IN.SERVER_DONE, now)
        if (
            kind == Message.NEW_SESSION_TICKET
            and self._ticket_promised
            and (self.state in (Asking.CHANGE, Asking.FINISHED))
        ):
            _, ticket = read_new_ticket_untrusted(body)
            self._transcript.add(whole)
            self.resumption = Resumption(ticket, self._suite, self._master) if ticket else None
            return self._step(_IN.TICKET, now)
        if kind == Message.FINISHED and self.state in (Asking.FINISHED, Asking.SHORT_FINISHED):
            proof = keys.verify_data(self._master, b"server finished", self._transcript.digest())
            if not compare_digest(body, proof):
                raise WireError(LAYER, 0, "finished")
            self._transcript.add(whole)
            return self._step(_IN.FINISHED, now)
        raise WireError(LAYER, 0, "unexpected message")

    def _takes_hello(self, body: bytes) -> bool:
        """Check the server's choice; True when it resumes. Raises WireError for what was not offered."""
        hello = server_hello.read_untrusted(body)
        extensions = hello.extensions
        if hello.version != DTLS12 or hello.compression or hello.suite not in self._suites:
            raise WireError(LAYER, 0, "choice not offered")
        # The signalling suite value stands for an offered renegotiation_info (RFC 5746 section 3.4).
        if not extensions.keys() <= self._offered.keys() | {Extension.RENEGOTIATION_INFO}:
            raise WireError(LAYER, 0, "extension not offered")
        self._agreed_ems = extensions.get(Extension.EXTENDED_MASTER_SECRET) == b""
        if not self._agreed_ems and Extension.EXTENDED_MASTER_SECRET in self._offered:
            raise WireError(LAYER, 0, "no extended master secret")
        self._agreed_etm = Extension.ENCRYPT_THEN_MAC in extensions
        if self._agreed_etm and hello.suite != CBC_SHA256.code:
            raise WireError(LAYER, 0, "encrypt-then-MAC with an AEAD")  # RFC 7366 section 3
        if extensions.get(Extension.RENEGOTIATION_INFO, b"\x00") != b"\x00":
            raise WireError(LAYER, 0, "renegotiation info")
        self._their_cid = connection_id(extensions, LAYER)
        self._ticket_promised = Extension.SESSION_TICKET in extensions
        self._server_random = hello.random
        self._suite = hello.suite
        self.resumed = self.resumption is not None and bool(hello.session_id) and hello.session_id == self._session_id
        if self.resumed and self.resumption is not None and self.resumption.suite != hello.suite:
            raise WireError(LAYER, 0, "other suite in a resumption")
        return self.resumed

    def _protected(self, record: Record, peer: Peer, now: float) -> list[ClientEvent]:
        session = self.session
        if session is None or self.state not in (Asking.FINISHED, Asking.SHORT_FINISHED, Asking.CONNECTED):
            return []
        if session.uses_cid is not (record.kind == Content.CID) or session.is_replay(record.sequence):
            self.unexpected += 1
            return []
        content = session.open(record.raw, HEADER_SIZE + (len(session.cid) if session.uses_cid else 0))
        if content is None:
            self.unexpected += 1
            return []
        fresh = session.mark(record.sequence)
        kind = record.kind
        if session.uses_cid:
            kind, content = inner(content)
        if kind == Content.HANDSHAKE:
            if self.state is not Asking.CONNECTED:
                return self._messages(content, now)
            if self.resumed and content[:1] == bytes((Message.FINISHED,)):
                self._send_flight()  # the server has not seen our last flight
            return []
        if self.state is not Asking.CONNECTED:
            self.unexpected += 1
            return []
        if kind == Content.APPLICATION_DATA:
            return [Received(session, content, peer, fresh)]
        if kind == Content.ALERT and len(content) == 2:
            if content[1] == Alert.CLOSE_NOTIFY:
                self.close(now)
                return [Closed(session, "close_notify")]
            if content[0] == FATAL:
                self.state = Asking.CLOSED
                return [Closed(session, "fatal_alert")]
        return []

    # --- the table at work ---

    def _step(self, what: AskingInput, now: float, reason: str = "timeout") -> list[ClientEvent]:
        self.state, action = ASKING[self.state, what]
        match action:
            case _DO.SEND_HELLO:
                self._say_hello(now)
            case _DO.SEND_KEYS:
                self._say_keys(now)
            case _DO.RESUME if self.resumption is not None:
                self._master = self.resumption.master
                self._make_session()
            case _DO.CONNECT:
                return self._connected()
            case _DO.SEND_SHORT:
                self._flight = []
                self._finish()
                self._send_flight()
                return self._connected()
            case _DO.REPEAT:
                self._send_flight()
            case _DO.FAIL:
                self._due = None
                return [Failed(reason)]
        return []

    def _connected(self) -> list[ClientEvent]:
        self._due = None
        assert self.session is not None  # noqa: S101 – by the state table
        return [Connected(self.session, self.resumed)]

    def _extensions(self) -> dict[int, bytes]:
        offered: dict[int, bytes] = {Extension.EXTENDED_MASTER_SECRET: b""} if self._ems else {}
        if self._etm:
            offered[Extension.ENCRYPT_THEN_MAC] = b""
        if self._cid is not None:
            kind, value = cid_extension(self._cid)
            offered[kind] = value
        if self.resumption is not None:
            offered[Extension.SESSION_TICKET] = self.resumption.ticket
        elif self._tickets:
            offered[Extension.SESSION_TICKET] = b""
        return offered

    def _say_hello(self, now: float) -> None:
        suites = (*self._suites, RENEGOTIATION_SCSV)
        hello = client_hello.offer(self._client_random, self._cookie, suites, self._offered, self._session_id)
        self._transcript = keys.Transcript()  # a hello without the cookie, and the request for it, are not hashed
        self._flight = []
        self._say(0, Message.CLIENT_HELLO, hello.encode())
        self._send_first(now)

    def _say_keys(self, now: float) -> None:
        self._flight = []
        self._say(0, Message.CLIENT_KEY_EXCHANGE, key_exchange.encode(self._identity))
        premaster = keys.premaster(self._psk)
        if self._agreed_ems:
            self._master = keys.master_secret(premaster, self._transcript.digest())
        else:
            self._master = keys.plain_master_secret(premaster, self._client_random, self._server_random)
        self._make_session()
        self._finish()
        self._send_first(now)

    def _finish(self) -> None:
        proof = keys.verify_data(self._master, b"client finished", self._transcript.digest())
        self._flight.append((0, Content.CHANGE_CIPHER_SPEC, b"\x01"))
        self._say(1, Message.FINISHED, proof)

    def _make_session(self) -> None:
        block = keys.key_block(self._master, self._client_random, self._server_random, ALL_SUITES[self._suite])
        self.session = Session(
            cid=self._cid or b"",
            uses_cid=self._their_cid is not None and bool(self._cid),
            their_cid=self._their_cid or b"",
            identity=self._identity,
            peer=self.peer,
            suite=ALL_SUITES[self._suite],
            read_key=block.server_key,
            read_iv=block.server_iv,
            write_key=block.client_key,
            write_iv=block.client_iv,
            pad_to=self._pad_to,
            etm=self._agreed_etm,
        )

    def _say(self, epoch: int, kind: Message, body: bytes) -> None:
        whole = message(kind, self._message_seq, body)
        self._message_seq += 1
        self._transcript.add(whole)
        room = self._mtu - HEADER_SIZE
        if epoch and self.session is not None:
            room -= self.session.overhead
        self._flight += [(epoch, Content.HANDSHAKE, piece) for piece in split(whole, room)]

    def _send_first(self, now: float) -> None:
        self._tries, self._wait_s = 0, self._timing.first_wait_s
        self._due = now + self._wait_s
        self._send_flight()

    def _send_flight(self) -> None:
        records: list[bytes] = []
        for epoch, kind, body in self._flight:
            if not epoch:
                records.append(plain_record(kind, self._record_seq, body))
                self._record_seq += 1
            elif self.session is not None and not self.session.exhausted:
                records.append(self.session.seal(kind, body))
        self._out += [(self.peer, datagram) for datagram in pack(records, self._mtu)]

    def _seal(self, kind: int, content: bytes) -> bool:
        session = self.session
        if session is None:
            return False
        if session.exhausted:
            if self._durable:
                return False
            session.reserve()
            session.reserved_durable()
        self._out.append((self.peer, session.seal(kind, content)))
        return True
