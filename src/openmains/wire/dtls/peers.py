# SPDX-License-Identifier: Apache-2.0
"""Addresses as bytes: in a cookie and in a stored session.

Theory: to this layer an address is any hashable value that the shell uses for one; in practice a tuple of host
and port. It must have a literal (strings, numbers, bytes, None, tuples of these), so that it can be stored.
"""

from ast import literal_eval
from collections.abc import Hashable

Peer = Hashable
_HOST_PORT, _LITERAL = 0, 1


def encode_peer(peer: Peer) -> bytes:
    """Compact for ``(host, port)``, a literal for anything else."""
    if isinstance(peer, tuple) and len(peer) == 2:
        host, port = peer
        if type(host) is str and type(port) is int and 0 <= port <= 0xFFFF:
            return bytes((_HOST_PORT, port >> 8, port & 0xFF)) + host.encode()
    return bytes((_LITERAL,)) + repr(peer).encode()


def decode_peer(raw: bytes) -> Peer:
    """The inverse. Raises ValueError for bytes that are no address; they come from our own store only."""
    if raw[:1] == b"\x00" and len(raw) >= 3:
        return raw[3:].decode(), int.from_bytes(raw[1:3], "big")
    try:
        peer = literal_eval(raw[1:].decode())
        hash(peer)
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError("not an address") from error
    return peer  # type: ignore[no-any-return]
