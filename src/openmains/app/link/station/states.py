# SPDX-License-Identifier: Apache-2.0
"""A connection of the main-station protocol as a table (R5.7): register first, then push, then wait for commands."""

from enum import IntEnum

from openmains.wire.states import complete


class State(IntEnum):
    """Of one connection."""

    NEW = 0  # nobody has said who it is
    READY = 1
    ENDED = 2


class SessionEvent(IntEnum):
    """What can come."""

    REGISTER = 0  # of a terminal that we know
    REGISTER_AGAIN = 1  # the same terminal once more
    UNKNOWN_TERMINAL = 2  # of one that we do not know
    OTHER_TERMINAL = 3  # another number than the connection's
    HEARTBEAT = 4
    PUSH = 5
    LINE = 6
    UNKNOWN = 7  # a function that nobody defined
    SILENCE = 8  # past the deadline
    FLOOD = 9  # bytes that are no frames, or more than may come
    REPLACED = 10  # the terminal is on a newer connection
    REMOVED = 11  # the registry knows it no more


class Action(IntEnum):
    """What is done."""

    NOTHING = 0
    GREET = 1
    REFUSE = 2  # not registered
    REFUSE_AND_END = 3
    NOTE = 4  # a sign of life
    TAKE = 5  # a push
    FEED = 6  # the line's master
    REFUSE_FUNCTION = 7
    END = 8


_ENDS = (SessionEvent.SILENCE, SessionEvent.FLOOD, SessionEvent.REPLACED, SessionEvent.REMOVED)
ROWS = {
    (State.NEW, SessionEvent.REGISTER): (State.READY, Action.GREET),
    (State.NEW, SessionEvent.REGISTER_AGAIN): (State.READY, Action.GREET),
    (State.NEW, SessionEvent.UNKNOWN_TERMINAL): (State.ENDED, Action.REFUSE_AND_END),
    **{
        (State.NEW, what): (State.NEW, Action.REFUSE)
        for what in (
            SessionEvent.HEARTBEAT,
            SessionEvent.PUSH,
            SessionEvent.LINE,
            SessionEvent.UNKNOWN,
            SessionEvent.OTHER_TERMINAL,
        )
    },
    (State.READY, SessionEvent.REGISTER): (State.READY, Action.GREET),
    (State.READY, SessionEvent.REGISTER_AGAIN): (State.READY, Action.GREET),
    (State.READY, SessionEvent.UNKNOWN_TERMINAL): (State.ENDED, Action.REFUSE_AND_END),
    (State.READY, SessionEvent.OTHER_TERMINAL): (State.ENDED, Action.REFUSE_AND_END),
    (State.READY, SessionEvent.HEARTBEAT): (State.READY, Action.NOTE),
    (State.READY, SessionEvent.PUSH): (State.READY, Action.TAKE),
    (State.READY, SessionEvent.LINE): (State.READY, Action.FEED),
    (State.READY, SessionEvent.UNKNOWN): (State.READY, Action.REFUSE_FUNCTION),
    **{(state, what): (State.ENDED, Action.END) for state in (State.NEW, State.READY) for what in _ENDS},
}
TABLE = complete(ROWS, State, SessionEvent, Action.NOTHING)
