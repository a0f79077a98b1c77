# SPDX-License-Identifier: Apache-2.0
"""Register, change and remove concentrators, and say which meters each may speak for; one by one, or by a file that is taken whole or not at
all. Edges follow within a second, on open connections too."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from openmains.app.fleet.concentrators import (
    DEFAULT_POLL_S,
    ConcentratorDetail,
    ConcentratorImport,
    ConcentratorMetersChange,
    NewConcentrator,
)
from openmains.app.fleet.ports import ConcentratorStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.frame_number import NUMBER_DIGITS, twins, wire_number
from openmains.domain.plain_text import name_fault

SHOWN = 10
# All are in memory at once; what a file does not name stays, so a longer one can be divided anywhere.
MOST_LINES = 100_000
MOST_FAULTS = 50
FILE_PAGE = 50  # concentrators that are in memory for a file
COLUMNS = ("number", "name", "poll_s", "meter")


async def add_concentrator(store: Store, actor: Actor, wanted: NewConcentrator) -> ConcentratorDetail:
    """Raises ``invalid-input``, ``concentrator-taken``, ``meters-not-free``, ``meters-alike``."""
    _check_name(wanted.name)
    if (
        len(wanted.number) != NUMBER_DIGITS or wire_number(wanted.number) != wanted.number
    ):  # a pattern lets a line end by
        raise Problem("invalid-input", fields=(("/number", "wrong-format"),))
    async with store.tenant(actor.tenant_id) as work:
        await work[ConcentratorStore].hold()
        made = await work[ConcentratorStore].add(wanted.number, wanted.name, wanted.poll_s)
        if made is None:
            raise Problem("concentrator-taken", fields=(("/number", "not-accepted"),))
        await _put(work, made, wanted.meters)
        found = await _read(work, made)
        told = {"number": found.number, "name": found.name, "poll_s": found.poll_s, "meters": list(wanted.meters)}
        await work[AuditTrail].record(actor, "add_concentrator", "concentrator", found.number, None, told)
    return found


async def change_concentrator(
    store: Store, actor: Actor, concentrator_id: int, values: dict[str, Any]
) -> ConcentratorDetail:
    """Name and pace. Raises ``not-found``, ``invalid-input``."""
    _check_name(values.get("name") or "")
    async with store.tenant(actor.tenant_id) as work:
        before = await _read(work, concentrator_id)
        await work[ConcentratorStore].change(concentrator_id, values)
        after = await _read(work, concentrator_id)
        await work[AuditTrail].record(
            actor, "change_concentrator", "concentrator", before.number,
            {"name": before.name, "poll_s": before.poll_s}, {"name": after.name, "poll_s": after.poll_s},
        )  # fmt: skip
    return after


async def remove_concentrator(store: Store, actor: Actor, concentrator_id: int, reason: str) -> None:
    """It may connect no more, and its meters are behind none. Raises ``not-found``, ``reason-needed``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[ConcentratorStore].hold()
        before = await _read(work, concentrator_id)
        meters = await work[ConcentratorStore].numbers_behind(concentrator_id)
        await work[ConcentratorStore].remove(concentrator_id)
        told = {"number": before.number, "name": before.name, "meters": meters}
        await work[AuditTrail].record(
            actor, "remove_concentrator", "concentrator", before.number, told, None, reason=why
        )


async def change_behind(
    store: Store, actor: Actor, concentrator_id: int, wanted: ConcentratorMetersChange
) -> ConcentratorDetail:
    """All of it or nothing. Raises ``not-found``, ``reason-needed``, ``meters-not-free``, ``meters-not-behind``, ``meters-alike``."""
    why = stated(wanted.reason) if wanted.take else ""
    async with store.tenant(actor.tenant_id) as work:
        await work[ConcentratorStore].hold()
        before = await _read(work, concentrator_id)
        if wanted.take:
            left = await work[ConcentratorStore].take(concentrator_id, wanted.take)
            if left:
                raise Problem(
                    "meters-not-behind", fields=(("/take", "not-accepted"),), numbers=_some(left), count=len(left)
                )
        await _put(work, concentrator_id, wanted.put)
        after = await _read(work, concentrator_id)
        told = {"put": list(wanted.put), "taken": list(wanted.take)}
        await work[AuditTrail].record(
            actor, "change_behind_concentrator", "concentrator", before.number, None, told, reason=why
        )
    return after


async def import_concentrators(store: Store, actor: Actor, data: bytes) -> ConcentratorImport:
    """A CSV with the columns ``number, name, poll_s, meter``, as the file of all of them has it: a line for each meter, one without a
    meter for a concentrator alone. Those it names are registered or changed, their meters put behind them; what it does not name stays.

    Raises ``invalid-input`` with the line and column of each fault, ``concentrator-taken``, ``meters-not-free``, ``meters-alike``.
    """
    groups = await asyncio.to_thread(_read_file, data)
    async with store.tenant(actor.tenant_id) as work:
        concentrators = work[ConcentratorStore]
        await concentrators.hold()
        added = await concentrators.add_all(
            [(number, name, poll_s or DEFAULT_POLL_S) for number, (name, poll_s, _) in groups.items()]
        )
        keys = await concentrators.keys(list(groups))
        taken = [number for number in groups if number not in keys]
        if taken:
            raise Problem(
                "concentrator-taken", fields=tuple((f"/{number}", "not-accepted") for number in taken[:MOST_FAULTS])
            )
        await concentrators.change_all(
            [(keys[number], name, poll_s) for number, (name, poll_s, _) in groups.items() if number not in added]
        )
        pairs = [(keys[number], meter) for number, (_, _, meters) in groups.items() for meter in dict.fromkeys(meters)]
        put, left = await concentrators.put_all(pairs)
        if left:
            raise Problem(
                "meters-not-free", fields=(("/meters", "not-accepted"),), numbers=_some(left), count=len(left)
            )
        for behind in await concentrators.behind_each([key for key, _ in pairs]):
            _check_twins(behind)
        done = ConcentratorImport(len(added), len(groups) - len(added), put)
        told = {
            "added": done.added, "changed": done.changed, "meters_put": done.meters_put, "numbers": list(groups)[:SHOWN]
        }  # fmt: skip
        await work[AuditTrail].record(actor, "import_concentrators", "concentrator", "file", None, told)
    return done


async def file_pages(store: Store, actor: Actor) -> AsyncIterator[list[tuple[str, str, int, str]]]:
    """Lines of the file that the import takes back, concentrators by number, each page as of its own moment."""
    after, is_more = "", True
    while is_more:
        async with store.tenant(actor.tenant_id) as work:
            rows = await work[ConcentratorStore].rows(after, FILE_PAGE)
        yield [(row.number, row.name, row.poll_s, row.meter) for row in rows]
        is_more = len({row.number for row in rows}) == FILE_PAGE
        after = rows[-1].number if rows else ""


async def _put(work: Work, concentrator_id: int, meters: Sequence[str]) -> None:
    """Behind this one, if each of them is a meter in use, behind no other, and none is like another in a frame."""
    if not meters:
        return
    bad = [number for number in meters if not wire_number(number)]
    left = bad or await work[ConcentratorStore].put(concentrator_id, list(dict.fromkeys(meters)))
    if left:
        raise Problem("meters-not-free", fields=(("/meters", "not-accepted"),), numbers=_some(left), count=len(left))
    _check_twins(await work[ConcentratorStore].numbers_behind(concentrator_id))


def _check_twins(behind: Sequence[str]) -> None:
    for one, other in twins(behind):
        raise Problem("meters-alike", fields=(("/meters", "not-accepted"),), one=one, other=other)


async def _read(work: Work, concentrator_id: int) -> ConcentratorDetail:
    found = await work[ConcentratorStore].get(concentrator_id)
    if found is None:
        raise Problem("not-found")
    return found


def _check_name(name: str) -> None:
    if name and name_fault(name):
        raise Problem("invalid-input", fields=(("/name", "not-accepted"),))


def _some(numbers: Sequence[str]) -> str:
    return ", ".join(numbers[:SHOWN]) + (", …" if len(numbers) > SHOWN else "")


_Groups = dict[str, tuple[str, int, list[str]]]


def _read_file(data: bytes) -> _Groups:
    """By number: name, pace (0: not said), meters. Raises ``invalid-input`` naming lines and columns."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("invalid-input", fields=(("/data", "wrong-format"),)) from None
    faults: list[tuple[str, str]] = []
    groups: _Groups = {}
    owners: dict[str, str] = {}
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise Problem("invalid-input", fields=(("/data", "wrong-format"),)) from None
    header = [cell.strip() for cell in rows[0]] if rows else []
    if sorted(header) != sorted(COLUMNS) or len(rows) > MOST_LINES + 1:
        raise Problem(
            "invalid-input",
            fields=(("/line/1", "wrong-format" if sorted(header) != sorted(COLUMNS) else "out-of-range"),),
        )
    for at, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            faults.append((f"/line/{at}", "wrong-format"))
            continue
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        faults += [(f"/line/{at}/{column}", code) for column, code in _line_faults(cells, groups, owners)]
        if len(faults) >= MOST_FAULTS:
            break
    if faults or not groups:
        raise Problem("invalid-input", fields=tuple(faults) or (("/line/2", "required"),))
    return groups


def _line_faults(cells: dict[str, str], groups: _Groups, owners: dict[str, str]) -> list[tuple[str, str]]:
    """What is wrong with a line; one that is right is put into ``groups``."""
    number, name, poll, meter = (cells[column] for column in COLUMNS)
    found = []
    if len(number) != 16 or wire_number(number) != number:
        found.append(("number", "wrong-format"))
    if name and (name_fault(name) or len(name) > 200):
        found.append(("name", "not-accepted"))
    if poll and not (poll.isascii() and poll.isdigit() and len(poll) < 9):
        found.append(("poll_s", "wrong-format"))
    elif poll and not 10 <= int(poll) <= 2_678_400:
        found.append(("poll_s", "out-of-range"))
    if meter and not wire_number(meter):
        found.append(("meter", "wrong-format"))
    elif meter and owners.setdefault(meter, number) != number:
        found.append(("meter", "twice"))
    if found:
        return found
    group = groups.setdefault(number, (name, int(poll or 0), []))
    if (name or group[0]) != group[0] or (poll and int(poll) != group[1]):  # two lines of one terminal differ
        return [("name" if (name or group[0]) != group[0] else "poll_s", "not-accepted")]
    if meter:
        group[2].append(meter)
    return []
