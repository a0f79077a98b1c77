# SPDX-License-Identifier: Apache-2.0
"""Where a value lives: object, object instance, resource, resource instance (LwM2M core 1.1 section 7.2).

Theory: a path is one to four numbers of 16 bits, 65535 reserved; as a tuple it is ordered, hashable and a prefix of
what is below it. ``()`` is the root ``/``, which only Bootstrap-Delete, Bootstrap-Discover and composite operations
may name.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from openmains.wire.errors import WireError

LAYER: Final = "lwm2m"

Path = tuple[int, ...]

OBJECT: Final = 1
INSTANCE: Final = 2
RESOURCE: Final = 3
RESOURCE_INSTANCE: Final = 4


@lru_cache(maxsize=4096)
def from_segments(segments: tuple[str, ...]) -> Path | None:
    """The path of an URI's segments; None for one that is not a path of ours, such as ``/r/1234567``."""
    if not segments or len(segments) > RESOURCE_INSTANCE:
        return None
    path: list[int] = []
    for segment in segments:
        if not (segment.isascii() and segment.isdigit()) or len(segment) > 5:
            return None
        if len(segment) > 1 and segment[0] == "0":
            return None
        number = int(segment)
        if number >= 0xFFFF:
            return None
        path.append(number)
    return tuple(path)


def parse(text: str) -> Path:
    """``/3/0/1`` → (3, 0, 1), ``/`` → (). Raises :class:`WireError` for anything else."""
    if text == "/":
        return ()
    path = from_segments(tuple(text[1:].split("/"))) if text.startswith("/") and len(text) <= 24 else None
    if path is None:
        raise WireError(LAYER, 0, "path malformed")
    return path


def text(path: Sequence[int]) -> str:
    """(3, 0, 1) → ``/3/0/1``, () → ``/``."""
    return "/" + "/".join(map(str, path))


def segments(path: Sequence[int]) -> tuple[str, ...]:
    """(3, 0, 1) → ("3", "0", "1"): the Uri-Path options."""
    return tuple(map(str, path))


def is_below(path: Path, root: Path) -> bool:
    """Whether ``path`` is ``root`` or lies below it."""
    return path[: len(root)] == root
