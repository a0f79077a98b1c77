# SPDX-License-Identifier: Apache-2.0
"""How an act on a line ended, whatever protocol is spoken there: a master looks, writes, and looks again.

An answer to a write says that the frame came, and a missing one says nothing. So only what reading back shows is **done**, and what it
shows otherwise is **contradicted**.
"""

from collections.abc import Callable
from enum import Enum

ALREADY = "already so"  # detail of what was done before it was written
MayWrite = Callable[[], bool]


class Outcome(Enum):
    """How an act ended."""

    DONE = "done"  # read; or confirmed by reading back
    CONTRADICTED = "contradicted"  # reading back shows that it is not so
    REFUSED = "refused"  # the meter said no
    UNANSWERED = "unanswered"  # nothing, or nothing to confirm it by: done or not, nobody knows
    MALFORMED = "malformed"  # an answer that cannot be read
    SENT = "sent"  # to everyone; nobody answers
    WITHHELD = "withheld"  # it is not so, and it may not be written any more; nothing was written


def always() -> bool:
    """Nothing forbids a write."""
    return True
