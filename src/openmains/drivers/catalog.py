# SPDX-License-Identifier: Apache-2.0
"""All drivers of this installation (R3.3). Every page is checked when the catalogue is loaded; one bad page stops it."""

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
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import vocabulary
from openmains.drivers.schema import read_page

__all__ = ["Catalog", "Driver", "DriverPageError", "load", "load_from"]

HOOKS: dict[str, Callable[[Page, PageReader], Driver]] = {
    "cjt188": Cjt188Driver,
    "dialect": DialectDriver,
    "lwm2m": Lwm2mDriver,
}


class Catalog:
    """Drivers by name."""

    __slots__ = ("_drivers",)

    def __init__(self, drivers: Mapping[str, Driver]) -> None:
        self._drivers = dict(drivers)

    def driver(self, name: str) -> Driver:
        """The driver; raises ``KeyError`` for a name no page has."""
        return self._drivers[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._drivers)

    def __contains__(self, name: object) -> bool:
        return name in self._drivers

    def __iter__(self) -> Iterator[Driver]:
        return iter(self._drivers[name] for name in self.names())

    def __len__(self) -> int:
        return len(self._drivers)


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
    return Catalog(drivers)


def _is_groups(file: str) -> bool:
    return file.rpartition("/")[2] == GROUPS_FILE


def _made(page: Page, reader: PageReader) -> Driver:
    if page.hook is None:
        return TableDriver(page)
    make = HOOKS.get(page.hook)
    if make is None:
        reader.fail(reader.place("driver", "hook"), f"no hook {page.hook!r}")
    return make(page, reader)
