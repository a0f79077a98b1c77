# SPDX-License-Identifier: Apache-2.0
"""Values of resources and their types (LwM2M core 1.1 appendix C), exact.

Theory: integers are int, floats are Decimal, times are whole Unix seconds. A format that knows a value's type only
roughly (SenML: a number is a number) is corrected here by the resource's definition; a value that cannot be what the
definition says is a :class:`WireError`, never a guess.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.path import LAYER, Path


class Type(Enum):
    """Resource types by their names in the OMA registry."""

    STRING = "string"
    INTEGER = "integer"
    UNSIGNED = "unsigned"
    FLOAT = "float"
    BOOLEAN = "boolean"
    OPAQUE = "opaque"
    TIME = "time"
    OBJLNK = "objlnk"
    CORELNK = "corelnk"


class ObjectLink(NamedTuple):
    """A reference to an object instance; 65535 and 65535 is the null link."""

    object_id: int
    instance_id: int

    def __str__(self) -> str:
        return f"{self.object_id}:{self.instance_id}"


NULL_LINK = ObjectLink(0xFFFF, 0xFFFF)
Value = str | int | Decimal | bool | bytes | ObjectLink

Types = Callable[[Path], Type | None]
"""The type of the resource at a path of three or four numbers; None for one that no definition knows."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value at its path of three numbers (single resource) or four (resource instance).

    ``time_s``: SenML time: Unix seconds, or, below 2^28, seconds from the reception on; None when not said.
    ``value`` None only in a list of paths.
    """

    path: Path
    value: Value | None
    time_s: Decimal | int | None = None
    is_undated: bool = False
    """A time was said and cannot be read: the value is sound, its instant is not known."""


class Oddity(NamedTuple):
    """A part of a payload that cannot be read while the rest can: ``place`` is its path, or its record's number;
    ``offset`` its byte in the payload, 0 where the format's reader does not tell. ``reason``: a fixed phrase."""

    place: str
    offset: int
    layer: str
    reason: str

    def error(self) -> WireError:
        """The same for those who take a payload whole or not at all."""
        return WireError(self.layer, self.offset, self.reason)


_CLASSES: Final[dict[Type, type]] = {
    Type.BOOLEAN: bool,
    Type.OPAQUE: bytes,
    Type.STRING: str,
    Type.CORELNK: str,
    Type.OBJLNK: ObjectLink,
}


def object_link(text: str) -> ObjectLink:
    """``3:0`` → ObjectLink(3, 0). Raises :class:`WireError`."""
    first, _, second = text.partition(":")
    for part in (first, second):
        if not (part.isascii() and part.isdigit()) or len(part) > 5 or int(part) > 0xFFFF:
            raise WireError(LAYER, 0, "object link malformed")
    return ObjectLink(int(first), int(second))


def coerce(value: Value, wanted: Type | None) -> Value:
    """``value`` as ``wanted`` says, unchanged when that is None. Raises :class:`WireError` when it cannot be that."""
    if wanted is None:
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if wanted is Type.FLOAT:
            return value if isinstance(value, Decimal) else Decimal(value)
        if wanted in (Type.INTEGER, Type.UNSIGNED, Type.TIME):
            whole = int(value)
            low, high = (0, 1 << 64) if wanted is Type.UNSIGNED else (-1 << 63, 1 << 63)
            if whole == value and low <= whole < high:
                return whole
    elif wanted is Type.OBJLNK and isinstance(value, str):
        return object_link(value)
    elif isinstance(value, _CLASSES.get(wanted, ())):
        return value
    raise WireError(LAYER, 0, "value of another type")
