# SPDX-License-Identifier: Apache-2.0
"""What an answer or a notification carries beside what the application said: Observe, Block1, Block2 (RFC 7641, 7959)."""

from collections.abc import Collection

from openmains.wire.coap import options as opt
from openmains.wire.coap.blockwise import BodyCache
from openmains.wire.coap.exchange import Relation, Request, body_key
from openmains.wire.coap.message import Option

Content = tuple[int, bytes, list[Option]]
"""Code, payload (of one datagram) and options."""


def answer_content(
    request: Request,
    relation: Relation | None,
    code: int,
    payload: bytes,
    options: Collection[Option],
    bodies: BodyCache,
    szx: int,
    now: float,
) -> Content:
    """An answer of any size, cut to the block that the request wants, at most 16 << ``szx`` bytes."""
    send = list(options)
    if relation is not None:
        send.append((opt.OBSERVE, opt.uint(relation.sequence)))
    if request.block1 is not None:
        send.append((opt.BLOCK1, request.block1.encode()))
    wanted = request.block2 or opt.Block(0, False, szx)
    if wanted.szx > szx:
        wanted = opt.Block(wanted.start >> (szx + 4), False, szx)
    whole = request.block2 is None and len(payload) <= wanted.size
    if not whole:
        code, payload = bodies.cut(body_key(request), wanted, code, payload, send, now)
    return code, payload, send


def notification_content(
    relation: Relation, code: int, payload: bytes, options: Collection[Option], bodies: BodyCache, now: float
) -> Content:
    """The newest state under the relation's next sequence number: its first block, where it is larger than one."""
    send = list(options)
    relation.sequence = relation.sequence + 1 & 0xFFFFFF
    send.append((opt.OBSERVE, opt.uint(relation.sequence)))
    if len(payload) > 16 << relation.szx:
        first = opt.Block(0, False, relation.szx)
        code, payload = bodies.cut(relation.body_key, first, code, payload, send, now)
    return code, payload, send
