# SPDX-License-Identifier: Apache-2.0
"""Do the stores tell the same? PostgreSQL's states against ClickHouse's days and frames, the stream's position, the signer's ledger.

Each store may be whole by itself and yet be of another day than the others: one that was restored alone, one that lost its newest
commits. What is compared moves while it is compared, so what differs is asked a second time.

ClickHouse belongs to the core, so the core answers: ``openmains doctor --deep`` leaves ``var/run/compare-wanted`` and reads
``compare.json``.
"""

import asyncio
from pathlib import Path

import asyncpg
import msgspec

from openmains.edges.clickhouse.parts import Parts
from openmains.edges.nats.stream import AHEAD, StreamUnavailableError, UplinkStream
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.edges.signer.ledger import SqliteLedger
from openmains.run.backup.epoch import VERSIONS
from openmains.run.secret_files import write_private

WANTED, ANSWER = "compare-wanted", "compare.json"
SAMPLE = 2000
SETTLE_S = 3.0  # a batch on its way is in ClickHouse a moment before it is in PostgreSQL


class Compared(msgspec.Struct, frozen=True):
    """One comparison. ``fine``: the two tell the same."""

    zh: str
    en: str
    fine: bool
    found_zh: str
    found_en: str


def _row(zh: str, en: str, fine: bool, found_zh: str, found_en: str) -> Compared:
    return Compared(zh, en, fine, found_zh, found_en)


async def compare_core(database: RunningDatabase, parts: Parts, stream: UplinkStream, shards: int) -> list[Compared]:
    """What the core can compare."""
    return [
        await _states(database, parts),
        await _totals(parts),
        *await _positions(database, stream, shards),
    ]


async def _states(database: RunningDatabase, parts: Parts) -> Compared:
    """The number of a meter's newest applied message is in both."""
    known = await database.newest_versions(SAMPLE)
    logged = await parts.versions(list(known))
    ahead = [meter for meter, version in logged.items() if version > known.get(meter, 0)]
    # A restore raised the database's numbers by at least VERSIONS: a meter that was not heard since is as far behind.
    behind = [meter for meter, version in known.items() if 0 < version - logged.get(meter, version) < VERSIONS]
    if ahead or behind:
        await asyncio.sleep(SETTLE_S)
        later, later_logged = await database.newest_versions(SAMPLE), await parts.versions(list(known))
        ahead = [meter for meter in ahead if logged[meter] > later.get(meter, 0)]
        behind = [meter for meter in behind if later_logged.get(meter, 0) < known[meter]]
    fine = not ahead and not behind
    if fine:
        found = (f"抽查 {len(known)} 只表,一致", f"{len(known)} meters looked at, alike")
    elif ahead:
        found = (
            f"{len(ahead)} 只表的读数库比数据库新:数据库恢复自较早的备份。请恢复同一时刻的 var/clickhouse,或按 damaged-files.md 处理",
            f"the readings of {len(ahead)} meters are newer than the database: it was restored from an earlier backup. Restore"
            " var/clickhouse of the same moment, or see damaged-files.md",
        )
    else:
        found = (
            f"{len(behind)} 只表的读数库比数据库旧:读数库丢失了最近的报文",
            f"the readings of {len(behind)} meters are older than the database: ClickHouse lost its newest messages",
        )
    return _row("数据库与读数库(报文序号)", "PostgreSQL and ClickHouse (numbers of messages)", fine, *found)


async def _totals(parts: Parts) -> Compared:
    """Each day of a meter is in its narrow copy."""
    differ = {month: both for month, both in (await parts.months()).items() if both[0] != both[1]}
    if differ:
        await asyncio.sleep(SETTLE_S)
        differ = {
            month: both for month, both in (await parts.months()).items() if month in differ and both[0] != both[1]
        }
    told = ", ".join(f"{month}: {days} / {totals}" for month, (days, totals) in differ.items())
    return _row(
        "日数据与日合计", "days and their totals", not differ,
        f"不一致 {told};重启核心进程后仍不一致时请恢复备份" if differ else "一致",
        f"differ: {told}; restore the backup if they still do after a restart" if differ else "alike",
    )  # fmt: skip


async def _positions(database: RunningDatabase, stream: UplinkStream, shards: int) -> list[Compared]:
    """The stream goes on where the database stands."""
    found = []
    end = (await stream.state()).last_sequence
    positions = await database.positions()
    for shard in range(shards):
        position, oldest = positions.get(shard, 0), await stream.oldest(shard)
        name = (f"消息流与数据库(分片 {shard})", f"stream and PostgreSQL (shard {shard})")
        if position > end:
            words = (
                f"消息流止于 {end},数据库已到 {position}:消息流已重建",
                f"the stream ends at {end}, the database is at {position}: the stream was begun anew",
            )
        elif position and position < oldest <= position + AHEAD:  # further: a restore begins there
            words = (
                f"数据库在 {position},消息流从 {oldest} 开始:数据库较旧,其间的上报没有状态",
                f"the database is at {position}, the stream begins at {oldest}: the database is older, reports between have no state",
            )
        else:
            found.append(_row(*name, True, f"{position} / {end}", f"{position} / {end}"))
            continue
        found.append(_row(*name, False, *words))
    return found


async def compare_ledger(database: RunningDatabase, path: Path) -> Compared:
    """The signer has given every counter that the database knows of."""
    name = ("签名账本与数据库(计数器)", "the signer's ledger and PostgreSQL (counters)")
    known = await database.signed_counters(SAMPLE)
    ledger = SqliteLedger.reading(path)
    try:
        given = ledger.counters(list(known))
    finally:
        ledger.close()
    older = [meter for meter, counter in known.items() if given.get(meter, 0) < counter]
    if not older:
        return _row(*name, True, f"抽查 {len(known)} 只表,一致", f"{len(known)} meters looked at, alike")
    return _row(
        *name, False,
        f"{len(older)} 只表的账本比数据库旧:账本恢复自较早的备份。计数器会自动高于表具所见;限额统计缺少其间的命令",
        f"the ledger is older than the database for {len(older)} meters: it was restored from an earlier backup. Counters go on above"
        " what meters have seen; the counts of quotas lack what was given in between",
    )  # fmt: skip


async def answer_if_wanted(
    var: Path, database: RunningDatabase, parts: Parts, stream: UplinkStream, shards: int
) -> None:
    """In the core: when somebody asked."""
    wanted = var / "run" / WANTED
    if not wanted.exists():
        return
    wanted.unlink(missing_ok=True)
    try:
        rows = await compare_core(database, parts, stream, shards)
    except (StreamUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        text = f"{type(error).__name__}: {error}"
        rows = [_row("核心进程的比较", "what the core compares", False, text, text)]
    write_private(var / "run" / ANSWER, msgspec.json.encode(rows).decode())


def ask(var: Path) -> None:
    """Ask the core; its answer of before is forgotten."""
    (var / "run" / ANSWER).unlink(missing_ok=True)
    (var / "run" / WANTED).touch(mode=0o600)


def answered(var: Path) -> list[Compared] | None:
    """None: not yet."""
    try:
        return msgspec.json.decode((var / "run" / ANSWER).read_bytes(), type=list[Compared])
    except (OSError, msgspec.MsgspecError):
        return None
