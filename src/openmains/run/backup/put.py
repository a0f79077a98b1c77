# SPDX-License-Identifier: Apache-2.0
"""Restoring a backup into an empty folder (ADR 0018).

The file is read whole and compared with its manifest before any store is made of it. Then PostgreSQL, the stream and ClickHouse are
filled by their own means, counted, and compared with the moment of the backup. Last begins a new epoch (``epoch.py``): whatever the
former system gave out after the backup, the restored one goes on above it.

``RESTORING`` stands in the folder from its first file until all of this is done: no system starts on half a restore. What fails is
taken away again; what was killed is emptied by hand.
"""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import asyncpg
import nats.errors

from openmains.edges.backup.age import AgeError, Identity, Opener
from openmains.edges.backup.archive import About, ArchiveError, Manifest, read_about, read_all
from openmains.edges.clickhouse import frozen
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats import copy as stream_copy
from openmains.edges.nats.stream import StreamUnavailableError, UplinkStream, connect
from openmains.edges.postgres import db
from openmains.run import preflight
from openmains.run.backup import postgres
from openmains.run.backup.epoch import Raised, begin_epoch
from openmains.run.backup.progress import Progress
from openmains.run.backup.take import check_embedded
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import Engines
from openmains.run.engines.postgres_place import RESTORING
from openmains.run.settings import Settings

STAGE = "restoring"
CLOCK_SLACK_US = 60_000_000


@dataclass(slots=True)
class Restored:
    """What came back."""

    about: About
    manifest: Manifest
    raised: Raised


class Staged:
    """``archive.Taker``: files below a folder; ``about`` is asked to agree before the first one is written."""

    def __init__(self, folder: Path, progress: Progress, now_us: int) -> None:
        self._folder, self._progress, self._now_us = folder, progress, now_us
        self.found: About | None = None

    def about(self, about: About) -> None:
        """Raises StartError where this machine's clock is behind: what it gave out would go back."""
        check_clock(about, self._now_us)
        self.found = about

    def open(self, name: str) -> "Counted":
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Counted(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), self._progress)


class Nowhere:
    """``archive.Taker``: read, compared, and thrown away."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.found: About | None = None

    def about(self, about: About) -> None:
        self.found = about

    def open(self, name: str) -> "Counted":
        del name
        return Counted(os.open(os.devnull, os.O_WRONLY), self._progress)


class Counted:
    """A file that says how much was written to it."""

    def __init__(self, descriptor: int, progress: Progress) -> None:
        self._file = os.fdopen(descriptor, "wb")
        self._progress = progress

    def write(self, data: bytes) -> int:
        self._progress.add(len(data))
        return self._file.write(data)

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()


def check_clock(about: About, now_us: int) -> None:
    """Raise StartError when now is before the backup's moment."""
    if now_us + CLOCK_SLACK_US < about.taken_us:
        taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(about.taken_us // 1_000_000))
        raise StartError(
            f"本机时钟早于备份时刻 {taken};请先校准时钟。",
            f"this machine's clock is before the backup's moment {taken}: set it first.",
        )


def open_backup(file: BinaryIO, identities: Sequence[Identity]) -> Opener:
    """Raises StartError where it is no backup or none that these open."""
    try:
        return Opener(file, identities)
    except AgeError as error:
        raise refused(error) from error


def refused(error: Exception) -> StartError:
    """Why a file is not taken, as one line."""
    kind = error.kind if isinstance(error, AgeError) else "content"
    zh = {
        "format": "不是备份文件",
        "key": "口令或私钥不符",
        "damaged": "文件已损坏或被改动",
        "cut": "文件不完整",
        "content": "内容不完整或不是本程序的备份",
    }[kind]
    return StartError(f"备份不可用:{zh}({error})。", f"the backup cannot be used: {error}.")


def verify(source: Path, identities: Sequence[Identity], progress: Progress) -> tuple[About, Manifest]:
    """Read all of it and compare with the manifest; nothing is written. Raises StartError."""

    taker = Nowhere(progress)
    with _opened(source) as file:
        opener = open_backup(file, identities)
        progress.step("read")
        try:
            manifest = read_all(opener, taker)
        except (AgeError, ArchiveError) as error:
            raise refused(error) from error
    assert taker.found is not None  # noqa: S101 - read_all asks for it first
    return taker.found, manifest


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    try:
        file = source.open("rb")
    except OSError as error:
        raise StartError(f"无法读取 {source}:{error.strerror}", f"cannot read {source}: {error.strerror}") from error
    with file:
        yield file


async def restore(settings: Settings, source: Path, identities: Sequence[Identity], progress: Progress) -> Restored:
    """Fill ``var`` from the file; raises StartError, with the folder as empty as before."""
    check_embedded(settings)
    var = settings.var_path
    _check_empty(var)
    outside = settings.signer_home if not settings.signer_home.is_relative_to(var) else None
    if outside is not None:
        _check_empty(outside)
    with _opened(source) as file:
        try:
            about = read_about(open_backup(file, identities))
        except (AgeError, ArchiveError) as error:
            raise refused(error) from error
    check_clock(about, time.time_ns() // 1000)
    if about.shards != settings.shards:
        raise StartError(
            f"备份的分片数为 {about.shards},现设置为 {settings.shards}:请设 shards = {about.shards}。",
            f"the backup has {about.shards} shards, the settings say {settings.shards}: set shards = {about.shards}.",
        )
    _check_room(settings, source)
    was_there = var.exists()
    lock = preflight.open_var(settings)
    (var / RESTORING).touch(mode=0o600)
    try:
        done = await _fill(settings, source, identities, progress)
        (var / RESTORING).unlink()
    except BaseException as error:
        _empty(var, outside)
        if not was_there:
            with contextlib.suppress(OSError):
                var.rmdir()
        if (told := _told(error)) is None:
            raise
        raise told from error
    finally:
        os.close(lock)
    return done


def _told(error: BaseException) -> StartError | None:
    """As one line; None for what is not for people: an interruption, a fault of ours."""
    if isinstance(error, AgeError | ArchiveError):
        return refused(error)
    known = (
        asyncpg.PostgresError,
        nats.errors.Error,
        StreamUnavailableError,
        frozen.FrozenError,
        sqlite3.Error,
        OSError,
        ValueError,
    )
    if isinstance(error, known):
        return StartError(f"恢复失败,目录已清空:{error}", f"the restore failed, the folder is empty again: {error}")
    return None


async def _fill(settings: Settings, source: Path, identities: Sequence[Identity], progress: Progress) -> Restored:
    var = settings.var_path
    stage = var / STAGE
    stage.mkdir(mode=0o700)
    progress.step("read")
    taker = Staged(stage, progress, time.time_ns() // 1000)
    with source.open("rb") as file:
        manifest = await asyncio.to_thread(read_all, open_backup(file, identities), taker)
    assert taker.found is not None  # noqa: S101 - read_all asks for it first
    about = taker.found
    await asyncio.to_thread(_place_files, settings, stage)
    engines = Engines(var, settings.engine_options)
    urls = await engines.start()
    try:
        progress.step("postgres")
        assert engines.postgres is not None  # noqa: S101 - check_embedded
        await asyncio.to_thread(
            postgres.restore, engines.postgres.place.programs, urls.postgres_owner, stage / "postgres.dump"
        )
        progress.step("stream")
        await _fill_stream(settings, urls.nats, stage / "stream.messages", about, manifest)
        progress.step("clickhouse")
        clickhouse = ClickHouse(urls.clickhouse)
        try:
            await _fill_clickhouse(clickhouse, stage / "clickhouse", manifest)
            owner = await db.connect(urls.postgres_owner, application="openmains-restore")
            try:
                progress.step("compare")
                _compare(await postgres.digests(owner), manifest.postgres)
                progress.step("epoch")
                raised = await begin_epoch(settings, owner, about, time.time_ns() // 1000)
                await frozen.forget_sync(clickhouse)
                await owner.execute("ANALYZE")
            finally:
                await owner.close()
        finally:
            clickhouse.close()
    finally:
        await engines.stop()
    shutil.rmtree(stage)
    return Restored(about, manifest, raised)


def _place_files(settings: Settings, stage: Path) -> None:
    """What lay in ``var`` and in the signer's own folder goes where it was."""
    for top, target in ((stage / "var", settings.var_path), (stage / "signer", settings.signer_home)):
        if not top.exists():
            continue
        for path in sorted(top.rglob("*")):
            place = target / path.relative_to(top)
            if path.is_dir():
                place.mkdir(
                    mode=0o711 if path.name == "run" and path.parent == top else 0o700, parents=True, exist_ok=True
                )
            else:
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.rename(place) if _same_disk(path, place.parent) else shutil.move(path, place)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


async def _fill_stream(settings: Settings, url: str, file: Path, about: About, manifest: Manifest) -> None:
    client = await connect(url, name="restore")
    try:
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        above = max([0, *(place for pair in manifest.positions.values() for place in pair)])
        with file.open("rb") as found:
            count = await stream_copy.put_back(stream, above, stream_copy.unpacked(found))
        if count != manifest.messages:
            raise ArchiveError(f"{count} messages of {manifest.messages} in the stream")
    finally:
        await client.close()


async def _fill_clickhouse(clickhouse: ClickHouse, stage: Path, manifest: Manifest) -> None:
    await clickhouse.command("SYSTEM STOP MERGES")
    await frozen.attach(clickhouse, *_staged_tables(stage))
    found = await frozen.row_counts(clickhouse)
    for table, count in manifest.clickhouse.items():
        if found.get(table, 0) != count.rows:
            raise ArchiveError(f"ClickHouse {table}: {found.get(table, 0)} rows, {count.rows} in the backup")


def _staged_tables(stage: Path) -> tuple[dict[str, str], dict[str, list[Path]]]:
    """Definitions in the order of their files' numbers, and the parts of each table."""
    definitions = {path.name[4:-4]: path.read_text("utf-8") for path in sorted(stage.glob("*.sql"))}
    parts = {
        table: sorted(path for path in (stage / table).iterdir() if path.is_dir())
        for table in definitions
        if (stage / table).is_dir()
    }
    return definitions, parts


def _compare(found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise ArchiveError(f"PostgreSQL {name}: {found.get(name)}, in the backup {wanted.get(name)}")


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartError(
            f"{folder} 不是空目录:只恢复到空目录(--var DIR)。",
            f"{folder} is not an empty folder: a restore fills empty ones only (--var DIR).",
        )


def _check_room(settings: Settings, source: Path) -> None:
    place = settings.var_path
    while not place.exists():
        place = place.parent
    needed = (source.stat().st_size * 3 >> 20) + settings.min_free_mb
    free = shutil.disk_usage(place).free >> 20
    if free < needed:
        raise StartError(
            f"{place} 剩余 {free} MB,恢复约需 {needed} MB。",
            f"{place} has {free} MB left, the restore needs about {needed} MB.",
        )


def _empty(var: Path, outside: Path | None) -> None:
    """Take away what this restore made; the folder was empty before."""
    link = var / "postgres"
    if link.is_symlink():
        shutil.rmtree(link.readlink().parent, ignore_errors=True)
    for folder in (var, outside):
        for path in folder.iterdir() if folder is not None and folder.exists() else ():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()
