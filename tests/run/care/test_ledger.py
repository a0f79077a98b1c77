# SPDX-License-Identifier: Apache-2.0
"""The signer's key and ledger in all ways of being broken: nothing is begun anew in silence."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from openmains.edges.signer.ledger import LedgerDamagedError, SqliteLedger
from openmains.run.care.faults import FaultFolder
from openmains.run.care.ledger import (
    KEY_FILE,
    LEDGER,
    LedgerMovedError,
    begin_anew,
    close_ledger,
    fault_of_open,
    is_first,
    make_first,
    master_key,
    name_of,
    open_ledger,
    unchanged,
    write_out,
)
from openmains.run.engines.child import StartError
from tests.support.damage import WAYS, break_file

NONE: dict[str, str] = {}


def made(home: Path, people: int = 3) -> Path:
    """A signer's folder after an orderly end."""
    make_first(home, NONE)
    ledger = open_ledger(home, master_key(home, NONE))
    with ledger.writing():
        for number in range(people):
            ledger.enrol(1, f"person{number}", f"$argon2id$of person {number}", "operator")
            ledger.note_price(1, number, {"price": number})
    close_ledger(home, ledger)
    return home


def refused(home: Path) -> StartError:
    with pytest.raises(StartError) as error:
        close_ledger(home, open_ledger(home, master_key(home, NONE)))
    assert error.value.zh
    assert "backup" in error.value.en
    assert "\n" not in error.value.en
    return error.value


def test_an_orderly_end_is_gone_on_from(tmp_path: Path) -> None:
    home = made(tmp_path / "signer")
    assert not is_first(home, NONE)
    ledger = open_ledger(home, master_key(home, NONE))
    assert [login for _, login, _ in ledger.people()] == ["person0", "person1", "person2"]
    close_ledger(home, ledger)
    assert sorted(path.name for path in home.iterdir()) == [KEY_FILE, LEDGER]


def test_a_killed_signer_is_gone_on_from(tmp_path: Path) -> None:
    home, copy = made(tmp_path / "signer"), tmp_path / "copy"
    ledger = open_ledger(home, master_key(home, NONE))
    ledger.enrol(1, "late", "hash", "operator")
    shutil.copytree(home, copy)  # as a kill leaves it
    close_ledger(home, ledger)
    again = open_ledger(copy, master_key(copy, NONE))
    assert "late" in [login for _, login, _ in again.people()]
    close_ledger(copy, again)


@pytest.mark.parametrize("cut", ["between frames", "before the last page", "log begun anew"])
def test_a_transaction_that_a_kill_cut_short_is_no_damage(tmp_path: Path, cut: str) -> None:
    """Nobody was answered on it: the signer goes on with what was committed before."""
    home, copy = made(tmp_path / "signer"), tmp_path / "copy"
    ledger = open_ledger(home, master_key(home, NONE))
    ledger.enrol(1, "late", "hash", "operator")
    log, frame = home / f"{LEDGER}-wal", 24 + 4096
    committed = log.stat().st_size
    with ledger.writing():
        for number in range(300):
            ledger.enrol(1, f"never{number}", "h" * 200, "operator")
    shutil.copytree(home, copy)
    if cut == "log begun anew":
        with sqlite3.connect(copy / LEDGER) as db:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            assert db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
            before = (copy / f"{LEDGER}-wal").read_bytes()
            db.execute("INSERT OR REPLACE INTO about VALUES ('any', '')")
            db.commit()
            begun = (copy / f"{LEDGER}-wal").read_bytes()[:32] + before[32:]
            file = (copy / LEDGER).read_bytes()
        db.close()
        (copy / LEDGER).write_bytes(file)
        (copy / f"{LEDGER}-wal").write_bytes(begun)
        (copy / f"{LEDGER}-shm").unlink(missing_ok=True)
    else:
        with (copy / log.name).open("r+b") as file_:
            file_.truncate(committed + 2 * frame if cut == "between frames" else log.stat().st_size - 4096)
    close_ledger(home, ledger)
    again = open_ledger(copy, master_key(copy, NONE))
    people = {login for _, login, _ in again.people()}
    assert "late" in people
    assert ("never0" in people) == (cut == "log begun anew")
    close_ledger(copy, again)


@pytest.mark.parametrize("way", list(WAYS))
def test_a_broken_ledger_is_refused(tmp_path: Path, way: str) -> None:
    home = made(tmp_path / "signer", people=300)
    break_file(home / LEDGER, way)
    for _ in range(2):  # and the refusal mends nothing
        assert str(home / LEDGER) in refused(home).en
    assert not is_first(home, NONE)


@pytest.mark.parametrize("way", list(WAYS))
def test_a_broken_key_is_refused(tmp_path: Path, way: str) -> None:
    home = made(tmp_path / "signer")
    break_file(home / KEY_FILE, way)
    assert str(home / KEY_FILE) in refused(home).en


@pytest.mark.parametrize("way", ["missing", "empty", "garbage", "bit flipped"])
def test_a_lost_log_of_a_killed_signer_is_seen(tmp_path: Path, way: str) -> None:
    """SQLite itself goes on from the last checkpoint, without the people enrolled since."""
    home, copy = made(tmp_path / "signer"), tmp_path / "copy"
    ledger = open_ledger(home, master_key(home, NONE))
    for number in range(50):
        ledger.enrol(1, f"late{number}", "hash", "operator")
    shutil.copytree(home, copy)
    close_ledger(home, ledger)
    break_file(copy / f"{LEDGER}-wal", way)
    refused(copy)


def test_each_changed_value_is_seen(tmp_path: Path) -> None:
    """SQLite has no checksums: a right that became another one is a sound file to it."""
    home = made(tmp_path / "signer")
    with sqlite3.connect(home / LEDGER) as db:
        db.execute("UPDATE person SET role = 'approver' WHERE login = 'person1'")
    db.close()
    assert "person" in refused(home).en


def test_sums_follow_every_kind_of_change(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / LEDGER)
    ledger.enrol(1, "ann", "one", "operator")
    ledger.enrol(1, "ann", "two", "approver", administrator=True)  # the same person: an update
    ledger.note_price(1, 7, {"a": 1})
    ledger.note_price(1, 7, {"a": 2})  # INSERT OR REPLACE
    ledger.enrol(1, "ben", "x", "operator")
    assert ledger.dismiss(1, "ben")
    other = SqliteLedger(tmp_path / LEDGER)  # the command line beside the signer
    other.enrol(2, "cat", "y", "operator")
    other.close()
    ledger.enrol(1, "dan", "z", "operator")
    ledger.check()
    ledger._db.execute("DROP TRIGGER sum_person_update")
    ledger._db.execute("UPDATE person SET role = 'approver' WHERE login = 'dan'")
    with pytest.raises(LedgerDamagedError, match="person"):
        ledger.check()
    ledger.close()


def test_anothers_key_or_ledger_is_refused(tmp_path: Path) -> None:
    ours, theirs = made(tmp_path / "ours"), made(tmp_path / "theirs")
    shutil.copy(theirs / LEDGER, ours / LEDGER)
    assert "another" in refused(ours).en
    again = made(tmp_path / "again")
    shutil.copy(theirs / KEY_FILE, again / KEY_FILE)
    assert "another" in refused(again).en


def test_a_first_start_cut_short_is_no_loss(tmp_path: Path) -> None:
    home = tmp_path / "signer"
    make_first(home, NONE)
    (home / LEDGER).replace(home / "ledger.first")  # ended between key and ledger
    close_ledger(home, open_ledger(home, master_key(home, NONE)))
    (home / LEDGER).replace(home / "ledger.first")
    (home / KEY_FILE).unlink()  # ended before the key
    assert is_first(home, NONE)
    make_first(home, NONE)
    close_ledger(home, open_ledger(home, master_key(home, NONE)))


def test_a_ledger_of_before_has_its_sums_made(tmp_path: Path) -> None:
    home = made(tmp_path / "signer")
    with sqlite3.connect(home / LEDGER) as db:
        db.execute("DROP TABLE about")
        db.execute("ALTER TABLE person DROP COLUMN administrator")
    db.close()
    ledger = open_ledger(home, master_key(home, NONE))
    ledger.check()
    assert len(ledger.people()) == 3
    close_ledger(home, ledger)


def test_without_a_backup_a_person_begins_anew(tmp_path: Path) -> None:
    home = made(tmp_path / "signer")
    key = (home / KEY_FILE).read_bytes()
    break_file(home / LEDGER, "garbage")
    moved = begin_anew(home, tmp_path / "damaged")
    assert Path(moved).exists()
    ledger = open_ledger(home, master_key(home, NONE))
    assert ledger.people() == []
    close_ledger(home, ledger)
    assert (home / KEY_FILE).read_bytes() == key


def test_a_ledger_removed_while_in_use_is_written_out(tmp_path: Path) -> None:
    home, book = made(tmp_path / "signer"), FaultFolder(tmp_path)
    ledger = open_ledger(home, master_key(home, NONE))
    ask = unchanged(home)
    ask()
    ledger.enrol(1, "late", "hash", "operator")
    (home / LEDGER).unlink()
    with pytest.raises(LedgerMovedError):
        ask()
    write_out(home, ledger, book, tmp_path / "damaged")
    close_ledger(home, ledger)
    again = open_ledger(home, master_key(home, NONE))
    assert "late" in [login for _, login, _ in again.people()]
    assert fault_of_open(home / LEDGER) == ""
    close_ledger(home, again)
    assert [fault.state for fault in book.all()] == ["mended"]


def test_a_key_that_changes_while_in_use_ends_the_signer(tmp_path: Path) -> None:
    home = made(tmp_path / "signer")
    ask = unchanged(home)
    (home / KEY_FILE).write_text(os.urandom(32).hex())
    with pytest.raises(StartError, match="not the one"):
        ask()
    (home / KEY_FILE).unlink()
    with pytest.raises(StartError, match="is not"):
        ask()


def test_a_name_tells_nothing_of_its_key() -> None:
    key = bytes(range(32))
    assert len(name_of(key)) == 16
    assert name_of(key) not in key.hex()
    assert name_of(key) != name_of(key[::-1])
