# SPDX-License-Identifier: Apache-2.0
"""A backup's content: a tar within an age file, so that ``age -d FILE | tar x`` reads it without us.

    about.json           what it is, when and of what it was taken; first, so that a look tells
    <folder>/<name>      a store's file; one whose length is not known beforehand comes in parts ``<name>.part000000`` …
    manifest.json        every file with length and SHA-256, and the counts of the moment; last: without it a backup is none

``Writer`` writes once from front to back. ``read_all`` gives files out again, refuses names that leave their folder, and compares
each file with the manifest. A seal for a public key says nothing of who sealed: what comes in is not trusted to be ours.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol, TypeVar, cast

import msgspec

ABOUT, MANIFEST = "about.json", "manifest.json"
PART = 4 << 20
FORMAT = 1
T = TypeVar("T")
_PART_NAME = re.compile(r"(.+)\.part(\d{6})")
_SAFE = re.compile(r"[A-Za-z0-9_.@%+ -]+(?:/[A-Za-z0-9_.@%+ -]+)*")
_JSON_LIMIT = 1 << 30


class ArchiveError(Exception):
    """The content is not that of a backup, or not whole; the text is for a person."""


class FileEntry(msgspec.Struct, frozen=True):
    """A file of the backup: bytes and SHA-256 (hex)."""

    size: int
    sha256: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What the backup is. ``taken_us``: the moment it shows, µs since 1970 UTC; ``engines``: versions by name; ``var``: where it lay."""

    format: int = FORMAT
    backup_id: str
    product: str
    taken_us: int
    engines: dict[str, str]
    shards: int
    var: str = ""
    master_key: bool = True
    command_key: bool = True


class TableCount(msgspec.Struct, frozen=True):
    """A table at the moment: rows, and a sum over its rows that does not ask for their order ('' where files are compared)."""

    rows: int
    digest: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``positions``: by shard, the committed position and the newest message of the moment."""

    files: dict[str, FileEntry]
    postgres: dict[str, TableCount]
    clickhouse: dict[str, TableCount]
    positions: dict[int, tuple[int, int]]
    messages: int


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> int: ...


class PartStream:
    """A file in parts of PART bytes. ``put(number, data)`` writes one."""

    def __init__(self, put: Callable[[int, bytes], None]) -> None:
        self._put = put
        self._held = bytearray()
        self._digest = hashlib.sha256()
        self._size = self._number = 0

    def add(self, data: bytes) -> None:
        """More of it."""
        self._digest.update(data)
        self._size += len(data)
        self._held += data
        while len(self._held) >= PART:
            self._write(PART)

    def finish(self) -> FileEntry:
        """The last part; a file without content has one, too."""
        if self._held or not self._number:
            self._write(len(self._held))
        return FileEntry(self._size, self._digest.hexdigest())

    def _write(self, size: int) -> None:
        self._put(self._number, bytes(self._held[:size]))
        del self._held[:size]
        self._number += 1


class Writer:
    """Over a ``Sealer``. ``told(bytes)`` is called as content goes in."""

    def __init__(self, sink: Sink, clock_s: Callable[[], int], told: Callable[[int], None] = lambda size: None) -> None:
        self._tar = tarfile.open(fileobj=cast(BinaryIO, sink), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by ``finish``
        self._clock_s = clock_s
        self._told = told
        self.files: dict[str, FileEntry] = {}

    def about(self, about: About) -> None:
        """First of all."""
        self._member(ABOUT, msgspec.json.encode(about))

    def put(self, name: str, data: bytes) -> None:
        """A small file."""
        self._member(name, data)
        self.files[name] = FileEntry(len(data), hashlib.sha256(data).hexdigest())

    def put_file(self, name: str, source: BinaryIO, size: int) -> None:
        """A file that does not change; raises ``ArchiveError`` when it is shorter than ``size``."""
        digest = hashlib.sha256()
        read = 0

        class Hashed(io.RawIOBase):
            def read(self, most: int = -1) -> bytes:
                nonlocal read
                data = source.read(most)
                digest.update(data)
                read += len(data)
                return data

        try:
            self._tar.addfile(self._info(name, size), cast(BinaryIO, Hashed()))
        except OSError as error:
            if read < size:
                raise ArchiveError(f"{name} became shorter while it was read") from error
            raise
        self._told(size)
        self.files[name] = FileEntry(size, digest.hexdigest())

    def put_stream(self, name: str, source: Iterable[bytes]) -> None:
        """A file whose length shows at its end."""
        with self.stream(name) as out:
            for data in source:
                out.add(data)

    @contextmanager
    def stream(self, name: str) -> Iterator["PartStream"]:
        """The same, to be added to; it is whole when the block ends well."""
        out = PartStream(lambda number, data: self._member(f"{name}.part{number:06}", data))
        yield out
        self.files[name] = out.finish()

    def finish(self, manifest: Manifest) -> None:
        """The manifest and the tar's end; the seal's end is the caller's."""
        self._member(MANIFEST, msgspec.json.encode(manifest))
        self._tar.close()

    def _member(self, name: str, data: bytes) -> None:
        self._tar.addfile(self._info(name, len(data)), io.BytesIO(data))
        self._told(len(data))

    def _info(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, self._clock_s()
        return info


class Source(Protocol):
    """Gives bytes: an ``Opener``."""

    def read(self, size: int = -1) -> bytes: ...


class Target(Protocol):
    """A file that is written from front to back within a ``with`` block."""

    def write(self, data: bytes, /) -> int: ...
    def __enter__(self) -> "Target": ...
    def __exit__(self, *raised: object) -> None: ...


class Taker(Protocol):
    """Where files go that are read."""

    def about(self, about: About) -> None: ...
    def open(self, name: str) -> Target: ...


def read_all(source: Source, taker: Taker) -> Manifest:
    """Give every file to ``taker`` and compare it with the manifest; raises ``ArchiveError``, and what ``source`` raises."""
    seen: dict[str, FileEntry] = {}
    manifest: Manifest | None = None
    about: About | None = None
    try:
        with tarfile.open(fileobj=cast(BinaryIO, source), mode="r|") as tar:
            for name, parts in _files(tar):
                if manifest is not None:
                    raise ArchiveError(f"{name} comes after the manifest")
                if name == ABOUT and about is None:
                    about = _decode(parts, About)
                    if about.format != FORMAT:
                        raise ArchiveError(f"its format is {about.format}, this program reads {FORMAT}")
                    taker.about(about)
                elif about is None:
                    raise ArchiveError("not a backup of this program: about.json does not come first")
                elif name == MANIFEST:
                    manifest = _decode(parts, Manifest)
                elif name in seen:
                    raise ArchiveError(f"{name} is there twice")
                else:
                    seen[name] = _take(parts, taker.open(name))
        while source.read(PART):  # what the tar leaves unread must be authentic, and the seal must have its end
            pass
    except tarfile.TarError as error:
        raise ArchiveError(f"not a backup of this program: {error}") from error
    if manifest is None:
        raise ArchiveError("it has no manifest: it was not finished")
    for name in sorted(manifest.files.keys() | seen.keys()):
        if manifest.files.get(name) != seen.get(name):
            raise ArchiveError(f"{name} is not what the manifest says")
    return manifest


def read_about(source: Source) -> About:
    """Only what it is; the rest is not looked at."""
    try:
        with tarfile.open(fileobj=cast(BinaryIO, source), mode="r|") as tar:
            for name, parts in _files(tar):
                if name == ABOUT:
                    return _decode(parts, About)
                break
    except tarfile.TarError as error:
        raise ArchiveError(f"not a backup of this program: {error}") from error
    raise ArchiveError("not a backup of this program")


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Names with their content; parts are joined. Content is to be read before the next name is asked for."""
    member = tar.next()
    while member is not None:
        match = _PART_NAME.fullmatch(member.name)
        name = match[1] if match else member.name
        if not member.isfile() or not _SAFE.fullmatch(name) or {".", ".."} & set(name.split("/")):
            raise ArchiveError(f"a name that does not belong here: {member.name!r}")
        following: list[tarfile.TarInfo | None] = []

        def content(
            first: tarfile.TarInfo = member,
            stem: str = name,
            split: bool = bool(match),
            after: list[tarfile.TarInfo | None] = following,
        ) -> Iterator[bytes]:
            here: tarfile.TarInfo | None = first
            number = 0
            while here is not None:
                if split and here.name != f"{stem}.part{number:06}":
                    raise ArchiveError(f"{stem}: part {number} is missing")
                file = tar.extractfile(here)
                while file is not None and (data := file.read(1 << 20)):
                    yield data
                number += 1
                here = tar.next()
                if not split or here is None or not here.name.startswith(f"{stem}.part"):
                    break
            after.append(here)

        yield name, content()
        if not following:
            raise ArchiveError(f"{name} was not read to its end")
        member = following[0]


def _take(parts: Iterator[bytes], file: Target) -> FileEntry:
    digest, size = hashlib.sha256(), 0
    with file:
        for data in parts:
            file.write(data)
            digest.update(data)
            size += len(data)
    return FileEntry(size, digest.hexdigest())


def _decode(parts: Iterator[bytes], kind: type[T]) -> T:
    data = bytearray()
    for part in parts:
        data += part
        if len(data) > _JSON_LIMIT:
            raise ArchiveError("its description is too long")
    try:
        return msgspec.json.decode(bytes(data), type=kind)
    except msgspec.DecodeError as error:
        raise ArchiveError(f"its description cannot be read: {error}") from error
