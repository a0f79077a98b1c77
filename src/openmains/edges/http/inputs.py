# SPDX-License-Identifier: Apache-2.0
"""Parameters and answers that many operations share."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from litestar.params import HeaderParameter, PathParameter, QueryParameter
from msgspec import UNSET, Meta, Struct

from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.problems import Problem

T = TypeVar("T")

Id = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Id32 = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
PathWord = Annotated[str, PathParameter(max_length=100)]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="Rows of a page.")]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=400, description="``next`` of the page before; fits the same list only."),
]
OptionalId = Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)]
OptionalId32 = Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)]
Word = Annotated[str | None, QueryParameter(min_length=1, max_length=100)]
Instant = Annotated[datetime, QueryParameter(description="RFC 3339 instant with offset.")]
IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", max_length=40, description="ETag of the object as it was read.")
]

ReasonText = Annotated[str, Meta(max_length=400, description="Why; kept in the audit log.")]
WhyQuery = Annotated[
    str, QueryParameter(name="reason", max_length=400, description="Why; kept in the audit log. Needed for this act.")
]

Key = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """Why. Acts that are risky refuse one that says nothing (``reason-needed``)."""

    reason: ReasonText = ""


class Page(Struct, Generic[T], frozen=True):
    """One page; ``next`` is the cursor of the page after it, null on the last."""

    items: list[T]
    next: str | None


class Counted(Struct, frozen=True):
    """How many a list has; counting ends at ``most``, and there may be more then. null: not counted, too many would have to be looked at."""

    count: int | None
    most: int


def page(scope: str, rows: Sequence[T], limit: int, key: Callable[[T], object]) -> Page[T]:
    """``rows`` holds up to ``limit`` + 1: the one more tells that there is another page."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return Page(items=shown, next=encode_cursor(scope, key(shown[-1])) if more else None)


def after_id(scope: str, cursor: str | None) -> int | None:
    """Identity after which the page begins."""
    return decode_cursor(scope, cursor, Key)


def after_pair(scope: str, cursor: str | None) -> tuple[int, int] | None:
    """The same for keys of two numbers."""
    return decode_cursor(scope, cursor, tuple[Key, Key])


def optional(kind: Callable[[int], T], number: int | None) -> T | None:
    """An identity that may be left out, as its type: ``optional(MeterId, meter_id)``."""
    return None if number is None else kind(number)


def changes(body: Any) -> dict[str, Any]:
    """The fields of a change that were given."""
    values = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


def revision_of(if_match: str | None) -> int:
    """Revision in If-Match; raises ``revision-needed`` or ``revision-stale``."""
    if if_match is None:
        raise Problem("revision-needed")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Problem("revision-stale")
    return int(text)


def seconds(instant: datetime, name: str) -> int:
    """Instant as whole seconds UTC; one without an offset is refused: it would mean many instants."""
    if instant.tzinfo is None or not 1970 <= instant.year <= 2100:
        raise Problem("invalid-input", fields=((f"/{name}", "wrong-format"),))
    return int(instant.timestamp())


def hex_bytes(text: str, name: str, most: int = 2048) -> bytes:
    """Bytes of hexadecimal text, white space allowed."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Problem("invalid-input", fields=((f"/{name}", "not-hex"),)) from error
    if len(data) > most:
        raise Problem("invalid-input", fields=((f"/{name}", "out-of-range"),))
    return data
