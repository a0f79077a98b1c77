# SPDX-License-Identifier: Apache-2.0
"""Frames of a CJ/T 188 line carried in frames of DL/T 645-2007, as many concentrators for electricity meters do (R3.2).

The line's master knows nothing of it: what it says is put into a frame, and what comes is taken out of frames. A frame of another
identifier, or an error answer, is the concentrator's own business and counted; the master's question then goes unanswered and is asked again.
"""

from collections import Counter

from openmains.drivers.cjt188.options import CarrierOption
from openmains.wire.cjt188.frame import PREAMBLE
from openmains.wire.dlt645.frame import BROADCAST, Deframer, carried_untrusted, carry, encode_frame
from openmains.wire.errors import WireError


class Carrier:
    """One for each connection."""

    def __init__(self, option: CarrierOption, counters: Counter[str]) -> None:
        self._option, self._counters = option, counters
        self._deframer = Deframer()

    def wrapped(self, raw: bytes) -> bytes:
        """What the line's master says, as the concentrator wants it; wake-up bytes are of the line, so it adds its own."""
        if not raw:
            return b""
        option = self._option
        return encode_frame(carry(option.address, option.control, option.identifier, raw.lstrip(bytes((PREAMBLE,)))))

    def unwrapped(self, data: bytes) -> bytes:
        """What the concentrator hands on, as the line's master wants it."""
        found = b""
        for frame in self._deframer.feed(data):
            if not frame.is_answer or frame.is_error:
                self._counters["line.carrier_refused"] += frame.is_answer
                continue
            if self._option.address != BROADCAST and frame.address != self._option.address:
                self._counters["line.carrier_strange"] += 1  # of another station on its bus
                continue
            try:
                found += carried_untrusted(frame, self._option.identifier)
            except WireError:
                self._counters["line.carrier_strange"] += 1
        return found
