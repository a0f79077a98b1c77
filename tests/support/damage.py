# SPDX-License-Identifier: Apache-2.0
"""Five ways to break a file."""

import random
from collections.abc import Callable
from pathlib import Path

WAYS: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda data: None,
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "bit flipped": lambda data: _flipped(data, len(data) // 2),
    "garbage": lambda data: random.Random(len(data)).randbytes(max(64, len(data))),  # noqa: S311 - the same each time
}


def break_file(path: Path, way: str) -> None:
    """Owner and mode stay; a missing one stays missing."""
    broken = WAYS[way](path.read_bytes())
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)


def _flipped(data: bytes, at: int) -> bytes:
    """A bit of the first byte from there on that is not 0: in the unused half of a page it would damage nothing."""
    at = next((place for place in range(at, len(data)) if data[place]), at)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if data else data
