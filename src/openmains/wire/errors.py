# SPDX-License-Identifier: Apache-2.0
"""The one error that bytes from a network can cause.

Theory: whatever a peer sends is either parsed or raises :class:`WireError`; nothing else may leave a codec (the
fuzz tests hold every protocol to it). An error says where: the protocol layer, the byte offset in that layer's
input, and a reason. A reason is a fixed phrase without values in it, so that it can be counted by name without
growing memory.
"""


class WireError(Exception):
    """Bytes that a protocol forbids, or a value that it cannot carry.

    ``layer``: name of the protocol (``"coap"``, ``"cjt188"``, …). ``offset``: byte where it was noticed, 0 is the first
    byte given to the codec. ``reason``: a fixed phrase, safe as a counter's name.
    """

    __slots__ = ("layer", "offset", "reason")

    def __init__(self, layer: str, offset: int, reason: str) -> None:
        super().__init__(layer, offset, reason)
        self.layer = layer
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason} (byte {self.offset})"
