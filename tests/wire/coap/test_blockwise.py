# SPDX-License-Identifier: Apache-2.0
"""Block-wise transfer, the server's side: RFC 7959 sections 2 and 3, and the bounds on what strangers may
store."""

import pytest

from openmains.wire.coap import options as opt
from openmains.wire.coap.blockwise import Assembler, Body, BodyCache
from openmains.wire.coap.exchange import Limits, Request
from openmains.wire.coap.message import CON, Code, Message, Method, Option, decode, encode
from openmains.wire.coap.options import Block
from openmains.wire.coap.server import Server
from openmains.wire.errors import WireError

PEER = "meter"
BODY = bytes(range(256)) * 2


def ask(
    server: Server,
    mid: int,
    method: Method = Method.POST,
    payload: bytes = b"",
    block1: Block | None = None,
    block2: Block | None = None,
    options: tuple[Option, ...] = (),
    now: float = 0.0,
) -> Message | Request:
    """The request event, or the server's own answer."""
    every = [(opt.URI_PATH, b"r"), *options]
    if block1 is not None:
        every.append((opt.BLOCK1, block1.encode()))
    if block2 is not None:
        every.append((opt.BLOCK2, block2.encode()))
    events = server.receive(encode(Message(CON, method, mid, b"t", every, payload)), PEER, now)
    if events:
        [event] = events
        assert isinstance(event, Request)
        return event
    [(_, answer)] = server.datagrams()
    return decode(answer)


def block_of(message: Message | Request, number: int) -> Block:
    assert isinstance(message, Message)
    value = opt.get(message.options, number)
    assert value is not None
    return opt.block(value)


def respond(server: Server, request: Message | Request, code: int, payload: bytes = b"", *options: Option) -> Message:
    assert isinstance(request, Request)
    server.respond(request.exchange, code, payload, options, now=0.0)
    [(_, answer)] = server.datagrams()
    return decode(answer)


def test_a_body_in_blocks_is_one_request() -> None:
    """Figure 8 of RFC 7959 with 128 bytes a block."""
    server = Server(mid_seed=1)
    for number in range(3):
        answer = ask(server, number, payload=BODY[number * 128 : number * 128 + 128], block1=Block(number, True, 3))
        assert isinstance(answer, Message)
        assert answer.code == Code.CONTINUE
        assert block_of(answer, opt.BLOCK1) == Block(number, True, 3)
    request = ask(server, 3, payload=BODY[384:], block1=Block(3, False, 3))
    assert isinstance(request, Request)
    assert request.payload == BODY
    answer = respond(server, request, Code.CHANGED)
    assert (answer.code, block_of(answer, opt.BLOCK1)) == (Code.CHANGED, Block(3, False, 3))
    assert server.sizes()["assemblies"] == server.sizes()["assembly_bytes"] == 0


def test_a_gap_or_an_unknown_body_is_4_08() -> None:
    server = Server(mid_seed=1)
    ask(server, 1, payload=bytes(128), block1=Block(0, True, 3))
    for mid, number in ((2, 2), (3, 1)):  # the gap forgets the body, so its next block is unknown
        answer = ask(server, mid, payload=bytes(128), block1=Block(number, True, 3))
        assert isinstance(answer, Message)
        assert answer.code == Code.REQUEST_ENTITY_INCOMPLETE


def test_a_block_of_a_wrong_size_is_4_00() -> None:
    server = Server(mid_seed=1)
    for mid, size, more in ((1, 127, True), (2, 129, False)):
        answer = ask(server, mid, payload=bytes(size), block1=Block(0, more, 3))
        assert isinstance(answer, Message)
        assert answer.code == Code.BAD_REQUEST


def test_a_body_over_the_limit_is_4_13_with_size1() -> None:
    server = Server(Limits(max_body=200), mid_seed=1)
    ask(server, 1, payload=bytes(128), block1=Block(0, True, 3))
    answer = ask(server, 2, payload=bytes(128), block1=Block(1, True, 3))
    assert isinstance(answer, Message)
    assert (answer.code, opt.get_uint(answer.options, opt.SIZE1)) == (Code.REQUEST_ENTITY_TOO_LARGE, 200)
    answer = ask(server, 3, payload=bytes(128), block1=Block(0, True, 3), options=((opt.SIZE1, opt.uint(201)),))
    assert isinstance(answer, Message)
    assert answer.code == Code.REQUEST_ENTITY_TOO_LARGE, "the announced size is enough to refuse"


def test_a_block_over_the_payload_limit_is_4_13_with_the_size_that_would_do() -> None:
    server = Server(Limits(max_payload=512), mid_seed=1)
    answer = ask(server, 1, payload=bytes(1024), block1=Block(0, True, 6))
    assert isinstance(answer, Message)
    assert (answer.code, block_of(answer, opt.BLOCK1)) == (Code.REQUEST_ENTITY_TOO_LARGE, Block(0, False, 5))


def test_to_a_request_that_is_no_block_none_is_named() -> None:
    """aiocoap, for one, fails over a Block1 that it did not begin."""
    server = Server(Limits(max_payload=512), mid_seed=1)
    answer = ask(server, 1, payload=bytes(1024))
    assert isinstance(answer, Message)
    assert (answer.code, opt.get(answer.options, opt.BLOCK1)) == (Code.REQUEST_ENTITY_TOO_LARGE, None)
    assert opt.get_uint(answer.options, opt.SIZE1) == 512


def test_another_request_between_the_blocks_does_not_disturb() -> None:
    server = Server(mid_seed=1)
    ask(server, 1, payload=bytes(16), block1=Block(0, True, 0))
    ask(server, 2, payload=b"A" * 16, block1=Block(0, True, 0), options=((opt.URI_QUERY, b"other"),))
    request = ask(server, 3, payload=b"end", block1=Block(1, False, 0))
    assert isinstance(request, Request)
    assert request.payload == bytes(16) + b"end"


def test_a_large_answer_is_fetched_block_by_block_without_asking_again() -> None:
    server = Server(Limits(block_szx=2), mid_seed=1)
    answer = respond(server, ask(server, 0, Method.GET), Code.CONTENT, BODY, (opt.CONTENT_FORMAT, b"\x2a"))
    assert (block_of(answer, opt.BLOCK2), answer.payload) == (Block(0, True, 2), BODY[:64])
    assert opt.get_uint(answer.options, opt.SIZE2) == len(BODY)
    etag = opt.get(answer.options, opt.ETAG)
    assert etag
    for number in range(1, 8):
        part = ask(server, number, Method.GET, block2=Block(number, False, 2))
        assert isinstance(part, Message)
        assert block_of(part, opt.BLOCK2) == Block(number, number < 7, 2)
        assert part.payload == BODY[number * 64 : number * 64 + 64]
        assert opt.get(part.options, opt.ETAG) == etag
        assert opt.get(part.options, opt.CONTENT_FORMAT) == b"\x2a"


def test_the_client_may_want_smaller_blocks() -> None:
    server = Server(mid_seed=1)
    answer = respond(server, ask(server, 0, Method.GET, block2=Block(0, False, 1)), Code.CONTENT, BODY)
    assert (block_of(answer, opt.BLOCK2), len(answer.payload)) == (Block(0, True, 1), 32)
    last = ask(server, 1, Method.GET, block2=Block(15, False, 1))
    assert isinstance(last, Message)
    assert (block_of(last, opt.BLOCK2), last.payload) == (Block(15, False, 1), BODY[480:])


def test_larger_blocks_than_ours_are_cut_at_the_same_place() -> None:
    server = Server(Limits(block_szx=2), mid_seed=1)
    answer = respond(server, ask(server, 0, Method.GET, block2=Block(1, False, 4)), Code.CONTENT, BODY)
    assert (block_of(answer, opt.BLOCK2), answer.payload) == (Block(4, True, 2), BODY[256:320])


def test_a_forgotten_answer_is_computed_again_for_get_but_never_for_post() -> None:
    server = Server(Limits(block_szx=2, body_lifetime_s=50), mid_seed=1)
    first = respond(server, ask(server, 0, Method.GET), Code.CONTENT, BODY)
    request = ask(server, 1, Method.GET, block2=Block(1, False, 2), now=60.0)
    again = respond(server, request, Code.CONTENT, BODY)
    assert (block_of(again, opt.BLOCK2), again.payload) == (Block(1, True, 2), BODY[64:128])
    assert opt.get(again.options, opt.ETAG) == opt.get(first.options, opt.ETAG)
    refused = ask(server, 2, Method.POST, block2=Block(1, False, 2), now=60.0)
    assert isinstance(refused, Message)
    assert refused.code == Code.REQUEST_ENTITY_INCOMPLETE


def test_a_block_beyond_the_end_is_4_00() -> None:
    server = Server(mid_seed=1)
    answer = respond(server, ask(server, 0, Method.GET, block2=Block(9, False, 6)), Code.CONTENT, BODY)
    assert (answer.code, answer.payload) == (Code.BAD_REQUEST, b"")


def test_both_directions_in_one_exchange() -> None:
    """Section 3.3: a large request with a large answer, the rest of it fetched without the request's body."""
    server = Server(Limits(block_szx=2), mid_seed=1)
    ask(server, 0, payload=BODY[:64], block1=Block(0, True, 2))
    answer = respond(server, ask(server, 1, payload=BODY[64:100], block1=Block(1, False, 2)), Code.CHANGED, BODY[:100])
    assert block_of(answer, opt.BLOCK1) == Block(1, False, 2)
    assert block_of(answer, opt.BLOCK2) == Block(0, True, 2)
    rest = ask(server, 2, block2=Block(1, False, 2))
    assert isinstance(rest, Message)
    assert (rest.code, rest.payload) == (Code.CHANGED, BODY[64:100])


def test_block_option_values() -> None:
    assert Block(0, False, 0).encode() == b""
    assert opt.block(b"\x1b") == Block(1, True, 3)
    assert opt.block(Block((1 << 20) - 1, True, 6).encode()) == Block((1 << 20) - 1, True, 6)
    assert (Block(3, False, 6).start, Block(3, False, 6).size) == (3072, 1024)
    with pytest.raises(WireError):
        Block(1 << 20, False, 0).encode()
    with pytest.raises(WireError):
        opt.block(b"\x00\x00\x00\x01")


def test_assembler_bounds() -> None:
    store = Assembler(max_body=100, max_total=160, max_count=3, max_per_peer=2, lifetime_s=10.0)

    def first(peer: str, name: str, now: float = 0.0) -> bytes | Code:
        return store.add((peer, name), peer, Block(0, True, 1), bytes(32), now)

    assert [first("a", "1"), first("a", "2"), first("a", "3")] == [Code.CONTINUE] * 3
    assert len(store) == 2, "a peer's own oldest makes room for its newest"
    assert first("b", "1") == Code.CONTINUE
    assert first("c", "1") == Code.REQUEST_ENTITY_TOO_LARGE, "no more bodies in all"
    assert (len(store), store.total) == (3, 96)
    assert store.add(("b", "1"), "b", Block(1, True, 1), bytes(32), 1.0) == Code.CONTINUE
    assert store.add(("b", "1"), "b", Block(2, True, 1), bytes(32), 1.0) == Code.CONTINUE
    assert store.add(("a", "2"), "a", Block(1, True, 1), bytes(32), 1.0) == Code.REQUEST_ENTITY_TOO_LARGE
    assert first("c", "1", now=10.5) == Code.CONTINUE, "the untouched are forgotten with time"
    assert (len(store), store.total) == (2, 128)


def test_body_cache_bounds() -> None:
    store = BodyCache(max_total=100, max_count=2, lifetime_s=10.0)
    for name in ("a", "b", "c"):
        store.put((name,), Body(0x45, (), bytes(40), 0.0))
    assert (store.get(("a",), 1.0), len(store)) == (None, 2)
    store.put(("d",), Body(0x45, (), bytes(101), 0.0))
    assert store.get(("d",), 1.0) is None, "larger than the whole store"
    assert store.get(("c",), 9.9) is not None
    assert store.get(("c",), 10.0) is None
