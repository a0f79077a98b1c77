# SPDX-License-Identifier: Apache-2.0
"""Unknown terminals are gathered in bounded memory; unproven leave room for those that know a key."""

from openmains.app.security.access_cache import AccessCache
from openmains.app.security.unknown import UnknownTerminals
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.security.findings import State


def text(i: int) -> str:
    return f"{imei_of(86_0000_0000_0000 + i):015d}"


def test_repeats_are_counted_and_what_is_no_imei_is_not_noted() -> None:
    unknown = UnknownTerminals()
    for at in (5, 7, 9):
        unknown.note(text(1), f"a{at}", at)
    unknown.note("123", "x", 1)
    unknown.note("861234567890123"[:14] + "x", "x", 1)
    (one,) = unknown.drain()
    assert (one.first_us, one.last_us, one.attempts, one.address, one.proven) == (5, 9, 3, "a9", False)
    assert unknown.drain() == []


def test_strangers_fill_their_own_room_only() -> None:
    unknown = UnknownTerminals(unproven=10, proven=10)
    for i in range(1000):
        unknown.note(text(i), "x", i)
    unknown.note(text(5000), "y", 1, proven=True)
    unknown.note(text(0), "y", 9999, proven=True)
    taken = unknown.drain()
    assert len(taken) == 11
    assert unknown.left_out == 990
    assert [item.proven for item in taken[:2]] == [True, True]
    both = next(item for item in taken if item.imei == int(text(0)))
    assert (both.attempts, both.first_us, both.proven) == (2, 0, True)


def test_the_book_holds_only_what_is_not_allowed() -> None:
    book = AccessCache()
    book.load({1: State.OBSERVE, 2: State.QUARANTINE, 3: State.BLOCKED, 4: State.ALLOWED})
    assert len(book) == 3
    assert [book.is_blocked(imei) for imei in (1, 2, 3, 4)] == [False, False, True, False]
    assert [book.may_command(imei) for imei in (1, 2, 3, 4)] == [True, False, False, True]
    book.change(3, State.ALLOWED)
    assert book.state(3) is State.ALLOWED
    assert len(book) == 2
