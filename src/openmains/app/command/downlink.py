# SPDX-License-Identifier: Apache-2.0
"""A command on its way from the dispatcher to the edge that holds the meter's session: ``downlink.<node>``, msgpack.

Node 0 means that nobody knows: every edge looks whether it has the session. What the link sees of it comes up as an uplink
of channel ``link``, in the meter's order and as durable as its reports.
"""

import msgspec

from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId

ANY_NODE = 0
NO_MODULE = 0  # in place of an IMEI: the meter is heard behind something else, or has lost its module, and the command ends by time


class DownFrame(msgspec.Struct, array_like=True, frozen=True):
    """One frame of the product's driver for one meter. How long it holds is in the frame, where the meter checks it; where the protocol
    has no place for that, the edge keeps to ``not_after`` (s, 0: not said). ``concentrator``: behind which the meter is asked on a line,
    or the gateway that carries the frame; "" for one that hears it by its own module."""

    command_id: CommandId
    tenant_id: TenantId
    meter_id: MeterId
    product_id: ProductId
    imei: int
    kind: str
    frame: bytes
    not_after: int = 0
    concentrator: str = ""


_decoder = msgspec.msgpack.Decoder(list[DownFrame])
_encoder = msgspec.msgpack.Encoder()


def encode_frames(items: list[DownFrame]) -> bytes:
    """One message."""
    return _encoder.encode(items)


def decode_frames(data: bytes) -> list[DownFrame]:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _decoder.decode(data)
