# SPDX-License-Identifier: Apache-2.0
"""What pages of all hooks have in common: which sections may be there, and the offset of a meter's wall clock."""

from collections.abc import Sequence

from openmains.drivers.page_reader import PageReader

_OF_ALL = ("driver", "source", "vector", "fault")


def only_sections(reader: PageReader, what: str, sections: Sequence[str]) -> None:
    """Refuses a page with another section than these and those that every page may have. ``what``: the page in words."""
    for name in reader.data:
        if name not in (*_OF_ALL, *sections):
            reader.fail(reader.place(name), f"{what} has no section {name}; it has {', '.join(sections)}")


def offset_s(reader: PageReader, minutes: int, section: str) -> int:
    """Seconds of a section's ``utc_offset_min``; refuses what no zone has."""
    if not -14 * 60 <= minutes <= 14 * 60:
        reader.fail(reader.place(section, "utc_offset_min"), "utc_offset_min is a number of minutes, -840..840")
    return minutes * 60
