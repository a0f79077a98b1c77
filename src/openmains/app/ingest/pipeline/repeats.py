# SPDX-License-Identifier: Apache-2.0
"""Tell a frame that has been applied already from a new one (R1.7, ADR 0002).

The edge stores a message, does not hear so, and the meter sends it again: the stream holds it twice. Mostly one after the
other; but when the stream's server stood still, what waited in an old connection and in a new one arrives mixed, and two
messages of one meter come as A, B, A, B. So the last frame is remembered and the three before it.
"""

from struct import Struct

from openmains.app.ingest.pipeline.ports import MeterRecord
from openmains.domain.period import DAY_S

BEFORE = 3
DATED_S = 30 * DAY_S  # a clock further from ours than this tells nothing about when a frame was made
_PRINT = Struct("<iI")  # sequence number, CRC-32 of the frame


def is_repeat(record: MeterRecord, frame_seq: int, frame_hash: int, age_s: int | None) -> bool:
    """Whether this very frame is the last one or, when it says its own time, one of those before.

    ``age_s``: how long ago that time is; None without one. An equal frame without a time may be a new message: 'valve open',
    'valve closed', 'valve open'. So may one whose time is far from now: a clock that starts anew at each power cut.
    """
    if record.state.frame_seq == frame_seq and record.state.frame_hash == frame_hash:
        return True
    before = record.frames_before
    if not before or age_s is None or abs(age_s) > DATED_S:
        return False
    wanted = _PRINT.pack(frame_seq, frame_hash)
    # ``in`` first: it finds nothing nearly always, and costs nearly nothing
    return wanted in before and any(
        before[at : at + _PRINT.size] == wanted for at in range(0, len(before), _PRINT.size)
    )


def note_last(record: MeterRecord) -> None:
    """A new frame is about to become the last one: remember the one it follows. Changes ``record``."""
    state = record.state
    if state.frame_seq is not None and state.frame_hash is not None:
        kept = record.frames_before[: (BEFORE - 1) * _PRINT.size]
        record.frames_before = _PRINT.pack(state.frame_seq, state.frame_hash) + kept
