# SPDX-License-Identifier: Apache-2.0
"""JSON of peers that are not trusted: whatever does not parse is a ``WireError`` at its place, also numbers of thousands of digits and lists
within lists."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from openmains.wire.errors import WireError


def json_value(data: bytes, layer: str) -> Any:
    """Any value. Raises ``WireError``."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as bad:
        raise WireError(layer, bad.pos, "json") from None
    except UnicodeDecodeError as bad:
        raise WireError(layer, bad.start, "json") from None
    except (ValueError, RecursionError):
        raise WireError(layer, 0, "json") from None


def json_object(data: bytes, layer: str, most: int) -> Mapping[str, object]:
    """An object in at most ``most`` bytes. Raises ``WireError``."""
    if len(data) > most:
        raise WireError(layer, most, "too long")
    told = json_value(data, layer)
    if not isinstance(told, dict):
        raise WireError(layer, 0, "json")
    return told


def base64_bytes(value: object, layer: str, name: str) -> bytes:
    """Of a text in the standard alphabet, padded. Raises ``WireError``."""
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise WireError(layer, 0, name)
