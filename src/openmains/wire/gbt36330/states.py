# SPDX-License-Identifier: Apache-2.0
"""The sending side of a peer as a table (sections 5.7 f and 7.6.2.5: confirmations, retransmission with a number that can be set)."""

from enum import IntEnum

from openmains.wire.states import complete


class State(IntEnum):
    """Of the one message that may be open."""

    IDLE = 0
    WAITING = 1


class Input(IntEnum):
    """What can happen to it."""

    SEND = 0
    CONFIRMATION = 1  # normal, of this message
    REJECTION = 2  # abnormal, of this message
    UNRELATED = 3  # a confirmation of anything else
    TIMEOUT = 4  # with tries left
    LAST_TIMEOUT = 5


class Action(IntEnum):
    """What is done."""

    NOTHING = 0
    TRANSMIT = 1
    TELL_CONFIRMED = 2
    TELL_REJECTED = 3
    TELL_UNCONFIRMED = 4
    COUNT = 5


ROWS = {
    (State.IDLE, Input.SEND): (State.WAITING, Action.TRANSMIT),
    (State.IDLE, Input.CONFIRMATION): (State.IDLE, Action.COUNT),
    (State.IDLE, Input.REJECTION): (State.IDLE, Action.COUNT),
    (State.IDLE, Input.UNRELATED): (State.IDLE, Action.COUNT),
    (State.WAITING, Input.CONFIRMATION): (State.IDLE, Action.TELL_CONFIRMED),
    (State.WAITING, Input.REJECTION): (State.IDLE, Action.TELL_REJECTED),
    (State.WAITING, Input.UNRELATED): (State.WAITING, Action.COUNT),
    (State.WAITING, Input.TIMEOUT): (State.WAITING, Action.TRANSMIT),
    (State.WAITING, Input.LAST_TIMEOUT): (State.IDLE, Action.TELL_UNCONFIRMED),
}
TABLE = complete(ROWS, State, Input, Action.NOTHING)
