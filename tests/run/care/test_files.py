# SPDX-License-Identifier: Apache-2.0
"""Session file, secrets, definitions, parts and the book of faults: what is broken, what is made anew, what is said."""

import os
import shutil
from pathlib import Path

import pytest

from openmains.app.sealing.envelope import MasterKey, WrappedKey
from openmains.domain.ids import TenantId
from openmains.edges.sqlite.sessions import Changes, SessionFile, StoredSession
from openmains.run.backup.files import var_files
from openmains.run.care.definitions import of_readings, of_stream
from openmains.run.care.faults import FaultFolder, Words
from openmains.run.care.own_secrets import names, renew
from openmains.run.care.readings import _covers, spans_of
from openmains.run.care.sessions import LIFT, close_sessions, open_sessions
from openmains.run.engines.child import StartError
from openmains.run.master_key import make_file, master_key_fault, masters_of, ready_master_key
from openmains.run.secret_files import secret
from tests.support.damage import WAYS, break_file

KEY = bytes(range(32))
CID = b"\x01" + bytes(7)


def session_file(var: Path, known: bool = True, key: bytes = KEY) -> SessionFile:
    return open_sessions(var / "edge" / "node-1.sqlite", 1, key, os.urandom, FaultFolder(var), known=known)


def with_sessions(var: Path, count: int = 200) -> Path:
    """A file after an orderly end; its path."""
    path = var / "edge" / "node-1.sqlite"
    file = session_file(var, known=False)
    file.write(Changes([session(number) for number in range(count)], [], {}, {}, []))
    close_sessions(path, file)
    return path


def session(number: int) -> StoredSession:
    cid = b"\x01" + number.to_bytes(7, "big")
    return StoredSession(cid, 860_000_000_000_000 + number, b"secrets" * 40, 64, 3, "192.0.2.7:4000", 1)


@pytest.mark.parametrize("way", list(WAYS))
def test_a_broken_session_file_is_begun_anew_and_said(tmp_path: Path, way: str) -> None:
    path, book = with_sessions(tmp_path), FaultFolder(tmp_path)
    if way == "bit flipped":  # in the middle of a page's table of cells: a structure that SQLite sees
        data = bytearray(path.read_bytes())
        at = len(data) // 2 // 4096 * 4096
        data[at : at + 8] = bytes(8)
        path.write_bytes(data)
    else:
        break_file(path, way)
    file = session_file(tmp_path)
    assert file.find(session(7).cid) is None
    file.write(Changes([session(7)], [], {}, {}, []))
    assert file.find(session(7).cid) is not None
    close_sessions(path, file)
    (fault,) = book.all()
    assert fault.state == "lost"
    assert not fault.blocks
    assert "handshake" in fault.en
    assert "握手" in fault.zh


def test_a_sound_session_file_is_kept(tmp_path: Path) -> None:
    path = with_sessions(tmp_path)
    file = session_file(tmp_path)
    found = file.find(session(7).cid)
    assert found is not None
    assert found.reserved == 64
    close_sessions(path, file)
    assert FaultFolder(tmp_path).all() == []


def test_a_first_start_says_nothing(tmp_path: Path) -> None:
    close_sessions(tmp_path / "edge" / "node-1.sqlite", session_file(tmp_path, known=False))
    assert FaultFolder(tmp_path).all() == []


def test_sessions_under_another_key_are_begun_anew(tmp_path: Path) -> None:
    path = with_sessions(tmp_path)
    close_sessions(path, session_file(tmp_path, key=KEY[::-1]))
    (fault,) = FaultFolder(tmp_path).all()
    assert "another key" in fault.en


@pytest.mark.parametrize("way", ["missing", "empty", "garbage"])
def test_no_sequence_number_is_used_twice_after_a_lost_log(tmp_path: Path, way: str) -> None:
    """Without the log the file tells an earlier reservation: sending would go on with numbers that were used."""
    path, copy = with_sessions(tmp_path / "var"), tmp_path / "copy"
    file = session_file(tmp_path / "var")
    file.write(Changes([], [(128, session(7).cid)], {}, {}, []))
    shutil.copytree(tmp_path / "var", copy)  # as a kill leaves it
    close_sessions(path, file)
    break_file(copy / "edge" / "node-1.sqlite-wal", way)
    again = session_file(copy)
    found = again.find(session(7).cid)
    assert found is not None
    assert found.reserved >= LIFT
    (fault,) = FaultFolder(copy).all()
    assert fault.state == "mended"
    close_sessions(copy / "edge" / "node-1.sqlite", again)


def test_secrets_of_our_own_are_made_anew(tmp_path: Path) -> None:
    book, wanted = FaultFolder(tmp_path), names(database=True, stream=True)
    assert renew(tmp_path, book, wanted) == []  # the first start
    before = {name: secret(tmp_path, name) for name in wanted}
    assert renew(tmp_path, book, wanted) == []
    for way, name in zip(("missing", "empty", "truncated", "garbage"), wanted, strict=False):
        break_file(tmp_path / "secrets" / name, way)
    assert renew(tmp_path, book, wanted) == wanted[:4]
    assert [secret(tmp_path, name) for name in wanted[4:]] == [before[name] for name in wanted[4:]]
    assert len({secret(tmp_path, name) for name in wanted}) == len(wanted)
    assert {fault.state for fault in book.all()} == {"mended"}


class Sealed:
    """``DataKeyStore`` with what is wrapped already."""

    def __init__(self, *keys: WrappedKey) -> None:
        self.keys = list(keys)

    async def data_keys(self, tenant_id: TenantId | None = None) -> list[WrappedKey]:
        return self.keys


def wrapped(var: Path) -> WrappedKey:
    master: MasterKey = masters_of(var, {})().current
    return master.wrap(TenantId(1), 5, bytes(32), bytes(12))


async def test_a_master_key_is_made_only_where_nothing_is_sealed(tmp_path: Path) -> None:
    await ready_master_key(tmp_path, Sealed(), {})  # type: ignore[arg-type]  # the only method that is asked
    path = tmp_path / "secrets" / "master-key"
    key, store = path.read_bytes(), Sealed(wrapped(tmp_path))
    await ready_master_key(tmp_path, store, {})  # type: ignore[arg-type]
    for way in WAYS:
        path.write_bytes(key)
        if way == "bit flipped":
            path.write_bytes(key[:20] + (b"A" if key[20:21] != b"A" else b"B") + key[21:])  # another valid key
        else:
            break_file(path, way)
        there = path.read_bytes() if path.exists() else None
        with pytest.raises(StartError) as error:
            await ready_master_key(tmp_path, store, {})  # type: ignore[arg-type]
        assert "backup" in error.value.en
        assert store.keys[0].master in error.value.en
        assert (path.read_bytes() if path.exists() else None) == there, "nothing takes its place"
    path.write_bytes(key)
    assert await master_key_fault(tmp_path, store, {}) is None  # type: ignore[arg-type]


async def test_another_installations_master_key_is_named(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    make_file(ours)
    make_file(theirs)
    with pytest.raises(StartError, match=masters_of(theirs, {})().current.fingerprint):
        await ready_master_key(theirs, Sealed(wrapped(ours)), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("way", list(WAYS))
def test_definitions_are_put_back(tmp_path: Path, way: str) -> None:
    table = tmp_path / "clickhouse" / "store" / "ab4" / "uuid" / "meter_day.sql"
    table.parent.mkdir(parents=True)
    table.write_text("ATTACH TABLE _ UUID 'x' (day Date)")
    kept = of_readings(tmp_path)
    with kept.changing():
        table.write_text("ATTACH TABLE _ UUID 'x' (day Date, base Int64)")
    assert kept.put_back() == []
    right = table.read_bytes()
    break_file(table, way)
    assert kept.put_back() == ["store/ab4/uuid/meter_day.sql"]
    assert table.read_bytes() == right


@pytest.mark.parametrize("broken", ["store/ab4/uuid/meter_day.sql", "sums"])
@pytest.mark.parametrize("way", list(WAYS))
def test_a_damaged_copy_takes_the_place_of_nothing(tmp_path: Path, way: str, broken: str) -> None:
    table = tmp_path / "clickhouse" / "store" / "ab4" / "uuid" / "meter_day.sql"
    table.parent.mkdir(parents=True)
    table.write_text("ATTACH TABLE _ UUID 'x' (day Date)")
    kept = of_readings(tmp_path)
    with kept.changing():
        pass
    break_file(tmp_path / "definitions" / "clickhouse" / broken, way)
    assert kept.put_back() == []
    assert table.read_text() == "ATTACH TABLE _ UUID 'x' (day Date)"


def test_a_backup_leaves_out_what_belongs_to_files_of_here(tmp_path: Path) -> None:
    for name in (
        "secrets/master-key", "secrets/signer/ledger.sqlite", "secrets/signer/ledger.sqlite.open", "edge/node-1.sqlite.open",
        "definitions/clickhouse/sums", "damaged/ledger.sqlite.20261129T000000", "run/faults/stream.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [name for name, _ in var_files(tmp_path)] == ["secrets/master-key", "secrets/signer/ledger.sqlite"]


def test_definitions_are_not_compared_after_a_change_cut_short(tmp_path: Path) -> None:
    meta = tmp_path / "nats" / "store" / "jetstream" / "$G" / "streams" / "UPLINK" / "meta.inf"
    meta.parent.mkdir(parents=True)
    meta.write_text("one")
    kept = of_stream(tmp_path)
    with kept.changing():
        pass
    with pytest.raises(RuntimeError), kept.changing():
        meta.write_text("two")
        raise RuntimeError("ended here")
    assert kept.put_back() == []
    assert meta.read_text() == "two"


def test_the_book_of_faults(tmp_path: Path) -> None:
    book, words = FaultFolder(tmp_path), Words("坏了", "it is broken")
    book.tell("signer.ledger", "signer/ledger.sqlite", words, blocks=True)
    book.tell("stream", "nats", words, state="lost")
    assert book.blocking() == ["signer.ledger"]
    assert [fault.name for fault in book.all()] == ["signer.ledger", "stream"]
    (tmp_path / "run" / "faults" / "x.json").write_bytes(b"\0 not ours")
    assert len(book.all()) == 2
    book.clear("signer.ledger")
    book.clear("stream")  # what is over stays to be seen
    assert book.blocking() == []
    assert [fault.name for fault in book.all()] == ["stream"]
    book.tell("edge", "edge", words)
    book.begin()  # the next start: its owners look anew
    assert [fault.name for fault in book.all()] == ["stream"]


def test_parts_and_partitions() -> None:
    assert _covers("202611_1_9_2", "202611_3_3_0")
    assert not _covers("202611_4_9_2", "202611_3_3_0")
    assert _covers("all_1_1_0", "all_1_1_0")
    (month,) = spans_of("202602")
    assert month.last - month.first == 27
    assert len(spans_of("2026")) == 12
