# SPDX-License-Identifier: Apache-2.0
"""What a driver makes of frames: columns of standard points (R3.3).

A *point* is a standard quantity with one name, one unit and integer values (``points.toml``). A batch of frames of one
product becomes a few ``Columns``, one for each message kind and shape found in it, so that the work per frame is a few
array operations and not a Python call. Frames that a driver can not read come back as ``Rejected`` with the byte that
is wrong; they never raise.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Kind(StrEnum):
    """What a message is for."""

    REPORT = "report"  # interval series, 7-day history, state (R1.1, R1.2)
    REGISTERS = "registers"  # registers at arbitrary instants
    ALARM = "alarm"  # events that report at once (R1.5)
    HEARTBEAT = "heartbeat"  # state only


@dataclass(slots=True)
class Columns:
    """Frames of one kind and one shape, column-wise; row r of every array belongs to frame ``rows[r]`` of the batch.

    ``points[name]``: one int64 a frame. ``series[name]``: int64 (frames × n), where a missing interval is
    ``MISSING_VALUE``. ``events[r]``: names of the events (``points.toml``, section events) active in the frame's state,
    ``cleared`` ones are those whose flag the frame carries as 0, so that recovery is seen as well.
    """

    kind: Kind
    rows: list[int]
    points: dict[str, Ints]
    series: dict[str, Ints] = field(default_factory=dict)
    event_mask: Ints | None = None  # bit number = event number in points.toml; None = the message says nothing of events
    event_known: int = 0  # which event bits this message type can speak of


@dataclass(slots=True, frozen=True)
class Rejected:
    """A frame that could not be read: ``offset`` is the byte that is wrong, ``reason`` a short code, ``detail`` prose."""

    row: int
    reason: str
    offset: int
    detail: str


MISSING_VALUE = -(2**63)
