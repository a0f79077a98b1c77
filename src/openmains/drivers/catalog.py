# SPDX-License-Identifier: Apache-2.0
"""All drivers of this installation (R3.3). Every page is checked when the catalogue is loaded; one bad page stops it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from openmains.drivers.cjt188.hook import Cjt188Driver
from openmains.drivers.codec import TableDriver
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.errors import DriverPageError
from openmains.drivers.groups import FILE as GROUPS_FILE
from openmains.drivers.groups import Groups
from openmains.drivers.lwm2m.hook import Lwm2mDriver
from openmains.drivers.model import Driver
from openmains.drivers.page import Page
from openmains.drivers.page_reader import PageReader, open_text
from openmains.drivers.plain_json.hook import JsonDriver
from openmains.drivers.points import vocabulary
from openmains.drivers.schema import read_page
from openmains.drivers.vectors import fault_of

__all__ = ["Catalog", "Driver", "DriverPageError", "load", "load_from"]

HOOKS: dict[str, Callable[[Page, PageReader], Driver]] = {
    "cjt188": Cjt188Driver,
    "dialect": DialectDriver,
    "json": JsonDriver,
    "lwm2m": Lwm2mDriver,
}


MOST_VECTORS = 200
_ODD = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}/[a-z0-9][a-z0-9.-]{0,39}")


class Catalog:
    """Drivers by name: the packaged ones, and pages that were added to the running system, which come and go (``take``).

    One object a process; whoever asks by name has the page of now. A name that is both is the added page's: products were made by it.
    """

    __slots__ = ("_added", "_drivers", "_groups", "versions")

    def __init__(self, drivers: Mapping[str, Driver], groups: Groups | None = None) -> None:
        self._drivers = dict(drivers)
        self._added: dict[str, Driver] = {}
        self._groups = groups or Groups({})
        self.versions: dict[str, int] = {}  # of the pages that were added

    def driver(self, name: str) -> Driver:
        """The driver; raises ``KeyError`` for a name no page has."""
        found = self._added.get(name)
        return self._drivers[name] if found is None else found

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._drivers.keys() | self._added.keys())

    def is_packaged(self, name: str) -> bool:
        """Whether this release brings a page of that name; capitals make no other name."""
        return name.lower() in {one.lower() for one in self._drivers}

    def take(self, added: Mapping[str, tuple[int, Driver]]) -> None:
        """From now on these pages, with their versions, are the ones that were added."""
        self.versions = {name: version for name, (version, _) in added.items()}
        self._added = {name: driver for name, (_, driver) in added.items()}

    def make(self, name: str, text: str) -> Driver:
        """The driver of a page's text, with the packaged groups; raises ``DriverPageError``."""
        try:
            reader = self._groups.open(f"{name}.toml", text)
            return _made(read_page(reader, vocabulary()), reader)
        except RecursionError:
            raise DriverPageError(f"{name}.toml", 0, "tables within tables, deeper than can be read") from None
        except _ODD as odd:  # a text from outside: whatever it does to the reader is the text's fault
            raise DriverPageError(f"{name}.toml", 0, f"cannot be read: {odd!r}") from odd

    def check(self, text: str) -> Driver:
        """A page that somebody gives: of a good name, read, and true to its own vectors. Raises ``DriverPageError`` with the place."""
        try:
            reader = open_text("page.toml", text)
        except RecursionError:
            raise DriverPageError("page.toml", 0, "tables within tables, deeper than can be read") from None
        told = reader.data.get("driver")
        name = told.get("name") if isinstance(told, dict) else None
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith("/groups"):
            reader.fail(reader.place("driver", "name"), "[driver] name is maker/model: small letters, digits, hyphens")
        driver = self.make(name, text)
        if len(driver.vectors) > MOST_VECTORS:
            raise DriverPageError(f"{name}.toml", 0, f"more than {MOST_VECTORS} vectors")
        if all(vector.fault is not None for vector in driver.vectors):
            raise DriverPageError(
                f"{name}.toml", reader.place("vector", 0).line, "no vector is a good frame: add one with means"
            )
        for index, vector in enumerate(driver.vectors):
            line = reader.place("vector", index).line
            try:
                why = fault_of(driver, vector)
            except _ODD as odd:
                raise DriverPageError(f"{name}.toml", line, f"cannot be tried: {odd!r}") from odd
            if why:
                raise DriverPageError(f"{name}.toml", line, why)
        return driver

    @property
    def exponents(self) -> Mapping[str, int]:
        """Unit of each driver, 10^n m³; a view, which follows ``take``."""
        return _Exponents(self)

    def __contains__(self, name: object) -> bool:
        return name in self._drivers or name in self._added

    def __iter__(self) -> Iterator[Driver]:
        return iter(self.driver(name) for name in self.names())

    def __len__(self) -> int:
        return len(self.names())


class _Exponents(Mapping[str, int]):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getitem__(self, name: str) -> int:
        return self._catalog.driver(name).unit_exponent

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog.names())

    def __len__(self) -> int:
        return len(self._catalog)


@cache
def load() -> Catalog:
    """The packaged pages, read once in a process; raises ``DriverPageError`` for the first that is broken or ambiguous."""
    return load_from(pages_in(resources.files("openmains.drivers")))


def pages_in(folder: Traversable) -> dict[str, str]:
    """What lies in the makers' folders of ``folder``: file name (``maker/model.toml``) → text."""
    found: dict[str, str] = {}
    for maker in sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=lambda entry: entry.name):
        for page in sorted(maker.iterdir(), key=lambda entry: entry.name):
            if page.name.endswith(".toml"):
                found[f"{maker.name}/{page.name}"] = page.read_text("utf-8")
    return found


def load_from(pages: Mapping[str, str]) -> Catalog:
    """Pages given as file name (``maker/model.toml``) → text, among them the makers' groups (``maker/groups.toml``)."""
    groups = Groups({file: text for file, text in pages.items() if _is_groups(file)})
    drivers: dict[str, Driver] = {}
    lowered: dict[str, str] = {}
    for file, text in sorted(pages.items()):
        if _is_groups(file):
            continue
        reader = groups.open(file, text)
        page = read_page(reader, vocabulary())
        if page.name.lower() in lowered:
            raise DriverPageError(file, 0, f"{page.name} is {lowered[page.name.lower()]} again, but for capitals")
        lowered[page.name.lower()] = page.name
        drivers[page.name] = _made(page, reader)
    return Catalog(drivers, groups)


def _is_groups(file: str) -> bool:
    return file.rpartition("/")[2] == GROUPS_FILE


def _made(page: Page, reader: PageReader) -> Driver:
    if page.hook is None:
        return TableDriver(page)
    make = HOOKS.get(page.hook)
    if make is None:
        reader.fail(reader.place("driver", "hook"), f"no hook {page.hook!r}")
    return make(page, reader)
