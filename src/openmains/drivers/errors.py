# SPDX-License-Identifier: Apache-2.0
"""What stops the start: a page that cannot be trusted."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where something stands in a page; ``line`` is 1-based, 0 when no line can be named."""

    file: str
    line: int


class DriverPageError(Exception):
    """A driver page (or ``points.toml``) is broken or ambiguous; ``line`` is 1-based, 0 when no line can be named."""

    def __init__(self, file: str, line: int, why: str) -> None:
        super().__init__(f"{file}:{line}: {why}")
        self.file = file
        self.line = line
        self.why = why
