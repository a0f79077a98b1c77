# SPDX-License-Identifier: Apache-2.0
"""Named groups of what several pages of a maker share (``<maker>/groups.toml``), and a page opened with them expanded.

``use = "<maker>/<group>"`` stands for what the group holds. A group that is a list (of fields, messages, commands …)
goes into a list in place of the table with ``use``, which has no other key. A group that is a table goes into the
table with ``use`` beside its own keys; nothing is replaced: a key that is there already is refused, so that what one
reads in a page holds. Groups may use groups. The schemas see the expanded page only; a fault in what a group brought
in is named where it is written, and then where it is used.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from openmains.drivers.errors import Place
from openmains.drivers.page_reader import PageReader, open_text
from openmains.drivers.toml_lines import Path

FILE = "groups.toml"
USE = "use"


class Groups:
    """The groups of all makers. Raises ``DriverPageError`` for a file whose sections are no groups."""

    __slots__ = ("_groups",)

    def __init__(self, files: Mapping[str, str]) -> None:
        """``files``: ``maker/groups.toml`` → text."""
        self._groups: dict[str, _Group] = {}
        for file, text in sorted(files.items()):
            reader = open_text(file, text)
            for name, value in reader.data.items():
                if not isinstance(value, dict) and not _is_list_of_tables(value):
                    reader.fail(reader.place(name), f"{name} is no group: a table, or a list of tables")
                self._groups[f"{file.removesuffix(FILE)}{name}"] = _Group(value, _Spot(reader, (name,)))

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._groups)

    def open(self, file: str, text: str) -> PageReader:
        """The page with all groups in place; raises ``DriverPageError`` for a ``use`` that cannot be followed."""
        reader = open_text(file, text)
        expansion = _Expansion(self._groups)
        data = expansion.table(reader.data, _Spot(reader, ()), ())
        return PageReader(file, data, expansion.places)


class _Use(NamedTuple):
    """One ``use`` on the way to a value: the group's name and where it is used."""

    group: str
    place: Place


class _Spot(NamedTuple):
    """Where a value is written: in which text, at which path, and by which uses it came into the page."""

    reader: PageReader
    path: Path
    uses: tuple[_Use, ...] = ()

    @property
    def place(self) -> Place:
        written = self.reader.place(*self.path)
        return Place(written.file, written.line, self.uses[-1].place if self.uses else None)

    def below(self, key: str | int) -> "_Spot":
        return _Spot(self.reader, (*self.path, key), self.uses)


class _Group(NamedTuple):
    """What a group holds, and where it is written."""

    value: dict[str, object] | list[object]
    spot: _Spot


class _Expansion:
    """Expands one page. ``places``: path in the expanded page → where that is written."""

    def __init__(self, groups: Mapping[str, _Group]) -> None:
        self.places: dict[Path, Place] = {}
        self._groups = groups

    def table(self, own: Mapping[str, object], spot: _Spot, to: Path) -> dict[str, object]:
        """The table ``own``, written at ``spot``, with its groups in place; ``to``: its path in the expanded page."""
        found: dict[str, object] = {}
        for key, value in own.items():
            if key != USE:
                found[key] = self._value(value, spot.below(key), (*to, key))
                continue
            group = self._group(value, spot)
            if isinstance(group.value, list):
                spot.reader.fail(spot.below(USE).place, f"the group {value} is a list: it goes into a list")
            brought_in = self.table(group.value, group.spot, to)
            for twice in (one for one in own if one in brought_in):
                spot.reader.fail(spot.below(twice).place, f"{twice} is in the group {value} already")
            found |= brought_in
        return found

    def _value(self, value: object, spot: _Spot, to: Path) -> object:
        self.places[to] = spot.place
        if isinstance(value, dict):
            return self.table(value, spot, to)
        return self._list(value, spot, to, []) if isinstance(value, list) else value

    def _list(self, own: list[object], spot: _Spot, to: Path, found: list[object]) -> list[object]:
        """``found``, the items of the list at ``to`` so far, with the items of ``own`` after them."""
        for index, item in enumerate(own):
            here = spot.below(index)
            used = item.get(USE) if isinstance(item, dict) else None
            group = self._group(used, here) if used is not None else None
            if group is None or isinstance(group.value, dict):
                found.append(self._value(item, here, (*to, len(found))))
            elif item != {USE: used}:
                spot.reader.fail(here.below(USE).place, f"the group {used} is a list: its use has no other key")
            else:
                self._list(group.value, group.spot, to, found)
        return found

    def _group(self, name: object, spot: _Spot) -> _Group:
        """The group that the table at ``spot`` uses."""
        place = spot.below(USE).place
        group = self._groups.get(name) if isinstance(name, str) else None
        if group is None or not isinstance(name, str):
            spot.reader.fail(place, f"there is no group {name!r}; a group is named maker/group")
        chain = [use.group for use in spot.uses]
        if name in chain:
            spot.reader.fail(place, f"the group {name} uses itself: {' > '.join([*chain, name])}")
        return _Group(group.value, group.spot._replace(uses=(*spot.uses, _Use(name, place))))


def _is_list_of_tables(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
