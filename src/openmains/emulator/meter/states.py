# SPDX-License-Identifier: Apache-2.0
"""The meter's life between two reports, as a table (R1.5–R1.9).

``meter.py`` looks every input up here and does nothing else about states; ``docs/emulator.md`` is drawn from the same
rows. The first row whose guard holds is taken. A pair without a row leaves the state as it is: a due report is
remembered in any case, everything else is a timer or an outcome that came too late and means nothing any more.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a meter is."""

    OFF = "off"  # not switched on, or waiting for its turn to attach
    ATTACHING = "attaching"
    ATTACH_WAIT = "attach wait"  # a minute's pause after a failed attach
    ASLEEP = "asleep"  # PSM: hears nothing
    SENDING = "sending"  # a report or alarm is out
    WINDOW = "window"  # reachable after a report
    RETRY_WAIT = "retry wait"  # asleep, a report waits for its next attempt
    RESET_WAIT = "reset wait"  # asleep until the module is reset
    REST = "rest"  # in the table only: WINDOW, RETRY_WAIT, RESET_WAIT or ASLEEP, whichever still has a timer


class Input(StrEnum):
    """What can happen to a meter."""

    ATTACH_DUE = "attach due"
    ATTACHED = "attached"
    ATTACH_FAILED = "attach failed"
    REPORT_DUE = "report due"
    EVENT = "event"
    ANSWERED = "answered"
    FAILED = "failed"
    BUSY = "error 513"
    RETRY_DUE = "retry due"
    RESET_DUE = "reset due"
    HEARTBEAT_DUE = "heartbeat due"
    COMMAND = "command"
    WINDOW_ENDS = "window ends"


@dataclass(frozen=True, slots=True)
class Row:
    """In ``state``, on ``input``, if ``guard`` (a method of the meter; '' = always): do ``action``, go to ``next``."""

    state: State
    input: Input
    guard: str
    next: State
    action: str
    clause: str


_S, _I = State, Input

TABLE: tuple[Row, ...] = (
    Row(_S.OFF, _I.ATTACH_DUE, "", _S.ATTACHING, "attach", "R1.8"),
    Row(_S.ATTACHING, _I.ATTACHED, "something_to_send", _S.SENDING, "send_next", "R1.8"),
    Row(_S.ATTACHING, _I.ATTACHED, "", _S.REST, "stay", "R1.8"),
    Row(_S.ATTACHING, _I.ATTACH_FAILED, "attach_tries_left", _S.ATTACH_WAIT, "wait_for_attach", "R1.8"),
    Row(_S.ATTACHING, _I.ATTACH_FAILED, "", _S.ASLEEP, "give_up_attach", "R1.8"),
    Row(_S.ATTACH_WAIT, _I.ATTACH_DUE, "", _S.ATTACHING, "attach", "R1.8"),
    Row(_S.ASLEEP, _I.REPORT_DUE, "is_attached", _S.SENDING, "send_next", "R1.3"),
    Row(_S.ASLEEP, _I.REPORT_DUE, "", _S.ATTACHING, "attach_anew", "R1.8"),
    Row(_S.ASLEEP, _I.EVENT, "is_attached", _S.SENDING, "send_next", "R1.5"),
    Row(_S.ASLEEP, _I.EVENT, "", _S.ATTACHING, "attach_anew", "R1.5"),
    Row(_S.SENDING, _I.ANSWERED, "more_after_answer", _S.SENDING, "answered_send_next", "R1.5"),
    Row(_S.SENDING, _I.ANSWERED, "", _S.REST, "answered", "R1.9"),
    Row(_S.SENDING, _I.FAILED, "alarm_tries_left", _S.SENDING, "send_again", "R1.6"),
    Row(_S.SENDING, _I.FAILED, "alarm_was_last", _S.REST, "drop_alarm", "R1.6"),
    Row(_S.SENDING, _I.FAILED, "is_alarm", _S.SENDING, "drop_alarm_send_next", "R1.6"),
    Row(_S.SENDING, _I.FAILED, "report_tries_left", _S.RETRY_WAIT, "wait_for_retry", "R1.7"),
    Row(_S.SENDING, _I.FAILED, "", _S.RESET_WAIT, "wait_for_reset", "R1.7"),
    Row(_S.SENDING, _I.BUSY, "busy_tries_left", _S.RETRY_WAIT, "wait_for_busy_retry", "R1.7 (513)"),
    Row(_S.SENDING, _I.BUSY, "", _S.ASLEEP, "give_up_busy", "R1.7 (513)"),
    Row(_S.RETRY_WAIT, _I.RETRY_DUE, "something_to_send", _S.SENDING, "send_next", "R1.7"),
    Row(_S.RETRY_WAIT, _I.RETRY_DUE, "", _S.REST, "stay", "R1.7"),
    Row(_S.RETRY_WAIT, _I.REPORT_DUE, "", _S.SENDING, "send_next", "R1.3"),
    Row(_S.RETRY_WAIT, _I.EVENT, "", _S.SENDING, "send_next", "R1.5"),
    Row(_S.RESET_WAIT, _I.RESET_DUE, "", _S.ATTACHING, "attach_anew", "R1.7"),
    Row(_S.RESET_WAIT, _I.EVENT, "", _S.SENDING, "send_next", "R1.5"),
    Row(_S.WINDOW, _I.HEARTBEAT_DUE, "", _S.WINDOW, "send_heartbeat", "R1.9"),
    Row(_S.WINDOW, _I.COMMAND, "", _S.WINDOW, "listen_on", "C4.2.4"),
    Row(_S.WINDOW, _I.WINDOW_ENDS, "", _S.REST, "stay", "R1.9 C4.2.4"),
    Row(_S.WINDOW, _I.REPORT_DUE, "", _S.SENDING, "send_next", "R1.3"),
    Row(_S.WINDOW, _I.EVENT, "", _S.SENDING, "send_next", "R1.5"),
)

BY_PAIR: dict[tuple[State, Input], tuple[Row, ...]] = {
    (state, input_): tuple(row for row in TABLE if (row.state, row.input) == (state, input_))
    for state in State
    for input_ in Input
}


def mermaid() -> str:
    """The table as a Mermaid state diagram, for ``docs/emulator.md``."""
    names = {state: state.value.title().replace(" ", "") for state in State}
    lines = ["stateDiagram-v2", f"    [*] --> {names[State.OFF]}"]
    for row in TABLE:
        guard = f" [{row.guard.replace('_', ' ')}]" if row.guard else ""
        lines.append(f"    {names[row.state]} --> {names[row.next]}: {row.input.value}{guard}")
    return "\n".join(lines)


def markdown() -> str:
    """The table as Markdown rows."""
    lines = ["| in | on | if | do | then | clause |", "|---|---|---|---|---|---|"]
    for row in TABLE:
        cells = (row.state.value, row.input.value, row.guard, row.action, row.next.value, row.clause)
        lines.append("| " + " | ".join(cell.replace("_", " ") for cell in cells) + " |")
    return "\n".join(lines)


def drawing() -> str:
    """What stands between the marks in ``docs/emulator.md``."""
    return f"```mermaid\n{mermaid()}\n```\n\n{markdown()}\n"


if __name__ == "__main__":
    print(drawing(), end="")
