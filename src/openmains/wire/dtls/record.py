# SPDX-License-Identifier: Apache-2.0
"""Records as they lie in a datagram (RFC 6347 section 4.1, RFC 9146 section 4).

Theory: type, version, epoch, sequence, [connection id,] length, body. The length of a connection id is not on the
wire: the receiver chose it and knows. Nothing here is protected; that is ``session.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from openmains.wire.dtls.codes import DTLS10, DTLS12, LAYER, Content
from openmains.wire.errors import WireError

HEADER_SIZE: Final = 13
VERSION: Final = DTLS12.to_bytes(2, "big")
_VERSIONS: Final = (VERSION, DTLS10.to_bytes(2, "big"))
_KINDS: Final = frozenset(Content)


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``raw`` is all of it, ``body`` what follows the header. ``cid`` is empty without one."""

    kind: int
    epoch: int
    sequence: int
    cid: bytes
    body: bytes
    raw: bytes


def records_untrusted(datagram: bytes, cid_size: int) -> Iterator[Record]:
    """The records of a datagram, in order; ``cid_size`` is the length of our own connection ids, 0 if we have none.

    Raises WireError where the datagram stops making sense; what came before it was handed out.
    """
    at, end = 0, len(datagram)
    while at < end:
        kind = datagram[at]
        if kind not in _KINDS:
            raise WireError(LAYER, at, "unknown record type")
        cid_end = at + 11 + (cid_size if kind == Content.CID else 0)
        if cid_end + 2 > end:
            raise WireError(LAYER, at, "truncated record header")
        body = cid_end + 2
        after = body + int.from_bytes(datagram[cid_end:body], "big")
        if after > end:
            raise WireError(LAYER, cid_end, "truncated record")
        epoch = int.from_bytes(datagram[at + 3 : at + 5], "big")
        # The first hello may carry an older number in its record (RFC 6347 section 4.2.1), nothing else may.
        if datagram[at + 1 : at + 3] not in (_VERSIONS[:1] if epoch else _VERSIONS):
            raise WireError(LAYER, at + 1, "record version")
        yield Record(
            kind,
            epoch,
            int.from_bytes(datagram[at + 5 : at + 11], "big"),
            datagram[at + 11 : cid_end],
            datagram[body:after],
            datagram[at:after],
        )
        at = after


def plain_record(kind: int, sequence: int, body: bytes) -> bytes:
    """A record of epoch 0."""
    return bytes((kind,)) + VERSION + sequence.to_bytes(8, "big") + len(body).to_bytes(2, "big") + body


def pack(records: list[bytes], size: int) -> list[bytes]:
    """Records in as few datagrams of at most ``size`` bytes as their order allows."""
    datagrams: list[bytes] = []
    for record in records:
        if datagrams and len(datagrams[-1]) + len(record) <= size:
            datagrams[-1] += record
        else:
            datagrams.append(record)
    return datagrams
