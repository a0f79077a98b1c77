# SPDX-License-Identifier: Apache-2.0
"""Members of an object that is not trusted, each as what it must be (``messages.py``)."""

from collections.abc import Mapping
from typing import Final

from openmains.wire.errors import WireError
from openmains.wire.json_text import base64_bytes

LAYER: Final = "gateway"
MOST_DATA: Final = 4_096  # bytes of one item: a content of 32 segments
MOST_TEXT: Final = 200
MOST_INT: Final = (1 << 53) - 1  # what JSON carries exactly
NUMBER_DIGITS: Final = 16


class Fields:
    """An object's members, each as what it must be."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > MOST_TEXT or any(not sign.isprintable() for sign in value):
            raise WireError(LAYER, 0, name)
        return value

    def integer(self, name: str, low: int = 0, high: int = MOST_INT) -> int:
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise WireError(LAYER, 0, name)
        return value

    def meter(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not is_number(value):
            raise WireError(LAYER, 0, name)
        return value

    def data(self, name: str) -> bytes:
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > 2 * MOST_DATA:
            raise WireError(LAYER, 0, name)
        found = base64_bytes(value, LAYER, name)
        if len(found) > MOST_DATA:
            raise WireError(LAYER, 0, name)
        return found


def is_number(value: str) -> bool:
    """16 digits."""
    return len(value) == NUMBER_DIGITS and value.isascii() and value.isdigit()
