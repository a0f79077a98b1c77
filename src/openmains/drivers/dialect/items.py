# SPDX-License-Identifier: Apache-2.0
"""Fields that stand together: groups that repeat, groups that a bit says are there, and records told apart by their first bytes."""

from typing import NotRequired, TypedDict

from openmains.drivers.dialect.fields import FieldEntry, LeafReader, Path, named, says
from openmains.drivers.dialect.page import Group, Instants, Item, Leaf, Record, When
from openmains.drivers.dialect.skipping import RULES
from openmains.drivers.errors import Place

DEPTH = 3
MOST_TAG = 24  # bytes; a record of EN 13757 may begin with its unit in letters
_GROUP_KEYS = frozenset({"name", "count", "most", "instants", "fields", "when"})
_RECORDS_KEYS = frozenset({"name", "most", "records", "skips"})


class _InstantsEntry(TypedDict):
    start: str
    step_s: int
    first: NotRequired[int]
    floor_s: NotRequired[int]


class _WhenEntry(TypedDict):
    field: str
    bit: int


class _RecordEntry(FieldEntry):
    tag: str
    many: NotRequired[bool]


class ItemReader(LeafReader):
    """Reads the fields and groups of one page."""

    def read(
        self, entries: list[object], path: Path, before: tuple[Item, ...], depth: int = 0, *, many: bool = False
    ) -> list[Item]:
        """Fields of the list ``fields`` in the section at ``path``; ``before``: what stands in front of them.
        ``many``: in a group that repeats."""
        found: list[Item] = []
        for index, raw in enumerate(entries):
            here = (*path, "fields", index)
            entry = self._reader.checked(FieldEntry, raw, *here)
            place = self._reader.place(*here)
            if any(item.name == entry["name"] for item in (*before, *found)):
                self._reader.fail(place, f"ambiguous: a second field {entry['name']}")
            earlier = (*before, *found)
            if found and isinstance(found[-1], Group) and found[-1].count is None:
                self._reader.fail(place, "nothing stands behind a group that goes on to the end")
            found.append(self._item(entry, here, place, earlier, depth, many=many))
        return found

    def _item(
        self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], depth: int, *, many: bool
    ) -> Item:
        if "records" in entry:
            return self._records(entry, path, place, before, depth, many=many)
        if "fields" in entry or "count" in entry:
            return self._group(entry, path, place, before, depth, many=many)
        if odd := sorted(set(entry) & (_GROUP_KEYS | _RECORDS_KEYS | {"adds_to"}) - {"name"}):
            self._reader.fail(place, f"{odd[0]} is a group's: this is one field, which stands once")
        return self.leaf(entry, path, place, before, many=many)

    def _group(
        self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], depth: int, *, many: bool
    ) -> Group:
        if depth >= DEPTH:
            self._reader.fail(place, f"groups within groups, at most {DEPTH} deep")
        count, most = self._count(entry, place, before)
        is_many = many or count != 1
        if "fields" in entry:
            if odd := sorted(set(entry) - _GROUP_KEYS):
                self._reader.fail(place, f"a group has no {odd[0]}")
            items = self.read(entry["fields"], path, before, depth + 1, many=is_many)
            if not items:
                self._reader.fail(place, "a group has fields")
        else:
            items = [self.leaf(entry, path, place, before, many=True)]
        instants = self._instants(entry, path, place, before, is_many=is_many) if "instants" in entry else None
        when = self._when(entry, path, place, before) if "when" in entry else None
        if "adds_to" in entry:
            self._adds_to(items, entry["adds_to"], place, before, dated=instants is not None and not many)
        return Group(entry["name"], place, items, count, most, instants, when)

    def _count(self, entry: FieldEntry, place: Place, before: tuple[Item, ...]) -> tuple[int | str | None, int]:
        """How often a group stands – None: to the end –, and how often at most."""
        told = entry.get("count", 1)
        if told == "rest":
            if "most" not in entry:
                self._reader.fail(place, "a group that goes on to the end says how many there are at most: most")
            return None, entry["most"]
        if isinstance(told, str):
            other = named(before, told)
            if (
                other is None
                or other.form not in ("int", "bcd")
                or other.signed
                or other.scale != 1
                or other.divide != 1
            ):
                self._reader.fail(place, f"count = {told!r} is no unsigned field before this one")
            return told, min(entry.get("most", other.high), other.high)
        if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= 512:
            self._reader.fail(place, "count is a number from 1, the name of a field before, or rest")
        return told, told

    def _instants(
        self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], *, is_many: bool
    ) -> Instants:
        given = self._reader.checked(_InstantsEntry, entry.get("instants"), *path, "instants")
        if not given["step_s"]:
            self._reader.fail(place, "step_s of instants is not 0")
        if not 1 <= given.get("floor_s", 1) <= 86_400:
            self._reader.fail(place, "floor_s of instants is 1..86400 seconds")
        if not is_many or (named(before, given["start"]) is None and not says(before, given["start"])):
            self._reader.fail(
                place, f"instants of a group that repeats start at a field before it, not {given['start']!r}"
            )
        return Instants(given["start"], given["step_s"], given.get("first", 0), given.get("floor_s", 1))

    def _when(self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...]) -> When:
        given = self._reader.checked(_WhenEntry, entry.get("when"), *path, "when")
        other = named(before, given["field"])
        if other is None or other.form != "int" or other.signed or other.sign_bit:
            self._reader.fail(place, f"when names an unsigned field before it, not {given['field']!r}")
        if not 0 <= given["bit"] < 8 * other.size or not other.high >> given["bit"] & 1:
            self._reader.fail(place, f"bit {given['bit']} of {given['field']} is never set: max is {other.high}")
        return When(given["field"], given["bit"])

    def _adds_to(self, items: list[Item], name: str, place: Place, before: tuple[Item, ...], *, dated: bool) -> None:
        leaf, base = items[0], named(before, name)
        if not isinstance(leaf, Leaf) or len(items) > 1 or leaf.series != "register_values" or leaf.unit or not dated:
            self._reader.fail(place, "adds_to is of one field with count that is register_values, with instants")
        if base is None or base.form not in ("int", "bcd") or base.units or base.divide != 1 or base.plus:
            self._reader.fail(place, f"adds_to = {name!r} is no whole number before this group")
        leaf.adds_to = name

    def _records(
        self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], depth: int, *, many: bool
    ) -> Group:
        if odd := sorted(set(entry) - _RECORDS_KEYS):
            self._reader.fail(place, f"a group of records has no {odd[0]}: it goes on to the end of the frame")
        if depth or many:
            self._reader.fail(place, "records stand in no other group")
        if not 1 <= entry.get("most", 0) <= 255:
            self._reader.fail(place, "a group of records says how many there are at most: most, 1..255")
        if entry.get("skips", RULES[0]) not in RULES:
            self._reader.fail(place, f"skips is one of {', '.join(RULES)}, or left out: then the frame is refused")
        found: list[Record] = []
        for index, raw in enumerate(entry["records"]):
            found.append(self._record(found, raw, (*path, "records", index), before, depth))
        if not found:
            self._reader.fail(place, "a group of records has some")
        return Group(
            entry["name"], place, [], None, entry.get("most", 0), None, None, tuple(found), entry.get("skips", "")
        )

    def _record(self, found: list[Record], raw: object, path: Path, before: tuple[Item, ...], depth: int) -> Record:
        entry, place = self._reader.checked(_RecordEntry, raw, *path), self._reader.place(*path)
        tag, is_many = self._reader.hexadecimal(entry["tag"], *path, "tag"), entry.get("many", False)
        if not 1 <= len(tag) <= MOST_TAG:
            self._reader.fail(place, f"the tag of a record has 1..{MOST_TAG} bytes")
        for other in found:
            if other.name == entry["name"]:
                self._reader.fail(place, f"ambiguous: a second record {entry['name']}")
            if other.tag.startswith(tag) or tag.startswith(other.tag):
                self._reader.fail(place, f"ambiguous: {other.name} begins with {other.tag.hex()}")
        plain = {key: value for key, value in entry.items() if key not in ("tag", "many")}
        if "fields" in entry and "count" not in entry:
            if odd := sorted(set(plain) - {"name", "fields"}):
                self._reader.fail(place, f"a record of several fields has no {odd[0]}")
            items = self.read(entry["fields"], path, before, depth + 1, many=is_many)
        else:
            told = self._reader.checked(FieldEntry, plain, *path)
            items = [self._item(told, path, place, before, depth + 1, many=is_many)]
        return Record(entry["name"], place, tag, items, is_many, _points(items))


def _points(items: list[Item]) -> frozenset[str]:
    """What is said once in a frame."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, Leaf):
            found |= {item.point} if item.point else set()
            found |= {bits.point for bits in item.bits}
        else:
            found |= _points(item.items)
    return frozenset(found)
