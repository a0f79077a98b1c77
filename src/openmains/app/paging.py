# SPDX-License-Identifier: Apache-2.0
"""Opaque, stable page cursors: the sort key of the last row seen, so rows that come or go meanwhile shift nothing."""

import base64
import binascii
from typing import TypeVar

import msgspec

from openmains.app.problems import Problem

T = TypeVar("T")


def encode_cursor(scope: str, key: object) -> str:
    """Cursor of a list; ``scope`` names list and sort order, so that a cursor fits only where it was issued."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode([scope, key])).decode().rstrip("=")


def decode_cursor(scope: str, cursor: str | None, shape: type[T]) -> T | None:
    """The key in a cursor or None without one; raises ``Problem('bad-cursor')``."""
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        found_scope, raw = msgspec.msgpack.decode(data, type=tuple[str, msgspec.Raw])
        key = msgspec.msgpack.decode(raw, type=shape)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise Problem("bad-cursor", fields=(("/cursor", "wrong-format"),)) from error
    if found_scope != scope:
        raise Problem("bad-cursor", fields=(("/cursor", "wrong-format"),))
    return key
