# SPDX-License-Identifier: Apache-2.0
"""Quality flags (R6.1). A slot flag speaks of one interval, a rule says what was found about a whole message or value.

Slot flags are one byte each on disk (``quality[]`` of a meter-day). 0 means: measured at the meter, no rule fired.
Rules are numbered once and for ever: the number is stored as a bit in ``flags`` and by name in the exception list.
"""

from enum import IntEnum, IntFlag


class Slot(IntFlag):
    """Flags of one interval of a meter-day."""

    MISSING = 1  # nothing known: the increment is 0 and does not count
    ESTIMATED = 2  # linear between two registers because nothing arrived in between
    INTERPOLATED = 4  # grid value between two registers no further apart than expected
    SUSPECT = 8  # a rule fired on it; the value is kept
    EDITED = 16  # set or confirmed by a person
    FROM_HISTORY = 32  # its day's total comes from the meter's 7-day history
    REVERSE = 64  # negative increment
    RESTATED = 128  # replaces what was booked on a level that proved wrong


def slot_names(flags: int) -> list[str]:
    """Names of the flags that are set, in lower case, as API and files tell them."""
    return [slot.name.lower() for slot in Slot if flags & slot and slot.name]


class Rule(IntEnum):
    """What validation can find. The value is the bit number in a row's ``flags``."""

    DUPLICATE_SAME = 0  # same meter and instant, same register: stored once more, no effect
    DUPLICATE_DIFFERENT = 1  # same meter and instant, another register
    CLOCK_AHEAD = 2
    CLOCK_BEHIND = 3
    BEFORE_INSTALLATION = 4
    ROLLOVER = 5  # register passed its dial limit: counted on
    METER_CHANGED = 6  # register starts anew at a new level
    REVERSE_FLOW = 7  # register went back as far as water or gas can flow back
    IMPOSSIBLE_BACK = 8  # register went back further than any flow explains
    OVER_QMAX = 9  # more than Qmax (overload flow) could let through
    SPIKE = 10  # possible, but far beyond the meter's own average_use
    SUM_MISMATCH = 11  # increments do not add up to the register difference
    DIAL_LIMIT = 12  # register beyond the dial's digits
    UNIT_SUSPECT = 13  # off by a power of ten against the meter's average_use: wrong unit or pulse value
    HISTORY_MISMATCH = 14  # 7-day history differs from what was stored
    GAP = 15  # expected values did not arrive
    OUT_OF_ORDER = 16  # older than what is already known
    LEVEL_RETURNED = 17  # register continues the level that was left: the change is withdrawn
    LEVEL_DOUBT = 18  # neither the level that counts nor the one that was left explains the jump: not booked
    NUMBER_MISMATCH = 19  # the number in the frame is not the registered one: nothing of the message is booked
    MANUAL_READING = 20  # a person read the register
    MANUAL_DIFFERS = 21  # what a person read is not what the meter itself says of that time: the meter's own counts


FLAGS_ONLY = frozenset({Rule.DUPLICATE_SAME, Rule.ROLLOVER, Rule.OUT_OF_ORDER, Rule.MANUAL_READING})
"""Nothing for a person to do: the same value again, a dial that went round, data that came late, who read it. Bits, no exceptions."""

LASTING = frozenset({Rule.CLOCK_AHEAD, Rule.CLOCK_BEHIND, Rule.BEFORE_INSTALLATION, Rule.DIAL_LIMIT})
"""Said again by every message while their cause lasts: one exception until a message comes without it."""


def rule_names(flags: int) -> list[str]:
    """Of the bits that are set."""
    return [rule.name.lower() for rule in Rule if flags >> rule.value & 1]
