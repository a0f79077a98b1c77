# SPDX-License-Identifier: Apache-2.0
"""The anti-replay window (RFC 6347 section 4.1.2.6, RFC 4303 section 3.4.3).

Theory: bit n of ``seen`` says whether ``newest - n`` was accepted. A record is looked up before its tag is
verified, which is cheap, and marked only after, so that a forger cannot close the window for the true peer.
"""

from typing import Final

SIZE: Final = 64
FULL: Final = (1 << SIZE) - 1


def is_replay(newest: int, seen: int, sequence: int) -> bool:
    """True for a number that was accepted before or is too old to tell. ``newest`` is -1 when nothing came yet."""
    behind = newest - sequence
    return behind >= 0 and (behind >= SIZE or bool(seen >> behind & 1))


def mark(newest: int, seen: int, sequence: int) -> tuple[int, int]:
    """The window after ``sequence`` was accepted."""
    ahead = sequence - newest
    if ahead > 0:
        return sequence, ((seen << ahead) | 1) & FULL if ahead < SIZE else 1
    return newest, seen | 1 << -ahead
