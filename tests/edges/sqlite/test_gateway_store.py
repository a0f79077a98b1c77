# SPDX-License-Identifier: Apache-2.0
"""A gateway's file: what was committed outlives ``kill -9``, what was not is gone, and nothing is ever numbered or named twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openmains.edges.sqlite.gateway_store import GatewayFileError, SqliteGatewayStore
from openmains.gateway.clock import KeptClock
from openmains.gateway.store import KeptCommand, KeptMeter
from openmains.wire.gateway.messages import CommandWord, GatewayEvent, Item, MeterMessage

NUMBER, METER = "9000000000000001", "0000460000000001"
WORDS: tuple[MeterMessage | CommandWord | GatewayEvent, ...] = (
    MeterMessage(METER, 16, b"\1\2", 3),
    CommandWord("77", METER, "delivered", b"\3"),
    GatewayEvent("joined", METER, "via 3"),
)
COMMAND = KeptCommand("77", METER, 5, b"\1", 900, 0, 500)


def store(path: Path | str = ":memory:") -> SqliteGatewayStore:
    return SqliteGatewayStore(path, NUMBER)


def test_items_come_back_in_order_until_they_are_forgotten() -> None:
    kept = store()
    assert [kept.add(at, word) for at, word in enumerate(WORDS)] == [1, 2, 3]
    assert list(kept.items(0, 10)) == [Item(at + 1, at, word) for at, word in enumerate(WORDS)]
    kept.forget([1, 3, 99])
    assert [item.number for item in kept.items(0, 10)] == [2]
    kept.forget([2])
    assert (kept.add(9, WORDS[0]), kept.waiting()) == (4, 1)  # no number comes again


def test_a_repeat_is_known_again_for_a_while() -> None:
    kept = store()
    assert not kept.is_repeat(METER, 7, b"a", 1_000, 600)
    assert kept.is_repeat(METER, 7, b"a", 1_600, 600)
    assert not kept.is_repeat(
        METER, 7, b"b", 1_000, 600
    )  # the same number with another content: a meter that lost its memory
    assert not kept.is_repeat(METER, 7, b"b", 1_601, 600)
    assert not kept.is_repeat("0000460000000002", 7, b"b", 1_601, 600)


def test_parts_make_a_whole_in_any_order() -> None:
    kept = store()
    assert kept.add_part(METER, b"x", 2, 3, b"c", 1) is None
    assert kept.add_part(METER, b"x", 0, 3, b"a", 1) is None
    assert kept.add_part(METER, b"y", 0, 3, b"?", 1) is None
    assert kept.add_part(METER, b"x", 0, 3, b"a", 1) is None
    assert kept.add_part(METER, b"x", 1, 3, b"b", 1) == b"abc"
    assert kept.add_part(METER, b"x", 1, 3, b"b", 1) is None  # a new one of that name


def test_too_old_and_too_many_are_given_up_and_counted() -> None:
    kept = store()
    for at in (0, 5, 10, 20, 30, 40):
        kept.add(at, WORDS[0])
    assert kept.shorten(10, 100) == 1  # that of an unknown time stays
    assert kept.shorten(10, 3) == 2
    assert ([item.at_ms for item in kept.items(0, 9)], kept.dropped()) == ([20, 30, 40], 3)
    assert kept.shorten(10, 3) == 0


def test_a_command_is_named_once() -> None:
    kept = store()
    assert kept.add_command(COMMAND) == ""
    assert kept.add_command(COMMAND) == "waiting"
    kept.tried("77")
    assert kept.commands() == [COMMAND._replace(tried=1)]
    kept.end_command("77", "delivered", 600)
    assert (kept.add_command(COMMAND), kept.commands()) == ("delivered", [])
    kept.end_command("77", "lost", 600)
    assert (kept.add_command(COMMAND), kept.commands()) == ("", [COMMAND])  # what was lost begins anew
    kept.end_command("77", "refused", 600)
    kept.shorten(601, 100)
    assert kept.add_command(COMMAND) == ""


def test_a_logical_id_is_one_meters_for_ever() -> None:
    kept = store()
    member = KeptMeter(METER, kept.next_logical(), 1, 16, True, 5, 2, 0)
    kept.put_meter(member)
    kept.put_meter(member._replace(via=4))
    assert kept.meters() == [member._replace(via=4)]
    assert (member.logical, kept.next_logical()) == (1, 2)
    with pytest.raises(Exception, match="UNIQUE"):
        kept.put_meter(member._replace(number="0000460000000002"))


def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    first = store(tmp_path / "gateway.sqlite")
    first.put_clock(KeptClock("boot", 5, 6))
    first.commit()
    first.close()
    again = store(tmp_path / "gateway.sqlite")
    assert (again.name, again.clock()) == (first.name, KeptClock("boot", 5, 6))
    again.close()
    with pytest.raises(GatewayFileError, match="of gateway 9000000000000001"):
        SqliteGatewayStore(tmp_path / "gateway.sqlite", "9000000000000002")
    assert store().name != first.name
    (tmp_path / "broken.sqlite").write_bytes(b"no file of ours, and long enough to be none of anybody's" * 40)
    with pytest.raises(GatewayFileError, match="not a database"):
        store(tmp_path / "broken.sqlite")


_CHILD = """
import os, sys
from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.wire.gateway.messages import GatewayEvent
kept = SqliteGatewayStore(sys.argv[1], "9000000000000001")
while True:
    number = kept.add(1, GatewayEvent("joined"))
    kept.commit()
    os.write(1, b"%d\\n" % number)  # what a confirmation would say
    kept.add(1, GatewayEvent("not confirmed"))
"""


def test_what_was_confirmed_outlives_a_kill(tmp_path: Path) -> None:
    path, confirmed, seen = tmp_path / "gateway.sqlite", 0, set[int]()
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(20):
            confirmed = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        confirmed = max([confirmed, *map(int, child.stdout.read().split()[:-1])])
        child.wait()
        child.stdout.close()
        kept = store(path)
        numbers = [item.number for item in kept.items(0, 100_000) if item.word == GatewayEvent("joined")]
        assert confirmed in numbers
        assert not seen & {number for number in numbers if number not in seen and number <= max(seen, default=0)}
        seen |= set(numbers)
        kept.close()
