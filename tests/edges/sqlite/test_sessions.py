# SPDX-License-Identifier: Apache-2.0
"""What an edge node finds again after a restart, and what a stolen file does not tell."""

import asyncio
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from openmains.edges.sqlite.sessions import BY_ADDRESS, Changes, Heard, SessionFile, SessionFileError, StoredSession
from openmains.edges.sqlite.writer import SessionWriter
from openmains.wire.dtls.session import Session, inner
from openmains.wire.dtls.suites import ALL_SUITES
from tests.support.dtls import Site, connected

KEY = bytes(range(32))
SECRETS = b"key block that nobody may read"


def stored(number: int, imei: int = 860_000_000_000_001) -> StoredSession:
    cid = b"\x01" + number.to_bytes(7, "big")
    return StoredSession(cid, imei, SECRETS, 64, 3, "192.0.2.7:4000", 1_790_000_000_000_000 + number)


def open_file(folder: Path, *, node: int = 1, key: bytes = KEY) -> SessionFile:
    return SessionFile(folder / "node.sqlite", node, key, os.urandom)


async def test_a_confirmed_session_is_there_after_a_crash(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    writer = SessionWriter(file)
    confirmed: list[bool] = []
    writer.establish(stored(1), confirmed.append)
    await writer.drain()
    assert confirmed == [True]
    # no close(): as if the process had been killed
    again = open_file(tmp_path).find(stored(1).cid)
    assert again == stored(1)


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt then MAC", "MAC then encrypt"])
@pytest.mark.parametrize("code", ALL_SUITES)
async def test_a_session_of_each_suite_goes_on_after_a_crash(tmp_path: Path, code: int, etm: bool) -> None:
    line = connected(Site(weak=True), suites=(code,), etm=etm)
    session = line.site.session
    writer = SessionWriter(open_file(tmp_path))
    found = StoredSession(
        session.cid, 860_000_000_000_001, session.dump(), session.reserved, session.newest, "192.0.2.7:4000", 1
    )
    writer.establish(found, lambda done: None)
    await writer.drain()
    record = line.next_up(b"a reading")
    assert b"a reading" not in record
    row = open_file(tmp_path).find(session.cid)
    assert row is not None
    again = Session.load(row.secrets)
    assert again.suite.code == code
    assert inner(again.open(record, 13 + len(session.cid)) or b"") == (23, b"a reading")


async def test_what_was_heard_counts_before_and_after_it_is_written(tmp_path: Path) -> None:
    writer = SessionWriter(open_file(tmp_path))
    writer.establish(stored(1), lambda done: None)
    await writer.drain()
    writer.heard(stored(1).cid, Heard(17, "192.0.2.9:5000", 1_790_000_100))
    found = writer.find(stored(1).cid)
    assert found is not None and (found.newest, found.peer) == (17, "192.0.2.9:5000")
    await writer.drain()
    fresh = open_file(tmp_path).find(stored(1).cid)
    assert fresh is not None and (fresh.newest, fresh.peer, fresh.reserved) == (17, "192.0.2.9:5000", 64)


async def test_reserved_numbers_are_on_disk_when_confirmed(tmp_path: Path) -> None:
    writer = SessionWriter(open_file(tmp_path))
    writer.establish(stored(1), lambda done: None)
    await writer.drain()
    seen: list[int] = []

    def confirmed(done: bool) -> None:
        found = open_file(tmp_path).find(stored(1).cid)
        seen.append(found.reserved if done and found is not None else -1)

    writer.reserve(stored(1).cid, 128, confirmed)
    await writer.drain()
    assert seen == [128]


async def test_of_a_meters_earlier_sessions_only_the_newest_stays(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    writer = SessionWriter(file)
    for number in (1, 2, 3):
        writer.establish(stored(number), lambda done: None)
        await writer.drain()
    assert writer.cid_of(stored(1).imei) == stored(3).cid
    assert set(file.all_cids()) == {stored(2).cid, stored(3).cid}
    writer.remove(stored(3).cid)
    assert writer.find(stored(3).cid) is None
    await writer.drain()
    assert set(file.all_cids()) == {stored(2).cid}


async def test_registration_is_kept_with_its_session(tmp_path: Path) -> None:
    writer = SessionWriter(open_file(tmp_path))
    writer.establish(stored(1), lambda done: None)
    writer.register(stored(1).cid, b"lifetime, objects")
    await writer.drain()
    found = open_file(tmp_path).find(stored(1).cid)
    assert found is not None and found.registration == b"lifetime, objects"


async def test_a_registration_does_not_wait_for_what_may_lag(tmp_path: Path) -> None:
    """An observation that a kill takes is rejected at its next notification, and the device holds it for cancelled."""
    file = open_file(tmp_path)
    writer = SessionWriter(file)
    writer.establish(stored(1), lambda done: None)
    await writer.drain()
    told = asyncio.Event()
    writer.heard(stored(1).cid, Heard(4, "192.0.2.9:1", 1_790_000_200))  # a timer runs
    writer.register(stored(1).cid, b"with an observation")
    writer.reserve(stored(1).cid, 128, lambda done: told.set())  # goes with the same transaction
    await told.wait()
    found = open_file(tmp_path).find(stored(1).cid)
    assert found is not None and (found.registration, found.reserved) == (b"with an observation", 128)
    writer.register(stored(1).cid, None)
    task = writer._task
    assert task is not None  # writing now, not in a second
    await task
    found = open_file(tmp_path).find(stored(1).cid)
    assert found is not None and found.registration is None


async def test_a_failed_write_is_told_and_what_nobody_waits_for_is_tried_again(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    writer = SessionWriter(file)
    writer.establish(stored(1), lambda done: None)
    await writer.drain()
    holder = sqlite3.connect(tmp_path / "node.sqlite", isolation_level=None)
    holder.execute("PRAGMA busy_timeout = 0")
    file.impatient()
    holder.execute("BEGIN IMMEDIATE")  # the file cannot be written now, as on a full disk
    told: list[bool] = []
    writer.heard(stored(1).cid, Heard(9, "192.0.2.9:1", 1_790_000_200))
    writer.establish(stored(2, imei=860_000_000_000_002), told.append)
    await writer.drain()
    assert told == [False]
    holder.execute("ROLLBACK")
    await writer.drain()
    found = open_file(tmp_path).find(stored(1).cid)
    assert found is not None and found.newest == 9
    assert open_file(tmp_path).find(stored(2).cid) is None


def test_secrets_are_sealed_and_bound_to_their_connection_id(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    writer = sqlite3.connect(tmp_path / "node.sqlite")
    file.write(Changes([stored(1), stored(2, imei=860_000_000_000_002)], [], {}, {}, []))
    assert SECRETS not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "key block" not in repr(stored(1))
    (sealed,) = writer.execute("SELECT sealed FROM session WHERE imei = ?", (stored(1).imei,)).fetchone()
    writer.execute("UPDATE session SET sealed = ? WHERE imei = ?", (sealed, 860_000_000_000_002))
    writer.commit()
    assert file.find(stored(2).cid) is None  # another session's secrets do not open under this one's name
    assert open_file(tmp_path, key=bytes(32)).find(stored(1).cid) is None


async def test_a_session_without_connection_id_is_found_by_its_address(tmp_path: Path) -> None:
    """Of one address the newest, whoever's it was: addresses are given to others."""
    file = open_file(tmp_path)
    writer = SessionWriter(file)
    writer.establish(stored(1), lambda done: None)
    writer.establish(replace(stored(2, imei=860_000_000_000_002), address="192.0.2.7 4000"), lambda done: None)
    await writer.drain()
    assert open_file(tmp_path).cid_at("192.0.2.7 4000") == stored(2).cid
    assert open_file(tmp_path).cid_at("192.0.2.7:4000") is None  # that one has a Connection ID
    for number in (3, 4):  # in one transaction
        writer.establish(replace(stored(number, imei=number), address="192.0.2.7 4000"), lambda done: None)
    await writer.drain()
    assert writer.cid_at("192.0.2.7 4000") == stored(4).cid
    assert set(file.all_cids()) == {stored(1).cid, stored(4).cid}
    assert [row[0] for row in sqlite3.connect(tmp_path / "node.sqlite").execute("SELECT count(*) FROM heard")] == [2]


def test_an_address_is_looked_up_by_an_index(tmp_path: Path) -> None:
    open_file(tmp_path)
    reader = sqlite3.connect(tmp_path / "node.sqlite")
    plan = " ".join(row[3] for row in reader.execute("EXPLAIN QUERY PLAN " + BY_ADDRESS, ("192.0.2.7 4000",)))
    assert "session_address" in plan


async def test_a_file_of_the_format_before_keeps_its_sessions(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    file.write(Changes([stored(1)], [], {}, {}, []))
    file.close()
    older = sqlite3.connect(tmp_path / "node.sqlite")
    older.executescript(
        """
        ALTER TABLE session RENAME TO newer;
        CREATE TABLE session (
          id INTEGER PRIMARY KEY, imei INTEGER NOT NULL, sealed BLOB NOT NULL, reserved INTEGER NOT NULL, registration BLOB);
        INSERT INTO session SELECT id, imei, sealed, reserved, registration FROM newer;
        DROP TABLE newer;
        CREATE INDEX session_imei ON session (imei);
        PRAGMA user_version = 513
        """  # format 2, node 1
    )
    older.close()
    writer = SessionWriter(open_file(tmp_path))
    assert writer.find(stored(1).cid) == stored(1)
    writer.establish(replace(stored(2, imei=2), address="192.0.2.7 4000"), lambda done: None)
    await writer.drain()
    assert open_file(tmp_path).cid_at("192.0.2.7 4000") == stored(2).cid


def test_another_nodes_file_is_refused(tmp_path: Path) -> None:
    open_file(tmp_path, node=1)
    with pytest.raises(SessionFileError, match="node 1; expected 3, 2"):
        open_file(tmp_path, node=2)
