# SPDX-License-Identifier: Apache-2.0
"""A meter's log (R1.14) that comes in numbered parts: what is missing, what to ask for again, how several pulls make one log.

A meter sends its log once for a serial number; a repeat of the same command is answered 'already done' without it
(docs/protocols/openmains-commands.md). So lost parts are asked for by a new command over their span of time: from the last line before
them to the first line after them, both included, because a second may hold several lines. The numbers of the parts of one pull say
nothing of another's.

A line is ``INSTANT text``, the instant in seconds of the meter's clock. Where a line has none, or the clock was set back within what is
known, nothing says when the lost lines were written: the whole span is asked for again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Line = tuple[int | None, str]
"""(instant in s or None, the line's text without it)."""
Span = tuple[int, int]
"""(since, until): instants in s, both included."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull: the span asked for, the parts that came by number from 0, and how many there are (0: none came)."""

    since: int
    until: int
    parts: Mapping[int, str] = field(default_factory=dict)
    total: int = 0


def line_of(text: str) -> Line:
    """A line as it came."""
    first, _, rest = text.partition(" ")
    return (int(first), rest) if first.isascii() and first.isdigit() and len(first) <= 10 else (None, text)


def lines_of(pull: Pull) -> list[Line]:
    """The pull's lines in the order of its parts."""
    return [line_of(line) for part in sorted(pull.parts) for line in pull.parts[part].splitlines() if line]


def missing(pull: Pull) -> Span | None:
    """Span to ask for again; None when all parts are there."""
    lost = [part for part in range(max(1, pull.total)) if part not in pull.parts]
    if not lost:
        return None
    whole = (pull.since, pull.until)
    if not _in_order(lines_of(pull)):
        return whole
    before = [at for at, _ in _part_lines(pull, lost[0] - 1) if at is not None]
    after = [at for at, _ in _part_lines(pull, lost[-1] + 1) if at is not None]
    since = max(pull.since, before[-1]) if before else pull.since
    until = min(pull.until, after[0]) if after else pull.until
    return (since, until) if since <= until else whole


def merged(pulls: Sequence[Pull]) -> list[Line]:
    """One log of a pull and those that asked for its lost parts, in the order they were asked.

    A line that two pulls hold is one line; one that a pull holds twice was written twice. In the order of the instants
    where each pull is; else what a later pull adds follows what was there.
    """
    held: Counter[Line] = Counter()
    found: list[Line] = []
    for pull in pulls:
        seen: Counter[Line] = Counter()
        for line in lines_of(pull):
            seen[line] += 1
            if seen[line] > held[line]:
                held[line] = seen[line]
                found.append(line)
    if all(_in_order(lines_of(pull)) for pull in pulls):
        found.sort(key=lambda line: line[0] or 0)
    return found


def _part_lines(pull: Pull, part: int) -> list[Line]:
    return [line_of(line) for line in pull.parts.get(part, "").splitlines() if line]


def _in_order(lines: Sequence[Line]) -> bool:
    """Every line has an instant and none is before the one above it."""
    instants = [at for at, _ in lines if at is not None]
    return len(instants) == len(lines) and instants == sorted(instants)
