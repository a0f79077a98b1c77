# SPDX-License-Identifier: Apache-2.0
"""What stops the start: a page that cannot be trusted."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where something stands in a page; ``line`` is 1-based, 0 when no line can be named.

    ``used_at``: where a page (or another group) brings it in, for what stands in a group.
    """

    file: str
    line: int
    used_at: "Place | None" = None


class DriverPageError(Exception):
    """A page (or groups, or ``points.toml``) is broken or ambiguous; ``line`` from 1, 0 when no line can be named."""

    def __init__(self, file: str, line: int, why: str) -> None:
        super().__init__(f"{file}:{line}: {why}")
        self.file = file
        self.line = line
        self.why = why
