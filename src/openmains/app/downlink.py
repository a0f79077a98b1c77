# SPDX-License-Identifier: Apache-2.0
"""What goes down to a meter, and what the link says of it.

A ``Downlink`` travels on ``downlink.<node>`` to the edge that holds the meter's session; a ``LinkOutcome`` comes up as the
payload of an uplink of channel ``link``, in the meter's order and as durable as its reports.
"""

import msgspec

CHANNEL = "link"  # of the uplinks that carry outcomes


class Downlink(msgspec.Struct, array_like=True, frozen=True):
    """One order for a meter. ``payload`` is a frame of the product's driver or a value in ``content_format``."""

    command_id: int
    meter_id: int
    tenant_id: int
    product_id: int
    imei: int
    operation: str  # "write", "read", "execute": LwM2M operations
    path: str  # "/19/1/0" for opaque frames
    payload: bytes
    content_format: int
    not_after_us: int  # the edge gives up then
    confirmed_only: bool  # never to an address not shown to be the meter's (valve, money)


class LinkOutcome(msgspec.Struct, array_like=True, frozen=True):
    """How far the network carried a command. ``code``: CoAP code of the answer, 0 without one."""

    command_id: int
    outcome: str  # "sent", "delivered", "refused", "unreachable", "timed_out", "expired"
    code: int
    payload: bytes = b""


_downlinks = msgspec.msgpack.Decoder(list[Downlink])
_outcome = msgspec.msgpack.Decoder(LinkOutcome)
_encoder = msgspec.msgpack.Encoder()


def encode_downlinks(items: list[Downlink]) -> bytes:
    """One message on ``downlink.<node>``."""
    return _encoder.encode(items)


def decode_downlinks(data: bytes) -> list[Downlink]:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _downlinks.decode(data)


def encode_outcome(item: LinkOutcome) -> bytes:
    """Payload of an uplink of channel ``link``."""
    return _encoder.encode(item)


def decode_outcome(data: bytes) -> LinkOutcome:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _outcome.decode(data)
