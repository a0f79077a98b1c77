# SPDX-License-Identifier: Apache-2.0
"""Lost parts of pulled logs are asked for again, and what came is made into a file (R1.14).

Each further pull is a command of its own with the next serial number; its unique key names the first pull and counts, so
that each is given once, by whichever dispatcher. It stays valid as long as the first was. The pulls end when all parts are there, or
with as many as the kind has attempts. Which it was is in the history of the command whose parts were lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from openmains.app.command.ports import LogAgain, LogPulling
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.command.kinds import Kind, Times, rule_for
from openmains.domain.command.log_pull import Pull, merged, missing
from openmains.domain.ids import CommandId
from openmains.domain.period import Zone

SETTLE_S = 120
"""Parts that are under way come within the time a meter repeats a message (RFC 7252, MAX_TRANSMIT_WAIT 93 s)."""
LOOK_BACK_S = int(timedelta(days=1).total_seconds())
"""Pulls that ended before are left as they are: a dispatcher may have stood still so long."""
_HEADS = {"zh": ("表具时刻", "秒", "内容"), "en": ("time of the meter", "seconds", "entry")}
_LOST = {"zh": "缺失", "en": "missing"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The first pull and how many were asked for before this one."""

    first: int
    number: int = 0


def again_key(chain: Chain) -> str:
    """Unique key of a further pull."""
    return f"log_again:{chain.first}:{chain.number}"


def chain_of(command_id: CommandId, unique_key: str) -> Chain:
    """Where a pull stands; one that a person gave is the first of its own."""
    head, _, rest = unique_key.partition(":")
    first, _, number = rest.partition(":")
    if head != "log_again" or not all(x.isascii() and x.isdigit() and len(x) <= 18 for x in (first, number)):
        return Chain(command_id)
    return Chain(int(first), int(number))


async def ask_again(
    flow: LogPulling, times: Mapping[tuple[int, int, str], Times], now_us: int, limit: int = 500
) -> int:
    """Ask for lost parts of logs whose meters said that they are done; returns how many commands were drafted."""
    now = now_us // 1_000_000
    until_us = (now - SETTLE_S) * 1_000_000
    lost = await flow.incomplete_logs(until_us - LOOK_BACK_S * 1_000_000, until_us, limit)
    asked = []
    for log in lost:
        rule = rule_for(times, Kind.LOG_PULL, log.tenant_id, log.product_id)
        chain, span = chain_of(log.command_id, log.unique_key), missing(log.pull)
        if span is None:
            continue
        following = Chain(chain.first, chain.number + 1)
        key = again_key(following) if following.number < rule.attempts else ""
        asked.append(LogAgain(log.command_id, span[0], span[1], key, now + log.validity_s))
    return await flow.pull_again(asked, now_us)


def as_text(pulls: Sequence[Pull], language: str) -> str:
    """The log as the meter wrote it; a last line says what span is still missing."""
    lines = [text if at is None else f"{at} {text}" for at, text in merged(pulls)]
    if (span := _still_missing(pulls)) is not None:
        lines.append(f"# {_LOST[language]}: {span[0]} – {span[1]}")
    return "".join(f"{line}\n" for line in lines)


def as_csv(pulls: Sequence[Pull], zone: Zone, language: str) -> bytes:
    """The log as a table: instant in the zone, the meter's seconds, the entry."""
    rows: list[Sequence[str | int]] = [_HEADS[language]]
    rows += [("" if at is None else zone.iso(at), "" if at is None else at, text) for at, text in merged(pulls)]
    if (span := _still_missing(pulls)) is not None:
        rows.append(("", "", f"{_LOST[language]}: {zone.iso(span[0])} – {zone.iso(span[1])}"))
    return b"".join(csv_bytes(rows))


def _still_missing(pulls: Sequence[Pull]) -> tuple[int, int] | None:
    """Each pull asks for all that was missing before it: only the last one's gaps are left."""
    return missing(pulls[-1]) if pulls else None


def part_of(detail: str) -> tuple[int, int, str] | None:
    """(part, parts, text) of a ``log`` entry of a command's history (``results.py``); None: not one."""
    head, _, text = detail.partition("\n")
    part, _, total = head.partition("/")
    return (int(part), int(total), text) if part.isdigit() and total.isdigit() else None
