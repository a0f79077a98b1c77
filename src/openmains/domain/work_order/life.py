# SPDX-License-Identifier: Apache-2.0
"""The life of a work order as a table: state × step → state (R7.2, G4.5). What it does not name is refused by name.

    new         made; nobody was sent
    assigned    a technician was named and has not answered
    accepted    the technician has taken it
    working     begun at the place
    waiting     begun, and stopped: for parts, the weather, or the customer
    done        the technician, or a remote command that was confirmed, ended it; nobody has looked at the result yet
    closed      somebody else looked at the result and took it
    cancelled   not to be done

Two ways lead to ``done``: a visit (``finish``) and a command that the meter confirmed (``mend``). Neither ends anything else: the
alarm behind an order, its meter's visit, its hazard follow with ``close`` alone, when somebody has looked.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class OrderState(StrEnum):
    """Where a work order stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    WORKING = "working"
    WAITING = "waiting"
    DONE = "done"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OrderStep(StrEnum):
    """What can be done with it. ``note`` adds to what is known and leaves the state."""

    ASSIGN = "assign"
    ACCEPT = "accept"
    REFUSE = "refuse"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    NOTE = "note"
    FINISH = "finish"
    MEND = "mend"
    SEND_BACK = "send_back"
    CLOSE = "close"
    CANCEL = "cancel"


S, E = OrderState, OrderStep
ENDED: Final = frozenset({S.CLOSED, S.CANCELLED})
CHANGES: Final[Mapping[OrderState, Mapping[OrderStep, OrderState]]] = {
    S.NEW: {E.ASSIGN: S.ASSIGNED, E.NOTE: S.NEW, E.MEND: S.DONE, E.CANCEL: S.CANCELLED},
    S.ASSIGNED: {
        E.ASSIGN: S.ASSIGNED, E.ACCEPT: S.ACCEPTED, E.REFUSE: S.NEW, E.NOTE: S.ASSIGNED, E.MEND: S.DONE, E.CANCEL: S.CANCELLED,
    },
    S.ACCEPTED: {
        E.ASSIGN: S.ASSIGNED, E.REFUSE: S.NEW, E.START: S.WORKING, E.NOTE: S.ACCEPTED, E.MEND: S.DONE, E.CANCEL: S.CANCELLED,
    },
    S.WORKING: {E.HOLD: S.WAITING, E.NOTE: S.WORKING, E.FINISH: S.DONE, E.CANCEL: S.CANCELLED},
    S.WAITING: {E.ASSIGN: S.ASSIGNED, E.RESUME: S.WORKING, E.NOTE: S.WAITING, E.MEND: S.DONE, E.CANCEL: S.CANCELLED},
    S.DONE: {E.NOTE: S.DONE, E.SEND_BACK: S.ASSIGNED, E.CLOSE: S.CLOSED},
    S.CLOSED: {},
    S.CANCELLED: {},
}  # fmt: skip
OF_TECHNICIAN: Final = frozenset({E.ACCEPT, E.REFUSE, E.START, E.HOLD, E.RESUME, E.FINISH})
"""Steps that the technician who was sent takes, and nobody else."""
NEED_REASON: Final = frozenset({E.REFUSE, E.HOLD, E.SEND_BACK, E.CANCEL})


class OrderOutcome(StrEnum):
    """What came of it, as its end says."""

    MENDED = "mended"
    NOT_MENDED = "not_mended"
    NOTHING_FOUND = "nothing_found"
    NO_ENTRY = "no_entry"  # nobody was there
    ENTRY_REFUSED = "entry_refused"  # somebody was, and let nobody in


class HoldCause(StrEnum):
    """Why it waits. While the customer is what is waited for, the clock stands still."""

    CUSTOMER = "customer"
    PARTS = "parts"
    WEATHER = "weather"
    OTHER = "other"


STATE_WORDS: Final[Mapping[OrderState, tuple[str, str]]] = {
    S.NEW: ("待派", "new"), S.ASSIGNED: ("已派", "assigned"), S.ACCEPTED: ("已接单", "accepted"), S.WORKING: ("处理中", "working"),
    S.WAITING: ("挂起", "waiting"), S.DONE: ("待审核", "done"), S.CLOSED: ("已办结", "closed"), S.CANCELLED: ("已取消", "cancelled"),
}  # fmt: skip
STEP_WORDS: Final[Mapping[OrderStep, tuple[str, str]]] = {
    E.ASSIGN: ("派单", "assign"), E.ACCEPT: ("接单", "accept"), E.REFUSE: ("退单", "refuse"), E.START: ("开始", "start"),
    E.HOLD: ("挂起", "hold"), E.RESUME: ("继续", "resume"), E.NOTE: ("记录", "note"), E.FINISH: ("完成", "finish"),
    E.MEND: ("远程处理", "mend from afar"), E.SEND_BACK: ("退回重做", "send back"), E.CLOSE: ("办结", "close"), E.CANCEL: ("取消", "cancel"),
}  # fmt: skip


class WrongOrderStepError(Exception):
    """A step that the table does not know in this state; names both."""

    def __init__(self, state: OrderState, step: OrderStep) -> None:
        super().__init__(f"a work order that is {state} has no step {step}")
        self.state, self.step = state, step


def advance(state: OrderState, step: OrderStep) -> OrderState:
    """The next state. Raises ``WrongOrderStepError`` for what the table does not name."""
    following = CHANGES[state].get(step)
    if following is None:
        raise WrongOrderStepError(state, step)
    return following


def drawing() -> str:
    """The table as a Mermaid state diagram for the docs; what leaves the state as it is is left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.NEW}"]
    for state, row in CHANGES.items():
        lines += [f"    {state} --> {after}: {step}" for step, after in row.items() if after is not state]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in CHANGES if state in ENDED)])


def table() -> str:
    """Every state and step as a Markdown table: the next state, '·' refused."""
    rows = ["| state | " + " | ".join(OrderStep) + " |", "|---" * (len(OrderStep) + 1) + "|"]
    for state in OrderState:
        rows.append(f"| **{state}** | " + " | ".join(CHANGES[state].get(step, "·") for step in OrderStep) + " |")
    return "\n".join(rows)
