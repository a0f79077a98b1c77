# SPDX-License-Identifier: Apache-2.0
"""Two ends of GB/T 36330: states, confirmations, repeats, and both over a network that loses, doubles and swaps frames."""

import random
from pathlib import Path

import pytest

from openmains.wire.errors import WireError
from openmains.wire.gbt36330.cipher import Algorithm, DataCipher, Mode
from openmains.wire.gbt36330.frame import Frame, MessageType, decode_frame_untrusted, encode_frame
from openmains.wire.gbt36330.peer import UNIQUE_MS, Confirmed, Event, Peer, Received, Rejected, Unconfirmed
from openmains.wire.gbt36330.profile import Profile
from openmains.wire.gbt36330.states import ROWS, TABLE, Input, State
from openmains.wire.states import markdown

CLEAR = Profile(clear_commands=True)
APPLICATION = 0x31
KEY = DataCipher(Algorithm.AES, Mode.GCM, bytes(range(16)))


def gateway(**other: object) -> Peer:
    return Peer(down=True, application=APPLICATION, profile=CLEAR, **other)  # type: ignore[arg-type]


def meter(**other: object) -> Peer:
    return Peer(down=False, application=APPLICATION, profile=CLEAR, **other)  # type: ignore[arg-type]


def events(peer: Peer) -> list[Event]:
    found = []
    while (event := peer.next_event()) is not None:
        found.append(event)
    return found


def answer(message: bytes, message_type: int | None, *, sequence: int | None = None, confirms: bool = True) -> bytes:
    asked = decode_frame_untrusted(message, CLEAR)
    number = asked.sequence if sequence is None else sequence
    return encode_frame(
        Frame(number, APPLICATION, 0x10, False, message_type, confirms=confirms and message_type is not None), CLEAR
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", Input)
def test_every_state_takes_every_input(state: State, what: Input) -> None:
    peer = gateway(timeout_ms=100, tries=1 if what is Input.LAST_TIMEOUT else 2)
    image = encode_frame(Frame(0, APPLICATION, 0x10, True, 5), CLEAR)
    if state is State.WAITING:
        peer.send(5, b"", 0)
        (image,) = peer.to_send()
    if what is Input.SEND:
        assert (peer.send(4, b"", 1) is None) is (state is State.WAITING)
    elif what in (Input.CONFIRMATION, Input.REJECTION):
        peer.receive(answer(image, 5 if what is Input.CONFIRMATION else None), 1)
    elif what is Input.UNRELATED:
        peer.receive(answer(image, 5, sequence=9), 1)
        peer.receive(answer(image, 4), 1)  # the right number, another type
        assert peer.counters["unrelated"] == 2
    else:
        peer.timer(99)
        peer.timer(100)
    assert peer.state is TABLE[state, what][0]
    assert len(events(peer)) == (
        state is State.WAITING and what in (Input.CONFIRMATION, Input.REJECTION, Input.LAST_TIMEOUT)
    )


def test_the_same_bytes_are_sent_again_as_often_as_was_set() -> None:
    peer = gateway(timeout_ms=100, tries=3)
    assert peer.send(5, b"x", 0) == 0
    sent = peer.to_send()
    for now in (100, 200, 300):
        peer.timer(now)
        sent += peer.to_send()
    assert len(sent) == 3 and len(set(sent)) == 1
    assert events(peer) == [Unconfirmed(0, 5)] and peer.next_timer() is None


def test_a_message_is_an_event_once_and_its_answer_is_given_to_repeats() -> None:
    up, down = meter(), gateway()
    up.send(4, b"reading", 0)
    (image,) = up.to_send()
    down.receive(image, 0)
    down.receive(image, 1)  # before it was taken: nobody may answer yet
    assert down.to_send() == []
    (received,) = events(down)
    assert isinstance(received, Received) and received.data == b"reading" and not received.proven
    down.confirm(received, b"thanks")
    down.receive(image, 2)
    first, again = down.to_send()
    assert first == again and events(down) == []
    up.receive(first, 3)
    up.receive(again, 3)
    assert events(up) == [Confirmed(0, 4, b"thanks", False)] and up.counters["unrelated"] == 1


def test_an_abnormal_confirmation_is_told() -> None:
    up, down = meter(), gateway()
    down.send(2, b"?", 0)
    up.receive(down.to_send()[0], 0)
    (received,) = events(up)
    assert isinstance(received, Received)
    up.reject(received)
    (image,) = up.to_send()
    assert len(image) == 8 and decode_frame_untrusted(image).message_type is None
    down.receive(image, 1)
    assert events(down) == [Rejected(0, 2)]


def test_the_same_number_with_other_content_is_another_message() -> None:
    """A meter that lost its memory begins at 0 again."""
    down = gateway()
    for data in (b"before", b"after"):
        up = meter()
        up.send(4, data, 0)
        down.receive(up.to_send()[0], 0)
    assert [event.data for event in events(down) if isinstance(event, Received)] == [b"before", b"after"]


def test_the_same_number_and_content_much_later_is_another_message() -> None:
    down, up = gateway(), meter()
    up.send(4, b"same", 0)
    (image,) = up.to_send()
    for now in (0, UNIQUE_MS, UNIQUE_MS + 1):
        down.receive(image, now)
    assert len(events(down)) == 2 and down.counters["repeats"] == 1


def test_numbers_go_in_a_circle() -> None:
    up, down = meter(first_sequence=0xFFFF), gateway()
    for number in (0xFFFF, 0):
        assert up.send(4, b"r%d" % number, 0) == number
        down.receive(up.to_send()[0], 0)
        (received,) = events(down)
        assert isinstance(received, Received)
        down.confirm(received)
        up.receive(down.to_send()[0], 0)
        assert isinstance(events(up)[0], Confirmed)


def test_what_is_not_for_this_end_is_counted_and_not_answered() -> None:
    down = gateway()
    echo = encode_frame(Frame(1, APPLICATION, 0x10, True, 4), CLEAR)
    other = encode_frame(Frame(1, 0x32, 0x10, False, 4), CLEAR)
    newer = encode_frame(Frame(1, APPLICATION, 0x21, False, 4), CLEAR)
    for image in (echo, other, newer, echo[:-1], b""):
        down.receive(image, 0)
    assert down.counters == {"own direction": 1, "application": 1, "version": 1, "truncated": 2}
    assert events(down) == [] and down.to_send() == []


def test_with_a_key_nothing_in_clear_is_taken_and_commands_need_one() -> None:
    nonces = iter(range(1000))
    source = lambda size: next(nonces).to_bytes(size, "big")  # noqa: E731
    down = Peer(down=True, application=APPLICATION, cipher=KEY, nonce=source)
    up = Peer(down=False, application=APPLICATION, cipher=KEY, nonce=source)
    down.send(MessageType.TOP_UP, b"50 yuan", 0)
    (image,) = down.to_send()
    assert b"50 yuan" not in image
    up.receive(encode_frame(Frame(9, APPLICATION, 0x10, True, 3), CLEAR), 0)
    up.receive(image, 0)
    (received,) = events(up)
    assert isinstance(received, Received) and received.data == b"50 yuan" and received.proven
    up.confirm(received)
    down.receive(encode_frame(Frame(0, APPLICATION, 0x10, False, 0x12, confirms=True), CLEAR), 1)  # forged
    assert events(down) == [] and down.counters["clear"] == up.counters["clear"] == 1
    down.receive(up.to_send()[0], 1)
    assert events(down) == [Confirmed(0, 0x12, b"", True)]
    with pytest.raises(WireError, match="command in clear"):
        Peer(down=True, application=APPLICATION).send(MessageType.CONTROL, b"", 0)
    with pytest.raises(ValueError, match="nonces"):
        Peer(down=True, application=APPLICATION, cipher=KEY)
    assert down.room == 100


def test_two_ends_over_a_lossy_network() -> None:
    """1,000 seeds: every message ends; confirmed means it acted; nothing acts twice."""
    good = lost = 0
    for seed in range(1000):
        source = random.Random(seed)  # noqa: S311 - a failure must come again
        loss = source.choice([0.0, 0.1, 0.3])
        key = KEY if seed % 4 == 0 else None
        secret = {"cipher": key, "nonce": source.randbytes} if key else {}
        down = gateway(timeout_ms=100, tries=5, first_sequence=source.choice([0, 0xFFFE]), **secret)
        up = meter(timeout_ms=100, tries=5, **secret)
        acted: list[bytes] = []
        travelling: list[tuple[int, int, Peer, bytes]] = []
        now, count = 0, 0
        for number in range(4):
            data = b"%d" % number
            while down.send(MessageType.TOP_UP, data, now) is None:
                now += 1
            ended: Event | None = None
            while ended is None:
                for sender, receiver in ((down, up), (up, down)):
                    for image in sender.to_send():
                        for _ in range(0 if source.random() < loss else 2 if source.random() < loss else 1):
                            count += 1
                            travelling.append((now + source.randrange(1, 80), count, receiver, image))
                travelling.sort(key=lambda each: each[:2])
                timer = down.next_timer()
                if travelling and (timer is None or travelling[0][0] <= timer):
                    now, _, receiver, image = travelling.pop(0)
                    receiver.receive(image, now)
                elif timer is not None:
                    now = timer
                    down.timer(now)
                while (taken := up.next_event()) is not None:
                    assert isinstance(taken, Received)
                    acted.append(taken.data)
                    up.confirm(taken, b"ok")
                ended = down.next_event()
            assert acted.count(data) <= 1
            if isinstance(ended, Confirmed):
                assert acted.count(data) == 1 and ended.data == b"ok"
                good += 1
            else:
                assert isinstance(ended, Unconfirmed) and loss > 0
                lost += 1
    assert good > 3_700 and good + lost == 4_000


def test_the_drawing_in_the_docs_is_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/protocols/gbt36330.md").read_text("utf-8")
    drawing = page.split("<!-- from wire/gbt36330/states.py -->\n")[1].split("<!-- end -->")[0]
    assert drawing == markdown({"state": ROWS})
