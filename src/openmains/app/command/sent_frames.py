# SPDX-License-Identifier: Apache-2.0
"""What a link sent to a meter, for the frame log (R1.14, R14.3): on its way to the pipeline in uplinks of channel ``link``.

A command's frame travels with the word that it was delivered or lost, which goes up anyway. Answers and an operator's reads and
writes have no such word: a link gathers them and sends one uplink a second and utility, path ``sent``. Nobody waits for it.
"""

from collections.abc import Sequence

import msgspec

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId

SENT_PATH = "sent"
DELIVERED, LOST, NOT_SENT, SENT = "delivered", "lost", "not_sent", "sent"
"""Outcomes: the meter acknowledged it; it did not; it never left us; it left us in an acknowledgement that nobody confirms."""
ANSWER = "answer"


class SentFrame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One frame. ``sent_us``: when it was handed to the radio, or given up; ``number``: of its command, else a running one.

    ``path``: where it went and what it was, ``19/1/0;command=valve_close``.
    """

    tenant_id: TenantId
    meter_id: MeterId
    product_id: ProductId
    sent_us: int
    number: int
    channel: str
    path: str
    outcome: str
    payload: bytes


_decoder = msgspec.msgpack.Decoder(list[SentFrame])
_encoder = msgspec.msgpack.Encoder()


def encode_sent(frames: Sequence[SentFrame]) -> bytes:
    """Payload of an uplink of channel ``link``."""
    return _encoder.encode(frames)


def sent_frames(uplink: Uplink) -> list[SentFrame]:
    """The frames in an uplink of channel ``link``; none in one of before they were logged. Raises ``msgspec.MsgspecError``."""
    return _decoder.decode(uplink.payload) if uplink.payload else []


def command_path(place: str, kind: str) -> str:
    """Path of a command's frame."""
    return f"{place};command={kind}"


def kind_of(path: str) -> tuple[str, str]:
    """(what it was, kind of the command) of a frame that went down; ("", "") for one that came up."""
    what, _, kind = path.rpartition(";")[2].partition("=")
    return what, kind
