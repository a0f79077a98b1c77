# SPDX-License-Identifier: Apache-2.0
"""What stops the start: a page that can not be trusted."""


class DriverPageError(Exception):
    """A driver page (or ``points.toml``) is broken or ambiguous; ``line`` is 1-based, 0 when no line can be named."""

    def __init__(self, file: str, line: int, why: str) -> None:
        super().__init__(f"{file}:{line}: {why}")
        self.file = file
        self.line = line
        self.why = why
