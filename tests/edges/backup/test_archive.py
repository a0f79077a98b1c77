# SPDX-License-Identifier: Apache-2.0
"""What goes into a backup comes out; what is missing, changed, too much or elsewhere is refused by name."""

import io
import tarfile
from collections.abc import Callable
from typing import BinaryIO

import pytest

from openmains.edges.backup import archive
from openmains.edges.backup.archive import About, ArchiveError, Manifest, TableCount, Writer, read_about, read_all

ABOUT = About(backup_id="b1", product="1", taken_us=5, engines={"postgres": "18"}, shards=2)


class Memory:
    """Files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.found: About | None = None

    def about(self, about: About) -> None:
        self.found = about

    def open(self, name: str) -> BinaryIO:
        files = self.files

        class File(io.BytesIO):
            def close(self) -> None:
                files[name] = self.getvalue()
                super().close()

        return File()


def manifest(writer: Writer) -> Manifest:
    return Manifest(
        files=writer.files, postgres={"t": TableCount(3, "9")}, clickhouse={}, positions={0: (1, 2)}, messages=1
    )


def made(fill: Callable[[Writer], None], *, finish: bool = True) -> bytes:
    sink = io.BytesIO()
    writer = Writer(sink, lambda: 0)
    writer.about(ABOUT)
    fill(writer)
    if finish:
        writer.finish(manifest(writer))
    return sink.getvalue()


def test_files_of_known_and_unknown_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PART", 10)

    def fill(writer: Writer) -> None:
        writer.put("var/secrets/key", b"k")
        writer.put_file("clickhouse/day/p/a.bin", io.BytesIO(b"0123456789abc"), 13)
        writer.put_stream("dump", iter([b"abc", b"defghijkl", b"", b"mnopqrstuvwxyz"]))
        writer.put_stream("exact", iter([b"0123456789" * 2]))
        writer.put_stream("none", iter(()))

    taker = Memory()
    found = read_all(io.BytesIO(made(fill)), taker)
    assert taker.found == ABOUT
    assert taker.files == {
        "var/secrets/key": b"k", "clickhouse/day/p/a.bin": b"0123456789abc", "dump": b"abcdefghijklmnopqrstuvwxyz",
        "exact": b"0123456789" * 2, "none": b"",
    }  # fmt: skip
    assert found.postgres["t"] == TableCount(3, "9")
    assert read_about(io.BytesIO(made(fill))) == ABOUT


def test_one_that_was_not_finished_is_none() -> None:
    data = made(lambda writer: writer.put("a", b"x"), finish=False)
    with pytest.raises(ArchiveError):
        read_all(io.BytesIO(data), Memory())
    with pytest.raises(ArchiveError, match="not finished"):
        read_all(io.BytesIO(data + bytes(10240)), Memory())


def test_what_the_manifest_does_not_say_is_refused() -> None:
    def hidden(writer: Writer) -> None:
        writer.put("a", b"x")
        del writer.files["a"]

    def changed(writer: Writer) -> None:
        writer.put("a", b"x")
        writer.files["a"] = archive.FileEntry(1, "0" * 64)

    def missing(writer: Writer) -> None:
        writer.files["b"] = archive.FileEntry(1, "0" * 64)

    def twice(writer: Writer) -> None:
        writer.put("a", b"x")
        writer.put("a", b"x")

    for fill in (hidden, changed, missing, twice):
        with pytest.raises(ArchiveError, match=r"\b[ab]\b"):
            read_all(io.BytesIO(made(fill)), Memory())


@pytest.mark.parametrize("name", ["../a", "/etc/x", "a/../../b", "a//b", "a/./b", "", "a\nb"])
def test_a_name_that_leaves_its_folder_is_refused(name: str) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(ArchiveError):
        read_all(io.BytesIO(sink.getvalue()), Memory())


def test_a_link_is_refused() -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        info = tarfile.TarInfo("var/a")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(ArchiveError, match="does not belong"):
        read_all(io.BytesIO(sink.getvalue()), Memory())
