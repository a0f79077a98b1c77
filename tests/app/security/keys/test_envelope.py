# SPDX-License-Identifier: Apache-2.0
"""The envelope: what opens, what does not, and that nothing shows a key."""

import os
import stat
import threading
from pathlib import Path

import pytest

from openmains.app.sealing.envelope import KeyUnreadableError, MasterKey, Masters
from openmains.app.security.keys.envelope import DataKey
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.key_file import VALUE, KeyRow, KeyRowError, read_keys, write_keys
from openmains.app.security.keys.ports import DeviceKey, KeyedMeter
from openmains.app.spreadsheet import error_report
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.fleet.identifiers import imei_of
from openmains.run.engines.child import StartError
from openmains.run.master_key import begin_rotation, end_rotation, make_file, masters_of, new_text

IMEI = imei_of(86_0000_0000_0001)
RAW, OTHER = bytes(range(32)), bytes(range(1, 33))
PSK = bytes.fromhex("000102030405060708090a0b0c0d0eff")


def test_a_key_opens_for_its_device_and_tenant_only() -> None:
    sealed = DataKey(1, 5, RAW).seal(IMEI, PSK, os.urandom(12))
    assert DataKey(1, 5, RAW).open(IMEI, sealed.nonce, sealed.sealed) == PSK
    for key, imei in ((DataKey(2, 5, RAW), IMEI), (DataKey(1, 5, RAW), IMEI + 1), (DataKey(1, 5, OTHER), IMEI)):
        with pytest.raises(KeyUnreadableError):
            key.open(imei, sealed.nonce, sealed.sealed)


def test_a_data_key_opens_for_its_tenant_and_id_only() -> None:
    master = MasterKey(RAW)
    wrapped = master.wrap(1, 5, OTHER, os.urandom(12))
    assert master.unwrap(wrapped) == OTHER
    for tenant_id, key_id, opener in ((2, 5, master), (1, 6, master), (1, 5, MasterKey(OTHER))):
        with pytest.raises(KeyUnreadableError):
            opener.unwrap(type(wrapped)(tenant_id, key_id, wrapped.master, wrapped.nonce, wrapped.wrapped))


def test_nothing_shows_a_key() -> None:
    master, data = MasterKey(RAW), DataKey(1, 5, RAW)
    stored = DeviceKey(IMEI, 1, 1, data.seal(IMEI, PSK, os.urandom(12)))
    row = KeyRow(2, IMEI, PSK)
    shown = " ".join(repr(thing) for thing in (master, data, stored, row, Masters.of(master, [MasterKey(OTHER)])))
    for secret in (PSK, RAW, OTHER):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    with pytest.raises(KeyUnreadableError) as error:
        data.open(IMEI, bytes(12), PSK)
    assert PSK.hex() not in str(error.value)


def test_sealed_files_are_private_and_read_once(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path / "k", lambda: Masters.of(MasterKey(RAW)), os.urandom)
    path = files.put("one", b"secret " * 9)
    assert b"secret" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert files.read("one") == b"secret " * 9
    got: list[bytes | None] = []
    threads = [threading.Thread(target=lambda: got.append(files.fetch("one"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=str) == sorted([b"secret " * 9, *[None] * 7], key=str)
    assert list(path.parent.iterdir()) == []
    files.put("two", b"x").rename(path)  # a file under another's name
    with pytest.raises(KeyUnreadableError):
        files.read("one")
    with pytest.raises(ValueError, match="name"):
        files.read("../one")
    assert files.purge(path.stat().st_mtime + 90_000) == 1


def test_a_key_file_says_what_is_wrong_by_row_and_never_repeats_a_key() -> None:
    good = f"{IMEI:015d}"
    other = f"{imei_of(86_0000_0000_0002):015d}"
    key = PSK.hex()
    text = f"\ufeffIMEI,PSK\n{good},{key}\n\n123,{key}\n{good},{key}\n{other},{key[:30]}\n{key},{other}\n{other},{'00' * 16}\n"
    rows = list(read_keys(text.encode()))
    assert rows[0] == KeyRow(2, IMEI, PSK)
    errors = [row for row in rows if isinstance(row, KeyRowError)]
    assert [(error.row, error.column, error.reason) for error in errors] == [
        (4, "imei", "bad_imei"), (5, "imei", "duplicate_in_file"), (6, "psk", "bad_key"), (7, "imei", "bad_imei"),
        (8, "imei", "duplicate_in_file"),
    ]  # fmt: skip
    for locale in ("zh", "en"):
        report = b"".join(error_report(errors, len(errors) + 3, locale, VALUE)).decode()
        assert key[:12] not in report
        assert report.count("\n") == len(errors) + 2
    with pytest.raises(HeaderError):
        list(read_keys(b"a,b\n1,2\n"))
    with pytest.raises(HeaderError):
        list(read_keys(b""))


@pytest.mark.parametrize(
    ("header", "cells", "reason"),
    [
        ("imei,psk", "{imei},{key}", ""),  # no identity column: the IMEI is the identity
        ("imei,psk", "urn:imei:{imei},{key}", ""),
        ("identity,psk", "URN:IMEI:{imei},{key}", ""),
        ("psk_identity,key", "{imei};460001234567890,{key}", ""),
        ("imei,identity,psk", "{imei},urn:imei:{imei},{key}", ""),
        ("imei,identity,psk", "{imei},,{key}", ""),
        ("身份,imei,密钥", "urn:imei-imsi:{imei}-460001234567890,{imei},{key}", ""),
        ("imei,identity,psk", "{imei},meter-17,{key}", "identity_other"),
        ("imei,identity,psk", "{imei},urn:imei:{other},{key}", "identity_other"),
        ("identity,psk", "meter-17,{key}", "bad_imei"),
    ],
)
def test_an_identity_the_edge_would_not_know_is_refused_with_its_row(header: str, cells: str, reason: str) -> None:
    imei, other = f"{IMEI:015d}", f"{imei_of(86_0000_0000_0002):015d}"
    (row,) = read_keys(f"{header}\n{cells.format(imei=imei, other=other, key=PSK.hex())}\n".encode())
    if reason:
        assert isinstance(row, KeyRowError) and (row.row, row.reason) == (2, reason)
        assert PSK.hex()[:12] not in b"".join(error_report([row], 1, "zh", VALUE)).decode()
    else:
        assert row == KeyRow(2, IMEI, PSK)


def test_what_is_made_for_the_maker_can_be_imported() -> None:
    file = write_keys([(KeyedMeter(7, "000000000001", IMEI, False), PSK)])
    assert list(read_keys(file)) == [KeyRow(2, IMEI, PSK)]


def test_the_master_key_is_made_once_and_by_one(tmp_path: Path) -> None:
    read = masters_of(tmp_path, {})
    seen: list[str] = []

    def make() -> None:
        make_file(tmp_path)
        seen.append(read().current.fingerprint)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    assert len(seen) == 8
    path = tmp_path / "secrets" / "master-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["master-key"]


def test_a_rotation_keeps_the_former_key_until_it_ends_also_when_interrupted(tmp_path: Path) -> None:
    read = masters_of(tmp_path, {})
    make_file(tmp_path)
    first = read().current.fingerprint
    secrets = tmp_path / "secrets"
    (secrets / "master-key.previous").write_bytes((secrets / "master-key").read_bytes())  # interrupted half-way
    begin_rotation(tmp_path)
    second = read()
    assert second.current.fingerprint != first
    assert second.by_fingerprint(first) is not None
    begin_rotation(tmp_path)  # once more: goes on with the same keys
    assert read().current.fingerprint == second.current.fingerprint
    end_rotation(tmp_path)
    assert read().by_fingerprint(first) is None


def test_the_environment_goes_before_the_file_and_is_checked(tmp_path: Path) -> None:
    one, two = new_text(), new_text()
    both = masters_of(tmp_path, {"OPENMAINS_MASTER_KEY": one, "OPENMAINS_MASTER_KEY_PREVIOUS": two})()
    assert len(both.others) == 1
    assert not (tmp_path / "secrets").exists()
    for bad in ("short", "*" * 43, one[:-4]):
        with pytest.raises(StartError) as error:
            masters_of(tmp_path, {"OPENMAINS_MASTER_KEY": bad})()
        assert bad not in str(error.value)


def test_a_stray_mark_in_a_key_file_costs_one_row_and_repeats_no_key() -> None:
    imeis = [f"{imei_of(86_0000_0000_0000 + place):015d}" for place in range(30)]
    lines = ["imei,psk", *(f"{imei},{place:02x}{'ab' * 15}" for place, imei in enumerate(imeis))]
    lines[5] = f'"{lines[5]}'
    lines[9] = lines[9][:-1] + "\udcff"
    found = list(read_keys("\n".join(lines).encode("utf-8", "surrogateescape")))
    assert [(row.row, row.reason, row.imei) for row in found if isinstance(row, KeyRowError)] == [
        (6, "unclosed_quote", ""), (10, "bad_bytes", ""),
    ]  # fmt: skip
    assert len(found) == 30 and all(row.text("zh") and row.text("en") for row in found if isinstance(row, KeyRowError))
    with pytest.raises(HeaderError):
        list(read_keys(b"imei,psk,key\n"))
    assert [row.reason for row in read_keys(b"imei,psk\n8.6E+14,00\n") if isinstance(row, KeyRowError)] == [
        "digits_lost"
    ]
