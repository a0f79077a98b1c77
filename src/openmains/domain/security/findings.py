# SPDX-License-Identifier: Apache-2.0
"""What can be found about a terminal, what each finding weighs and how far it alone may drive the ladder.

*Proven* findings came through a session made with the meter's own key: whoever is behind them holds that key. All others
can be made by anybody who knows an IMEI or sees the meter's records on the path. If they could block a meter, knowing
its number would be enough to silence it; so they end at OBSERVE, whatever their count, and add to nothing above it.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class State(IntEnum):
    """Steps of the ladder, in order. What each does is the table in ``docs/security-terminals.md``.

    OBSERVE: everything works; counted and shown. QUARANTINE: readings are taken and marked, no command goes out.
    BLOCKED: nothing is taken; a handshake is answered as an unknown identity's.
    """

    ALLOWED = 0
    OBSERVE = 1
    QUARANTINE = 2
    BLOCKED = 3

    @property
    def word(self) -> str:
        """As it is stored and spoken: ``allowed``, ``observe``, ``quarantine``, ``blocked``."""
        return self.name.lower()


STATES = {state.word: state for state in State}


class Kind(StrEnum):
    """A finding."""

    SIM_SEPARATED = "sim_separated"  # the SIM in the module is not the registered one (R13.3)
    SIM_CHANGED = "sim_changed"  # nothing is registered, and the SIM is not the one seen before
    CLONED = "cloned"  # two live sessions under one key spoke in turn
    HANDSHAKE_TURNS = "handshake_turns"  # handshakes of one key from two addresses in turn
    MESSAGE_FLOOD = "message_flood"  # more fresh messages than a radio link of a meter can carry
    REPLAY_FLOOD = "replay_flood"  # records sent again and again
    MAC_FLOOD = "mac_flood"  # records that do not open
    WRONG_KEY = "wrong_key"  # handshakes in its name that do not know the key
    REGISTER_BACK = "register_back"  # the register went back further than any flow explains


@dataclass(frozen=True, slots=True)
class Weight:
    """``points`` of one finding; ``highest``: the step it may lead to; ``event``: its alarm in ``drivers/points.toml``."""

    points: int
    highest: State
    event: str
    proven: bool


# A clone is certain after one finding and blocks with the second; a wrong SIM may be a fitter's mistake and needs a person
# (or the option to block at once). What is not proven weighs little and ends at OBSERVE.
WEIGHTS: dict[Kind, Weight] = {
    Kind.SIM_SEPARATED: Weight(20, State.QUARANTINE, "sim_separated", True),
    Kind.SIM_CHANGED: Weight(10, State.OBSERVE, "sim_separated", True),
    Kind.CLONED: Weight(60, State.BLOCKED, "terminal_cloned", True),
    Kind.HANDSHAKE_TURNS: Weight(20, State.QUARANTINE, "terminal_cloned", True),
    Kind.MESSAGE_FLOOD: Weight(20, State.BLOCKED, "terminal_flood", True),
    Kind.REPLAY_FLOOD: Weight(5, State.OBSERVE, "terminal_flood", False),
    Kind.MAC_FLOOD: Weight(5, State.OBSERVE, "key_failure", False),
    Kind.WRONG_KEY: Weight(5, State.OBSERVE, "key_failure", False),
    Kind.REGISTER_BACK: Weight(5, State.OBSERVE, "register_back", True),
}

# Reached steps are alarms of their own: the operator must hear of a block even where each finding was small.
STEP_EVENTS = {State.QUARANTINE: "terminal_quarantined", State.BLOCKED: "terminal_blocked"}
EVENTS = sorted({*(weight.event for weight in WEIGHTS.values()), *STEP_EVENTS.values()})


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of an edge. ``count``: how many observations it stands for; ``address``: where it came from."""

    imei: int
    kind: Kind
    at: float  # s, the edge's clock
    count: int = 1
    address: str = ""
    detail: str = ""
