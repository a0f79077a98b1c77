# SPDX-License-Identifier: Apache-2.0
"""Bodies larger than a datagram, the server's side (RFC 7959): collecting Block1, serving Block2.

Theory: a block is (number, more, size exponent); its place in the body is number × size. Requests are collected
strictly in order, per peer and cache key (section 2.5): a gap means the rest is useless (4.08). Answers are cut
on demand from a kept body; a body that was forgotten is computed anew by the application, and its ETag tells
the client whether it is still the same (section 2.4). Both stores belong to strangers, so both are bounded in
bytes, in number and in time.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from zlib import crc32

from openmains.wire.coap.message import Code, Option, is_success
from openmains.wire.coap.options import BLOCK1, BLOCK2, ETAG, OBSERVE, SIZE2, Block, get, uint

Key = tuple[Hashable, ...]


@dataclass(slots=True)
class _Assembly:
    peer: Hashable
    touched: float
    body: bytearray = field(default_factory=bytearray)


class Assembler:
    """Request bodies in the making. Memory: at most ``max_total`` bytes in ``max_count`` bodies."""

    def __init__(self, max_body: int, max_total: int, max_count: int, max_per_peer: int, lifetime_s: float) -> None:
        self._max_body = max_body
        self._max_total = max_total
        self._max_count = max_count
        self._max_per_peer = max_per_peer
        self._lifetime_s = lifetime_s
        self._assemblies: OrderedDict[Key, _Assembly] = OrderedDict()  # least recently touched first
        self._by_peer: dict[Hashable, list[Key]] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._assemblies)

    @property
    def total(self) -> int:
        """Bytes held."""
        return self._total

    def add(self, key: Key, peer: Hashable, block: Block, payload: bytes, now: float) -> bytes | Code:
        """One block: the whole body when it was the last one, else the code to answer with.

        2.31 go on; 4.00 a block of a wrong size; 4.08 not the block that was due; 4.13 body, or all bodies, too large.
        """
        self._expire(now)
        if (block.more and len(payload) != block.size) or len(payload) > block.size:
            return Code.BAD_REQUEST
        assembly = self._assemblies.get(key)
        if block.number == 0:
            if assembly is not None:
                self._drop(key)
            if not block.more:
                return payload if len(payload) <= self._max_body else Code.REQUEST_ENTITY_TOO_LARGE
            mine = self._by_peer.setdefault(peer, [])
            if len(mine) >= self._max_per_peer:
                self._drop(mine[0])
            elif len(self._assemblies) >= self._max_count:
                if not mine:
                    del self._by_peer[peer]
                return Code.REQUEST_ENTITY_TOO_LARGE
            assembly = self._assemblies[key] = _Assembly(peer, now)
            self._by_peer.setdefault(peer, []).append(key)
        elif assembly is None or block.start != len(assembly.body):
            if assembly is not None:
                self._drop(key)
            return Code.REQUEST_ENTITY_INCOMPLETE
        if len(assembly.body) + len(payload) > self._max_body or self._total + len(payload) > self._max_total:
            self._drop(key)
            return Code.REQUEST_ENTITY_TOO_LARGE
        assembly.body += payload
        assembly.touched = now
        self._total += len(payload)
        if block.more:
            self._assemblies.move_to_end(key)
            return Code.CONTINUE
        body = bytes(assembly.body)
        self._drop(key)
        return body

    def _expire(self, now: float) -> None:
        while self._assemblies:
            key, assembly = next(iter(self._assemblies.items()))
            if assembly.touched + self._lifetime_s > now:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        assembly = self._assemblies.pop(key)
        self._total -= len(assembly.body)
        mine = self._by_peer[assembly.peer]
        mine.remove(key)
        if not mine:
            del self._by_peer[assembly.peer]


@dataclass(frozen=True, slots=True)
class Body:
    """An answer larger than one block, kept until its client fetched the rest."""

    code: int
    options: tuple[Option, ...]
    payload: bytes
    at: float


class BodyCache:
    """Answers being fetched. The oldest goes when ``max_total`` bytes or ``max_count`` answers are passed."""

    def __init__(self, max_total: int, max_count: int, lifetime_s: float) -> None:
        self._max_total = max_total
        self._max_count = max_count
        self._lifetime_s = lifetime_s
        self._bodies: OrderedDict[Key, Body] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        return len(self._bodies)

    def put(self, key: Key, body: Body) -> None:
        """Keep ``body`` in the place of an older one under ``key``; one larger than the whole store is not kept."""
        self._drop(key)
        if len(body.payload) > self._max_total:
            return
        self._bodies[key] = body
        self._total += len(body.payload)
        while self._total > self._max_total or len(self._bodies) > self._max_count:
            self._drop(next(iter(self._bodies)))

    def get(self, key: Key, now: float) -> Body | None:
        """The kept answer, None when there is none or it is too old."""
        while self._bodies:
            oldest = next(iter(self._bodies))
            if self._bodies[oldest].at + self._lifetime_s > now:
                break
            self._drop(oldest)
        return self._bodies.get(key)

    def cut(
        self, key: Key, wanted: Block, code: int, payload: bytes, options: list[Option], now: float
    ) -> tuple[int, bytes]:
        """The code and the part of ``payload`` for ``wanted``; adds Block2, ETag, Size2 to ``options``.

        A first block that is not the last puts the whole into the store. A block beyond the end is 4.00.
        """
        success = is_success(code)
        if wanted.start >= len(payload):
            if success and wanted.number:
                options.clear()
                return Code.BAD_REQUEST, b""
            return code, payload
        end = wanted.start + wanted.size
        more = end < len(payload)
        if success and (more or wanted.number) and get(options, ETAG) is None:
            options.append((ETAG, crc32(payload).to_bytes(4, "big")))
        if wanted.number == 0 and more:
            kept = tuple(option for option in options if option[0] not in (OBSERVE, BLOCK1))
            self.put(key, Body(code, kept, payload, now))
            options.append((SIZE2, uint(len(payload))))
        options.append((BLOCK2, Block(wanted.number, more, wanted.szx).encode()))
        return code, payload[wanted.start : end]

    def _drop(self, key: Key) -> None:
        body = self._bodies.pop(key, None)
        if body is not None:
            self._total -= len(body.payload)
