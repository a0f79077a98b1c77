# SPDX-License-Identifier: Apache-2.0
"""A page's TOML with the place of everything in it, and the one checker of shapes.

A shape is a ``TypedDict``: its keys, which of them are needed, and their types stand in one place, for the checker here and
for mypy alike. What the values mean is the business of the schemas; all of them read through a ``PageReader``, so that
every refusal names a file and a line. Nothing here knows what a driver is.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NoReturn, TypeVar, cast, get_origin, get_type_hints

from openmains.drivers.errors import DriverPageError, Place
from openmains.drivers.toml_lines import Path, index_lines, line_of_error

T = TypeVar("T")
_IN_WORDS = {"dict": "a table", "list": "a list"}


class PageReader:
    """One opened page: its data, and where each part of it is written. Refuses what has the wrong shape."""

    __slots__ = ("_places", "data", "file")

    def __init__(self, file: str, data: Mapping[str, object], places: Mapping[Path, Place]) -> None:
        self.file = file
        self.data = data
        self._places = places

    def place(self, *path: str | int) -> Place:
        """Place of a section, key or list item; of the nearest thing around it when it has none of its own."""
        while path:
            if path in self._places:
                return self._places[path]
            path = path[:-1]
        return Place(self.file, 0)

    def fail(self, place: Place, why: str) -> NoReturn:
        """Raises ``DriverPageError`` with this place; with the places that use it, too, when it stands in a group."""
        used_at = place.used_at
        while used_at is not None:
            why += f" (used at {used_at.file}:{used_at.line})"
            used_at = used_at.used_at
        raise DriverPageError(place.file, place.line, why)

    def checked(self, shape: type[T], value: object, *path: str | int) -> T:
        """``value`` as a table of this ``TypedDict``; refused with the place of the key that is wrong."""
        if not isinstance(value, dict):
            self.fail(self.place(*path), "a table { … } is needed here")
        types, needed = _keys_of(cast("type", shape))
        for key, item in value.items():
            if key not in types:
                self.fail(self.place(*path, key), f"unknown key {key}; known here: {', '.join(types)}")
            wanted = types[key]
            if not isinstance(item, wanted) or (isinstance(item, bool) and wanted is not bool):
                self.fail(self.place(*path, key), f"{key} must be {_IN_WORDS.get(wanted.__name__, wanted.__name__)}")
        for key in needed:
            if key not in value:
                self.fail(self.place(*path), f"{key} is missing in {path[0]}")
        return cast("T", value)

    def section(self, shape: type[T], *path: str) -> T:
        """The section ``[a.b]`` checked; an empty one where the page has none."""
        found: object = self.data
        for name in path:
            found = found.get(name, {}) if isinstance(found, dict) else found
        return self.checked(shape, found, *path)

    def listed(self, shape: type[T], section: str) -> Iterator[tuple[Path, T]]:
        """Path and checked table of every ``[[section]]``, one after the other."""
        entries = self.data.get(section, [])
        if not isinstance(entries, list):
            self.fail(self.place(section), f"{section} must be a section [[{section}]]")
        for index, entry in enumerate(entries):
            yield (section, index), self.checked(shape, entry, section, index)

    def hexadecimal(self, text: str, *path: str | int) -> bytes:
        """Bytes of a hexadecimal text."""
        try:
            return bytes.fromhex(text)
        except ValueError:
            self.fail(self.place(*path), f"{path[-1]} is not hexadecimal")


def open_text(file: str, text: str) -> PageReader:
    """The text as it is written; raises ``DriverPageError`` when it is no TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        raise DriverPageError(file, line_of_error(bad), str(bad)) from bad
    except ValueError as bad:  # a number of thousands of digits
        raise DriverPageError(file, 0, str(bad)) from bad
    return PageReader(file, data, {path: Place(file, line) for path, line in index_lines(text).items()})


@cache
def _keys_of(shape: type) -> tuple[dict[str, type], tuple[str, ...]]:
    """Key → type, and the needed keys, of a ``TypedDict``."""
    types = {key: get_origin(hint) or hint for key, hint in get_type_hints(shape).items()}
    needed: frozenset[str] = shape.__required_keys__  # type: ignore[attr-defined] # every TypedDict has it
    return types, tuple(key for key in types if key in needed)
