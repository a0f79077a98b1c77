# SPDX-License-Identifier: Apache-2.0
"""One message of a meter on its way through the stream.

Written by an edge, acknowledged by the stream, read by the pipeline. ``meter_id`` and ``tenant_id`` come from the
registry at the edge; the pipeline trusts them. The payload is exactly what the meter sent.
"""

import msgspec

from openmains.domain.ids import MeterId, ProductId, TenantId

REPEAT = "repeat"
PARTIAL = "partial"
"""Outcome in the frame log of a message whose sound part is stored; asking for its damages tells what is not, and where."""


class Uplink(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """(meter, channel, path, payload, received_at) of the architecture, in wire order."""

    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    channel: str  # "coap", "tcp", …
    path: str  # resource or topic
    received_us: int  # edge's clock, µs since 1970 UTC
    payload: bytes
    fault: str = (
        ""  # reason the edge found it malformed; such a message goes to the frame log and the dead letters only
    )
    node: int = 0  # edge node that holds the meter's session: what goes down goes there; 0: nothing can go down
    replayed_by: int = 0  # user who put it into the stream once more; 0: it comes for the first time
    replayed_us: int = 0  # and when, µs since 1970 UTC


UplinkBatch = list[Uplink]
_decoder = msgspec.msgpack.Decoder(UplinkBatch)
_encoder = msgspec.msgpack.Encoder()


def encode_batch(batch: UplinkBatch) -> bytes:
    """Bytes of one stream message."""
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> UplinkBatch:
    """Uplinks of one stream message; raises ``msgspec.DecodeError`` on anything else."""
    return _decoder.decode(data)


def shard_of(meter_id: MeterId, shards: int) -> int:
    """Shard that keeps a meter's messages in order: a multiplicative hash, so that runs of ids spread evenly."""
    return ((meter_id * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF) * shards >> 64
