# SPDX-License-Identifier: Apache-2.0
"""The two handshakes as tables (RFC 6347 section 4.2.4, RFC 5077 section 3.1).

Theory: ``wire/states.py``. That pairs without a row stay and do nothing is what a datagram protocol owes to copies and to
strangers; so the tables, drawn in ``docs/protocols/dtls.md``, show at a glance that only hello, key exchange, change of
cipher and Finished, in this order, lead to an association.
"""

from enum import IntEnum
from typing import Final

from openmains.wire import states
from openmains.wire.states import complete


class Serving(IntEnum):
    """States of a handshake on the server. SHORT ones belong to a resumption by ticket."""

    HELLO = 0  # a cookie was returned; collecting a hello that came in pieces
    KEY_EXCHANGE = 1  # our hello is out, waiting for the identity
    KEY = 2  # identity known, the application looks up its key
    KEY_CHANGED = 3  # the same, and ChangeCipherSpec came meanwhile
    CHANGE = 4  # keys are derived, waiting for ChangeCipherSpec
    FINISHED = 5  # waiting for the peer's Finished
    STORING = 6  # the peer holds the key; the application makes the session durable
    DONE = 7  # our last flight is out, repeated by time and for copies until the first application data
    SHORT_KEY = 8  # a good ticket came, the application looks up whether its key still counts
    SHORT_CHANGE = 9  # our whole flight is out, waiting for ChangeCipherSpec
    SHORT_FINISHED = 10
    SHORT_STORING = 11
    FAILED = 12


class ServingInput(IntEnum):
    """What can happen to a handshake on the server."""

    HELLO = 0  # whole and acceptable
    TICKET_HELLO = 1  # the same, with a ticket of ours that still counts
    HELLO_AGAIN = 2  # a copy of the hello
    KEY_EXCHANGE = 3
    CHANGE_CIPHER = 4
    PROTECTED = 5  # a record of the new epoch, not looked into
    FINISHED = 6  # a Finished that verifies
    BAD_FINISHED = 7  # one that does not
    KEY = 8  # the application gave the key of the identity, or said that there is none
    OTHER_KEY = 9  # the key of a ticket's identity is no longer the one it was made with
    STORED = 10
    REJECTED = 11
    ALERT = 12  # fatal or close_notify, unprotected, from the peer's address
    TIMER = 13
    EXPIRE = 14


class ServingAction(IntEnum):
    """What the server does then."""

    NOTHING = 0
    SEND_HELLO = 1  # ServerHello, ServerHelloDone
    SEND_SHORT = 2  # ServerHello, ChangeCipherSpec, Finished
    REPEAT = 3  # the last flight again, with new record numbers
    ASK_KEY = 4
    DERIVE = 5  # make the keys, then look at what was held
    HOLD = 6  # keep the record, within bounds
    OPEN = 7  # look into the record for Finished
    ESTABLISH = 8  # tell the application
    SEND_LAST = 9  # [NewSessionTicket,] ChangeCipherSpec, Finished; the session is in use
    ADMIT = 10  # the session is in use
    REFUSE = 11  # decrypt_error, forget
    FORGET = 12


class Asking(IntEnum):
    """States of a handshake on the client."""

    IDLE = 0
    HELLO = 1  # hello is out, without or with a cookie
    SERVER_DONE = 2  # the server's hello came, waiting for ServerHelloDone
    CHANGE = 3  # our last flight is out, waiting for ChangeCipherSpec
    FINISHED = 4
    SHORT_CHANGE = 5  # the server took our ticket, waiting for its ChangeCipherSpec
    SHORT_FINISHED = 6
    CONNECTED = 7
    CLOSED = 8


class AskingInput(IntEnum):
    """What can happen to a handshake on the client."""

    START = 0
    HELLO_VERIFY = 1
    SERVER_HELLO = 2
    SHORT_HELLO = 3  # a server's hello that takes our ticket
    KEY_HINT = 4
    SERVER_DONE = 5
    TICKET = 6
    CHANGE_CIPHER = 7
    FINISHED = 8  # one that verifies
    FLAW = 9  # an answer that we must not go on with, or a fatal alert
    TIMER = 10
    GIVE_UP = 11
    FLIGHT_AGAIN = 12  # the server repeats a flight that we have answered: it lacks our answer


class AskingAction(IntEnum):
    """What the client does then."""

    NOTHING = 0
    SEND_HELLO = 1
    SEND_KEYS = 2  # ClientKeyExchange, ChangeCipherSpec, Finished
    TAKE_TICKET = 3
    RESUME = 4  # make the keys from the ticket's master secret
    CONNECT = 5
    SEND_SHORT = 6  # ChangeCipherSpec, Finished; connected
    REPEAT = 7
    FAIL = 8


_S, _SI, _SA = Serving, ServingInput, ServingAction
_A, _AI, _AA = Asking, AskingInput, AskingAction

_SERVING_ROWS: Final[dict[tuple[Serving, ServingInput], tuple[Serving, ServingAction]]] = {
    (_S.HELLO, _SI.HELLO): (_S.KEY_EXCHANGE, _SA.SEND_HELLO),
    (_S.HELLO, _SI.TICKET_HELLO): (_S.SHORT_KEY, _SA.ASK_KEY),
    (_S.KEY_EXCHANGE, _SI.HELLO_AGAIN): (_S.KEY_EXCHANGE, _SA.REPEAT),
    (_S.KEY_EXCHANGE, _SI.TIMER): (_S.KEY_EXCHANGE, _SA.REPEAT),
    (_S.KEY_EXCHANGE, _SI.KEY_EXCHANGE): (_S.KEY, _SA.ASK_KEY),
    (_S.KEY, _SI.CHANGE_CIPHER): (_S.KEY_CHANGED, _SA.NOTHING),
    (_S.KEY, _SI.KEY): (_S.CHANGE, _SA.DERIVE),
    (_S.KEY_CHANGED, _SI.PROTECTED): (_S.KEY_CHANGED, _SA.HOLD),
    (_S.KEY_CHANGED, _SI.KEY): (_S.FINISHED, _SA.DERIVE),
    (_S.CHANGE, _SI.CHANGE_CIPHER): (_S.FINISHED, _SA.NOTHING),
    (_S.CHANGE, _SI.TIMER): (_S.CHANGE, _SA.REPEAT),
    (_S.FINISHED, _SI.TIMER): (_S.FINISHED, _SA.REPEAT),
    (_S.FINISHED, _SI.PROTECTED): (_S.FINISHED, _SA.OPEN),
    (_S.FINISHED, _SI.FINISHED): (_S.STORING, _SA.ESTABLISH),
    (_S.FINISHED, _SI.BAD_FINISHED): (_S.FAILED, _SA.REFUSE),
    (_S.STORING, _SI.STORED): (_S.DONE, _SA.SEND_LAST),
    (_S.STORING, _SI.REJECTED): (_S.FAILED, _SA.FORGET),
    (_S.DONE, _SI.FINISHED): (_S.DONE, _SA.REPEAT),
    (_S.DONE, _SI.TIMER): (_S.DONE, _SA.REPEAT),
    (_S.SHORT_KEY, _SI.KEY): (_S.SHORT_CHANGE, _SA.SEND_SHORT),
    (_S.SHORT_KEY, _SI.OTHER_KEY): (_S.KEY_EXCHANGE, _SA.SEND_HELLO),
    (_S.SHORT_CHANGE, _SI.HELLO_AGAIN): (_S.SHORT_CHANGE, _SA.REPEAT),
    (_S.SHORT_CHANGE, _SI.TIMER): (_S.SHORT_CHANGE, _SA.REPEAT),
    (_S.SHORT_CHANGE, _SI.CHANGE_CIPHER): (_S.SHORT_FINISHED, _SA.NOTHING),
    (_S.SHORT_FINISHED, _SI.HELLO_AGAIN): (_S.SHORT_FINISHED, _SA.REPEAT),
    (_S.SHORT_FINISHED, _SI.TIMER): (_S.SHORT_FINISHED, _SA.REPEAT),
    (_S.SHORT_FINISHED, _SI.PROTECTED): (_S.SHORT_FINISHED, _SA.OPEN),
    (_S.SHORT_FINISHED, _SI.FINISHED): (_S.SHORT_STORING, _SA.ESTABLISH),
    (_S.SHORT_FINISHED, _SI.BAD_FINISHED): (_S.FAILED, _SA.REFUSE),
    (_S.SHORT_STORING, _SI.PROTECTED): (_S.SHORT_STORING, _SA.HOLD),
    (_S.SHORT_STORING, _SI.STORED): (_S.DONE, _SA.ADMIT),
    (_S.SHORT_STORING, _SI.REJECTED): (_S.FAILED, _SA.FORGET),
    **{
        (state, what): (_S.FAILED, _SA.FORGET)
        for what in (_SI.ALERT, _SI.EXPIRE)
        for state in _S
        # An unprotected alert after Finished verified proves nothing; time ends all of them.
        if not (what is _SI.ALERT and state in (_S.STORING, _S.SHORT_STORING, _S.DONE)) and state is not _S.FAILED
    },
}

_ASKING_ROWS: Final[dict[tuple[Asking, AskingInput], tuple[Asking, AskingAction]]] = {
    (_A.IDLE, _AI.START): (_A.HELLO, _AA.SEND_HELLO),
    (_A.HELLO, _AI.HELLO_VERIFY): (_A.HELLO, _AA.SEND_HELLO),
    (_A.HELLO, _AI.SERVER_HELLO): (_A.SERVER_DONE, _AA.NOTHING),
    (_A.HELLO, _AI.SHORT_HELLO): (_A.SHORT_CHANGE, _AA.RESUME),
    (_A.HELLO, _AI.TIMER): (_A.HELLO, _AA.REPEAT),
    (_A.SERVER_DONE, _AI.KEY_HINT): (_A.SERVER_DONE, _AA.NOTHING),
    (_A.SERVER_DONE, _AI.SERVER_DONE): (_A.CHANGE, _AA.SEND_KEYS),
    (_A.SERVER_DONE, _AI.TIMER): (_A.SERVER_DONE, _AA.REPEAT),
    (_A.CHANGE, _AI.TICKET): (_A.CHANGE, _AA.TAKE_TICKET),
    (_A.CHANGE, _AI.CHANGE_CIPHER): (_A.FINISHED, _AA.NOTHING),
    (_A.CHANGE, _AI.TIMER): (_A.CHANGE, _AA.REPEAT),
    (_A.CHANGE, _AI.FLIGHT_AGAIN): (_A.CHANGE, _AA.REPEAT),
    (_A.FINISHED, _AI.FINISHED): (_A.CONNECTED, _AA.CONNECT),
    (_A.FINISHED, _AI.TICKET): (_A.FINISHED, _AA.TAKE_TICKET),
    (_A.FINISHED, _AI.TIMER): (_A.FINISHED, _AA.REPEAT),
    (_A.FINISHED, _AI.FLIGHT_AGAIN): (_A.FINISHED, _AA.REPEAT),
    (_A.SHORT_CHANGE, _AI.CHANGE_CIPHER): (_A.SHORT_FINISHED, _AA.NOTHING),
    (_A.SHORT_CHANGE, _AI.TIMER): (_A.SHORT_CHANGE, _AA.REPEAT),
    (_A.SHORT_FINISHED, _AI.FINISHED): (_A.CONNECTED, _AA.SEND_SHORT),
    (_A.SHORT_FINISHED, _AI.TIMER): (_A.SHORT_FINISHED, _AA.REPEAT),
    **{
        (state, what): (_A.CLOSED, _AA.FAIL)
        for what in (_AI.FLAW, _AI.GIVE_UP)
        for state in (_A.HELLO, _A.SERVER_DONE, _A.CHANGE, _A.FINISHED, _A.SHORT_CHANGE, _A.SHORT_FINISHED)
    },
}

SERVING: Final = complete(_SERVING_ROWS, Serving, ServingInput, _SA.NOTHING)
ASKING: Final = complete(_ASKING_ROWS, Asking, AskingInput, _AA.NOTHING)


def markdown() -> str:
    """Both tables for the documentation."""
    return states.markdown({"Server state": _SERVING_ROWS, "Client state": _ASKING_ROWS})
