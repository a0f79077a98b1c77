# SPDX-License-Identifier: Apache-2.0
"""Records that a page does not have, passed over by what their own first bytes say of their length.

EN 13757-3, 6.3: a record is DIF, DIFEs while the highest bit is set, VIF, VIFEs while it is set – a VIF of 7C or FC is followed by its unit in
letters, with their number before them –, then the data, whose length the low four bits of the DIF say, or the first byte of the data (LVAR).
"""

from typing import Final

EN13757: Final = "en13757"
RULES: Final = (EN13757,)
_MORE, _IN_LETTERS, _LVAR = 0x80, 0x7C, 13
_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 8: 0, 9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
_LVAR_ONES = ((0x00, 0xBF, 0x00), (0xC0, 0xC9, 0xC0), (0xD0, 0xD9, 0xD0), (0xE0, 0xEF, 0xE0))
"""First and last length byte, and what is taken from it: letters, positive and negative decimals, binary."""


def record_size(payload: bytes, at: int, end: int) -> int | None:
    """Bytes of the record at ``at``; None where it is none, or does not end before ``end``."""
    frame = payload[:end]
    try:
        place = _behind_chain(frame, at)
        vif = frame[place]
        if vif & ~_MORE == _IN_LETTERS:
            place += 2 + frame[place + 1]
            place = _behind_chain(frame, place) if vif & _MORE else place
        else:
            place = _behind_chain(frame, place)
        size = _SIZES.get(frame[at] & 15)
        if frame[at] & 15 == _LVAR:
            told = frame[place]
            size = next((1 + told - less for first, last, less in _LVAR_ONES if first <= told <= last), None)
    except IndexError:
        return None
    return None if size is None or place + size > end else place + size - at


def _behind_chain(frame: bytes, at: int) -> int:
    """Where a byte and those that its highest bit announces end; raises IndexError where they do not."""
    while frame[at] & _MORE:
        at += 1
    return at + 1
