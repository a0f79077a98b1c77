# SPDX-License-Identifier: Apache-2.0
"""What the fields of a dialect page amount to: which points and events they say, how long they can be, whether each is read for something."""

from collections.abc import Sequence

from openmains.drivers.dialect.page import DialectMessage, Group, Item, Leaf
from openmains.drivers.errors import Place
from openmains.drivers.page_reader import PageReader


def claims_of(reader: PageReader, items: Sequence[Item]) -> tuple[int, set[str]]:
    """Events and points of all fields; each is in one of them, or in several records of a group, of which a frame has one."""
    known, points = 0, set[str]()

    def claim(names: set[str], events: int, place: Place) -> None:
        nonlocal known, points
        if both := sorted(names & points):
            reader.fail(place, f"ambiguous: point {both[0]} is in another field already")
        if events & known:
            reader.fail(place, "ambiguous: an event in two fields")
        known, points = known | events, points | names

    for item in items:
        if isinstance(item, Leaf):
            claim({item.says} if item.says else set(), 0, item.place)
            for bits in item.bits:
                claim({bits.point}, 0, item.place)
            for event in item.events.values():
                claim(set(), 1 << event, item.place)
            claim(set(), item.codes.known if item.codes is not None else 0, item.place)
            continue
        within = [claims_of(reader, record.items) for record in item.records] or [claims_of(reader, item.items)]
        for events, names in within if not item.records else [_together(within)]:
            claim(names, events, item.place)
        if item.instants is not None:
            claim({"register_instants"}, 0, item.place)
    return known, points


def _together(found: Sequence[tuple[int, set[str]]]) -> tuple[int, set[str]]:
    known, points = 0, set[str]()
    for events, names in found:
        known, points = known | events, points | names
    return known, points


def are_meant(reader: PageReader, header: Sequence[Item], messages: Sequence[DialectMessage], type_field: str) -> None:
    """No field is read for nothing: what is not explained is said to be so, by type bytes."""
    for items in [header, *([*header, *message.items] for message in messages)]:
        used = {type_field}
        for group in _groups(items):
            used |= {group.count} if isinstance(group.count, str) else set()
            used |= {group.instants.start} if group.instants is not None else set()
            used |= {group.when.field} if group.when is not None else set()
        used |= {leaf.unit for leaf in _leaves(items) if leaf.unit}
        used |= {leaf.adds_to for leaf in _leaves(items) if leaf.adds_to}
        if items is header:
            continue
        for leaf in _leaves(items):
            meant = leaf.says or leaf.bits or leaf.events or leaf.values or leaf.length or leaf.form == "bytes"
            meant = meant or leaf.codes is not None
            if not meant and leaf.name not in used:
                reader.fail(
                    leaf.place,
                    f"field {leaf.name} has no meaning: give it point, series, value, bits, events or length, or make it bytes",
                )


def _leaves(items: Sequence[Item]) -> list[Leaf]:
    found: list[Leaf] = []
    for item in items:
        found += [item] if isinstance(item, Leaf) else _leaves(_within(item))
    return found


def _within(group: Group) -> list[Item]:
    return [*group.items, *(item for record in group.records for item in record.items)]


def _groups(items: Sequence[Item]) -> list[Group]:
    found: list[Group] = []
    for item in items:
        if isinstance(item, Group):
            found += [item, *_groups(_within(item))]
    return found


def most(items: Sequence[Item]) -> int:
    """Records are held to the longest frame when one comes: their number is open."""
    return sum(item.size if isinstance(item, Leaf) else item.most * most(item.items) for item in items)


def least(items: Sequence[Item]) -> int:
    total = 0
    for item in items:
        if isinstance(item, Leaf):
            total += item.size
        elif item.records:
            total += min(len(record.tag) + least(record.items) for record in item.records)
        elif isinstance(item.count, int) and item.when is None:
            total += item.count * least(item.items)
    return total
