# SPDX-License-Identifier: Apache-2.0
"""The two state machines of an exchange as tables (RFC 7252 sections 4.2, 4.3, 4.5, 5.2).

Theory: ``wire/states.py``; drawn in ``docs/protocols/coap.md``.
"""

from enum import IntEnum
from typing import Final

from openmains.wire import states
from openmains.wire.states import complete


class Serving(IntEnum):
    """States of one received request, by (peer, message id), until it is forgotten."""

    OPEN = 0  # confirmable, with the application, nothing sent yet
    OPEN_NON = 1  # non-confirmable, with the application
    ACKED = 2  # confirmable, empty ACK sent, answer still to come
    ANSWERED = 3  # piggybacked answer sent and kept
    ANSWERED_NON = 4  # answered with a NON, or answer suppressed
    SEPARATE = 5  # separate answer sent as CON, not acknowledged yet
    SETTLED = 6  # nothing left to do but to acknowledge copies


class ServingInput(IntEnum):
    """What can happen to a received request."""

    DUPLICATE = 0  # a copy of the request came
    ANSWER = 1  # the application answered
    SILENT = 2  # the application answered, but the client wants no answer of this class (RFC 7967)
    SLOW = 3  # the time for a piggybacked answer is over
    PEER_ACK = 4  # our separate answer was acknowledged
    PEER_RESET = 5  # our separate answer was rejected
    GIVE_UP = 6  # our separate answer was retransmitted in vain


class ServingAction(IntEnum):
    """What the server does then."""

    NOTHING = 0
    PIGGYBACK = 1  # answer inside the ACK
    SEND_NON = 2  # answer as NON with a message id of ours
    SEND_CON = 3  # answer as CON with a message id of ours, retransmitted
    EMPTY_ACK = 4
    REPEAT = 5  # send the kept answer again


class Asking(IntEnum):
    """States of one request of ours."""

    CONFIRMABLE = 0  # CON sent, retransmitting
    NON = 1  # NON sent, waiting
    ACKED = 2  # empty ACK came, waiting for the separate response
    OBSERVING = 3  # answered and registered, notifications come
    DONE = 4
    TIMED_OUT = 5
    RESET = 6


class AskingInput(IntEnum):
    """What can happen to a request of ours."""

    ACK = 0  # empty ACK
    RESPONSE = 1  # a response with our token, whatever carried it
    REGISTERED = 2  # a response with our token and an Observe option
    RESET = 3
    GIVE_UP = 4  # retransmitted in vain
    EXPIRE = 5  # no response in time after an ACK or after a NON
    CANCEL = 6  # the application lost interest


class AskingAction(IntEnum):
    """What the client does then."""

    NOTHING = 0
    WAIT = 1  # stop retransmitting, wait for the separate response
    DELIVER = 2
    REPORT_TIMEOUT = 3
    REPORT_RESET = 4


_S, _SI, _SA = Serving, ServingInput, ServingAction
_A, _AI, _AA = Asking, AskingInput, AskingAction

_SERVING_ROWS: Final = {
    (_S.OPEN, _SI.ANSWER): (_S.ANSWERED, _SA.PIGGYBACK),
    (_S.OPEN, _SI.SILENT): (_S.SETTLED, _SA.EMPTY_ACK),
    (_S.OPEN, _SI.SLOW): (_S.ACKED, _SA.EMPTY_ACK),
    (_S.OPEN_NON, _SI.ANSWER): (_S.ANSWERED_NON, _SA.SEND_NON),
    (_S.OPEN_NON, _SI.SILENT): (_S.ANSWERED_NON, _SA.NOTHING),
    (_S.ACKED, _SI.DUPLICATE): (_S.ACKED, _SA.EMPTY_ACK),
    (_S.ACKED, _SI.ANSWER): (_S.SEPARATE, _SA.SEND_CON),
    (_S.ACKED, _SI.SILENT): (_S.SETTLED, _SA.NOTHING),
    (_S.ANSWERED, _SI.DUPLICATE): (_S.ANSWERED, _SA.REPEAT),
    (_S.SEPARATE, _SI.DUPLICATE): (_S.SEPARATE, _SA.EMPTY_ACK),
    (_S.SEPARATE, _SI.PEER_ACK): (_S.SETTLED, _SA.NOTHING),
    (_S.SEPARATE, _SI.PEER_RESET): (_S.SETTLED, _SA.NOTHING),
    (_S.SEPARATE, _SI.GIVE_UP): (_S.SETTLED, _SA.NOTHING),
    (_S.SETTLED, _SI.DUPLICATE): (_S.SETTLED, _SA.EMPTY_ACK),
}

_ASKING_ROWS: Final = {
    (_A.CONFIRMABLE, _AI.ACK): (_A.ACKED, _AA.WAIT),
    (_A.CONFIRMABLE, _AI.RESPONSE): (_A.DONE, _AA.DELIVER),
    (_A.CONFIRMABLE, _AI.REGISTERED): (_A.OBSERVING, _AA.DELIVER),
    (_A.CONFIRMABLE, _AI.RESET): (_A.RESET, _AA.REPORT_RESET),
    (_A.CONFIRMABLE, _AI.GIVE_UP): (_A.TIMED_OUT, _AA.REPORT_TIMEOUT),
    (_A.CONFIRMABLE, _AI.CANCEL): (_A.DONE, _AA.NOTHING),
    (_A.NON, _AI.RESPONSE): (_A.DONE, _AA.DELIVER),
    (_A.NON, _AI.REGISTERED): (_A.OBSERVING, _AA.DELIVER),
    (_A.NON, _AI.RESET): (_A.RESET, _AA.REPORT_RESET),
    (_A.NON, _AI.EXPIRE): (_A.TIMED_OUT, _AA.REPORT_TIMEOUT),
    (_A.NON, _AI.CANCEL): (_A.DONE, _AA.NOTHING),
    (_A.ACKED, _AI.RESPONSE): (_A.DONE, _AA.DELIVER),
    (_A.ACKED, _AI.REGISTERED): (_A.OBSERVING, _AA.DELIVER),
    (_A.ACKED, _AI.EXPIRE): (_A.TIMED_OUT, _AA.REPORT_TIMEOUT),
    (_A.ACKED, _AI.CANCEL): (_A.DONE, _AA.NOTHING),
    (_A.OBSERVING, _AI.RESPONSE): (_A.DONE, _AA.DELIVER),
    (_A.OBSERVING, _AI.REGISTERED): (_A.OBSERVING, _AA.DELIVER),
    (_A.OBSERVING, _AI.CANCEL): (_A.DONE, _AA.NOTHING),
}

SERVING: Final = complete(_SERVING_ROWS, Serving, ServingInput, _SA.NOTHING)
ASKING: Final = complete(_ASKING_ROWS, Asking, AskingInput, _AA.NOTHING)


def markdown() -> str:
    """Both tables for the documentation."""
    return states.markdown({"Server state": _SERVING_ROWS, "Client state": _ASKING_ROWS})
