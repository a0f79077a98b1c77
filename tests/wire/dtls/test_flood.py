# SPDX-License-Identifier: Apache-2.0
"""What strangers leave behind: nothing.

A million hellos from addresses that are not theirs; failed handshakes of four kinds; a million of each in
`make test-slow`, some thousands here. Each flood has a process of its own, in which nothing else grows.
"""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.dtls import connected
from tests.support.dtls_flood import SMALLEST, hello, new_server

ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 1_000_000


def flood(kind: str, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dtls_flood", kind, str(count)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert not any(report["sizes"].values()) and report["timer"] is None
    return report


def test_the_answer_is_smaller_than_the_smallest_hello() -> None:
    server = new_server()
    question = hello(bytes(32), b"", 0, SMALLEST, (0xC0A8,))
    server.receive(question, ("192.0.2.1", 1), 0.0)
    [(_, answer)] = server.datagrams()
    assert len(answer) == 44 < len(question) == 67


def spoofed(count: int) -> None:
    report = flood("spoofed", count)
    assert report["counters"]["cookie_sent"] == count
    assert report["beyond"] < 0, "answers are never larger than questions"
    assert report["bytes"] < MEGABYTE and report["blocks"] < 1000


def test_spoofed_hellos_leave_nothing() -> None:
    spoofed(50_000)


@pytest.mark.usefixtures("takes_minutes")
def test_a_million_spoofed_hellos_leave_nothing() -> None:
    spoofed(1_000_000)


def failures(count: int) -> None:
    report = flood("failed", count)
    counters = report["counters"]
    assert counters["handshakes_started"] == count and counters["handshakes_done"] == 0
    assert counters["wrong_key"] == counters["hello_refused"] == counters["handshakes_expired"] == count // 4
    # Thousands were held in between, so the allocator keeps some pages; what is allocated is what was before.
    assert report["bytes"] < 4 * MEGABYTE and report["blocks"] < 1000


def test_failed_handshakes_leave_nothing_behind() -> None:
    failures(8_000)


@pytest.mark.usefixtures("takes_minutes")
def test_a_million_failed_handshakes_leave_nothing_behind() -> None:
    failures(1_000_000)


def test_forged_records_leave_nothing_and_are_answered_with_nothing() -> None:
    """Against a known connection id, unknown ones, and addresses without association."""
    line = connected()
    site = line.site
    good = line.next_up(b"data")
    chance = Random(5)  # noqa: S311 – repeatable is the point
    remembered = site.server.sizes()
    for number in range(50_000):
        cid = good[11:19] if number % 3 == 0 else b"\x01" + chance.randbytes(7)
        kind = b"\x17\x16\x15"[number % 3 : number % 3 + 1]
        if number % 2:
            raw = b"\x19\xfe\xfd\x00\x01" + chance.randbytes(6) + cid + b"\x00\x30" + chance.randbytes(48)
        else:
            raw = kind + b"\xfe\xfd\x00\x01" + chance.randbytes(6) + b"\x00\x30" + chance.randbytes(48)
        site.server.receive(raw, ("10.9.9.9", number & 0xFFFF), 1.0)
        assert site.datagrams() == []
    assert site.server.sizes() == remembered
    site.receive(good, line.home, 2.0)
    assert site.delivered == [b"data"]
