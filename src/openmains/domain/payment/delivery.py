# SPDX-License-Identifier: Apache-2.0
"""How a top-up stands that a meter is to be given: from the state of its command, as a table.

Money is given back only where it is certain that the meter never took it: nothing went out, or the meter itself refused it or said that
it came too
late. A command whose end the platform guessed is ``doubtful``, and a person looks at the meter first.
"""

from enum import StrEnum


class Delivery(StrEnum):
    """Where the money of a meter's top-up is."""

    NONE = "none"  # paid into the account; no meter
    WAITING = "waiting"  # paid; the command is not given yet
    GIVEN = "given"  # the command is on its way
    DELIVERED = "delivered"  # the meter confirmed it
    UNDELIVERABLE = "undeliverable"  # the meter certainly never takes it: it is given back
    DOUBTFUL = "doubtful"  # nobody knows whether the meter took it


ENDS = frozenset({Delivery.NONE, Delivery.DELIVERED, Delivery.UNDELIVERABLE})


def of_command(state: str, *, was_sent: bool, meter_answered: bool) -> Delivery:
    """From a command's state (``domain/command/life``). ``meter_answered``: its end is the meter's own word."""
    if state == "confirmed":
        return Delivery.DELIVERED
    if state in ("failed", "expired", "cancelled"):
        return Delivery.UNDELIVERABLE if not was_sent or meter_answered else Delivery.DOUBTFUL
    return Delivery.GIVEN
