# SPDX-License-Identifier: Apache-2.0
"""A person's reading travels as an uplink of its own channel, as edits do (``app/readings/edits.py``).

So it stands in the meter's own order among what the meter says, is judged as any register at an instant, is a version with its
cause, and is in the frame log. ``reading_id`` is its row in the ledger, by which it is applied once however often it is sent.
"""

import msgspec

from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.manual.model import SentReading
from openmains.domain.ids import UserId
from openmains.domain.readings.model import RegisterReport

MANUAL_CHANNEL = "manual"


class ManualEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was read, by whom; ``register`` and ``digit`` in units of the meter's driver, ``at`` in s UTC."""

    reading_id: int
    user_id: UserId
    at: int
    register: int
    digit: int
    note: str = ""

    def report(self, entered_at: int) -> RegisterReport:
        """As the meter's registers are judged."""
        return RegisterReport(entered_at, entered_at, [(self.at, self.register)], read_digit=self.digit)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ManualEntry).decode


def manual_uplink(sent: SentReading) -> Uplink:
    """The message that carries a reading of the ledger; the same one makes the same message."""
    word = ManualEntry(sent.reading_id, sent.author_id, sent.at, sent.register, sent.digit, sent.note)
    return Uplink(
        sent.meter_id,
        sent.tenant_id,
        sent.product_id,
        MANUAL_CHANNEL,
        str(sent.reading_id),
        sent.made_us,
        _encode(word),
    )


def read_manual(payload: bytes) -> ManualEntry | str:
    """What was read, or what is wrong with the message."""
    try:
        word = _decode(payload)
    except msgspec.DecodeError as error:  # ValidationError is a DecodeError
        return str(error)
    return word if word.digit > 0 and 0 <= word.at < 2**32 else f"digit {word.digit}, instant {word.at}"
