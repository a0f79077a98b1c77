# SPDX-License-Identifier: Apache-2.0
"""The life of a device with its server as a table (LwM2M core 1.1 sections 6.1, 6.2).

Theory: ``wire/states.py``. A device that the server does not know any more (4.04) registers again at once; one that got no
answer is left to its owner, who knows when the radio may be used again.
"""

from enum import IntEnum
from typing import Final

from openmains.wire import states
from openmains.wire.states import complete


class Life(IntEnum):
    """States of a device."""

    IDLE = 0
    BOOTSTRAPPING = 1  # asked for its accounts, or is being given them
    REGISTERING = 2
    REGISTERED = 3
    UPDATING = 4
    LEAVING = 5  # deregistering


class LifeInput(IntEnum):
    """What can happen."""

    WANT_BOOTSTRAP = 0
    WANT_REGISTER = 1
    WANT_UPDATE = 2
    WANT_LEAVE = 3
    ACCEPTED = 4  # the server said yes to what was asked last
    REFUSED = 5  # the server said no
    UNKNOWN = 6  # the server does not know the registration
    SILENCE = 7  # no answer
    FINISHED = 8  # the bootstrap server is done


class LifeAction(IntEnum):
    """What the device does then."""

    NOTHING = 0
    ASK_BOOTSTRAP = 1
    ASK_REGISTER = 2
    ASK_UPDATE = 3
    ASK_LEAVE = 4
    TELL_REGISTERED = 5
    TELL_UPDATED = 6
    TELL_LEFT = 7
    TELL_FAILED = 8
    TELL_BOOTSTRAPPED = 9


_S, _I, _A = Life, LifeInput, LifeAction

ROWS: Final = {
    (_S.IDLE, _I.WANT_BOOTSTRAP): (_S.BOOTSTRAPPING, _A.ASK_BOOTSTRAP),
    (_S.IDLE, _I.WANT_REGISTER): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.BOOTSTRAPPING, _I.WANT_BOOTSTRAP): (_S.BOOTSTRAPPING, _A.ASK_BOOTSTRAP),
    (_S.BOOTSTRAPPING, _I.REFUSED): (_S.IDLE, _A.TELL_FAILED),
    (_S.BOOTSTRAPPING, _I.SILENCE): (_S.IDLE, _A.TELL_FAILED),
    (_S.BOOTSTRAPPING, _I.FINISHED): (_S.IDLE, _A.TELL_BOOTSTRAPPED),
    (_S.REGISTERING, _I.ACCEPTED): (_S.REGISTERED, _A.TELL_REGISTERED),
    (_S.REGISTERING, _I.REFUSED): (_S.IDLE, _A.TELL_FAILED),
    (_S.REGISTERING, _I.UNKNOWN): (_S.IDLE, _A.TELL_FAILED),
    (_S.REGISTERING, _I.SILENCE): (_S.IDLE, _A.TELL_FAILED),
    (_S.REGISTERED, _I.WANT_BOOTSTRAP): (_S.BOOTSTRAPPING, _A.ASK_BOOTSTRAP),
    (_S.REGISTERED, _I.WANT_REGISTER): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.REGISTERED, _I.WANT_UPDATE): (_S.UPDATING, _A.ASK_UPDATE),
    (_S.REGISTERED, _I.WANT_LEAVE): (_S.LEAVING, _A.ASK_LEAVE),
    (_S.REGISTERED, _I.UNKNOWN): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.UPDATING, _I.WANT_REGISTER): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.UPDATING, _I.WANT_LEAVE): (_S.LEAVING, _A.ASK_LEAVE),
    (_S.UPDATING, _I.ACCEPTED): (_S.REGISTERED, _A.TELL_UPDATED),
    (_S.UPDATING, _I.REFUSED): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.UPDATING, _I.UNKNOWN): (_S.REGISTERING, _A.ASK_REGISTER),
    (_S.UPDATING, _I.SILENCE): (_S.REGISTERED, _A.TELL_FAILED),
    (_S.LEAVING, _I.ACCEPTED): (_S.IDLE, _A.TELL_LEFT),
    (_S.LEAVING, _I.REFUSED): (_S.IDLE, _A.TELL_LEFT),
    (_S.LEAVING, _I.UNKNOWN): (_S.IDLE, _A.TELL_LEFT),
    (_S.LEAVING, _I.SILENCE): (_S.IDLE, _A.TELL_LEFT),
}

LIFE: Final = complete(ROWS, Life, LifeInput, LifeAction.NOTHING)


def markdown() -> str:
    """The table for the documentation."""
    return states.markdown({"device state": ROWS})
