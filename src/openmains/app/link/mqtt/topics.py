# SPDX-License-Identifier: Apache-2.0
"""Topics of messages that are read by a page of JSON: which meter's number stands in one."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from openmains.drivers.plain_json.page import NUMBER


class NamedMeter(NamedTuple):
    """``pattern``: of the page that the topic is by; ``number``: the meter's, as the topic has it, "" where the text has it."""

    pattern: str
    number: str


def named_in(topic: str, patterns: Iterable[str]) -> list[NamedMeter]:
    """What the topic would be by each of the patterns; empty where it is none of theirs."""
    levels = topic.split("/")
    found = []
    for pattern in sorted(set(patterns)):
        wanted = _levels(pattern)
        if len(wanted) == len(levels) and all(
            want in ("+", NUMBER) or want == level for want, level in zip(wanted, levels, strict=True)
        ):
            found.append(NamedMeter(pattern, levels[wanted.index(NUMBER)] if NUMBER in wanted else ""))
    return found


@lru_cache(maxsize=1000)
def _levels(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("/"))
