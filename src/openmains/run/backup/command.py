# SPDX-License-Identifier: Apache-2.0
"""The commands ``openmains backup``, ``openmains backup new-key`` and ``openmains restore``."""

import argparse
import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from openmains.edges.backup.archive import About, Manifest
from openmains.run import messages
from openmains.run.backup import keys
from openmains.run.backup.progress import Progress
from openmains.run.backup.put import restore, verify
from openmains.run.backup.take import take
from openmains.run.care.ledger import KEY_VARIABLE
from openmains.run.engines.child import StartError
from openmains.run.master_key import VARIABLE as MASTER_VARIABLE
from openmains.run.settings import Loaded

SUFFIX = ".backup.age"
T = TypeVar("T")


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    """``FILE``."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help=messages.text("私钥写入此文件", "the secret key goes here")
    )


def new_key(args: argparse.Namespace) -> int:
    """A pair for backups; the secret part belongs elsewhere than on the machine that is backed up."""
    public = keys.make_key(args.file)
    messages.show(
        f"私钥在 {args.file}:请移到别处安全保管,丢失则备份无法打开。公钥:",
        f"the secret key is in {args.file}: keep it elsewhere; without it no backup opens. The public key:",
    )
    print(public)
    return 0


def add_backup_arguments(parser: argparse.ArgumentParser) -> None:
    """``TARGET [--recipient … | --passphrase-file …]``, ``TARGET --verify [--identity … | --passphrase-file …]``."""
    text = messages.text
    parser.add_argument(
        "target",
        type=Path,
        metavar="FILE|DIR",
        help=text("备份文件,或存放备份的目录", "the file, or a folder for them"),
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help=text("不备份,只核对已有的文件", "take none: read a file whole and check it"),
    )
    keys.add_seal_arguments(parser)
    keys.add_open_arguments(parser)


def backup(args: argparse.Namespace, loaded: Loaded) -> int:
    """Take one while the system runs, or check one."""
    progress = Progress()
    if args.verify:
        about, manifest = verify(args.target, keys.identities(args), progress)
        messages.show(
            f"备份完好:{_said(about, manifest, zh=True)}", f"the backup is whole: {_said(about, manifest, zh=False)}"
        )
        return 0
    target = args.target
    if target.is_dir():
        target = target / f"openmains-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}{SUFFIX}"
    elif not target.parent.is_dir():
        raise StartError(f"没有目录 {target.parent}。", f"there is no folder {target.parent}.")
    taken = _run(take(loaded.settings, target, keys.recipients(args), progress))
    messages.show(
        f"备份完成:{target},{taken.size >> 20} MB;{_said(taken.about, taken.manifest, zh=True)}",
        f"done: {target}, {taken.size >> 20} MB; {_said(taken.about, taken.manifest, zh=False)}",
    )
    _keys_apart(taken.about)
    _hint(target)
    return 0


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """``FILE [--identity … | --passphrase-file …]``; the folder is ``--var``."""
    parser.add_argument("file", type=Path, metavar="FILE", help=messages.text("备份文件", "the backup"))
    keys.add_open_arguments(parser)


def restore_file(args: argparse.Namespace, loaded: Loaded) -> int:
    """Into an empty ``--var``."""
    done = _run(restore(loaded.settings, args.file, keys.identities(args), Progress()))
    raised = done.raised
    messages.show(
        f"已恢复到 {loaded.settings.var_path}:{_said(done.about, done.manifest, zh=True)};计数与校验和与备份时刻一致。",
        f"restored to {loaded.settings.var_path}: {_said(done.about, done.manifest, zh=False)}; counts and sums equal those of the moment.",
    )
    messages.show(
        f"恢复纪元 {raised.epoch}:备份之后确认的数据不在其中;{raised.commands} 条未发送的命令已终止(restored)、"
        f"{raised.batches} 个批量任务已停止、{raised.jobs} 个后台任务已终止,请人工核对;{raised.sessions} 个表具会话继续有效。",
        f"epoch {raised.epoch}: what was acknowledged after the backup is not in it. To be looked at by a person: {raised.commands} commands"
        f" that had not been sent have ended ('restored'), {raised.batches} batches are stopped, {raised.jobs} jobs have ended."
        f" {raised.sessions} sessions of meters go on.",
    )
    _keys_apart(done.about)
    messages.show(
        "下一步:确认旧系统不再运行,再执行 openmains serve;核对见 docs/runbooks/backup.md。",
        "next: make sure that the former system does not run, then openmains serve; what to check is in docs/runbooks/backup.md.",
    )
    return 0


def _said(about: About, manifest: Manifest, *, zh: bool) -> str:
    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(about.taken_us // 1_000_000))
    registry = sum(count.rows for count in manifest.postgres.values())
    readings = sum(count.rows for count in manifest.clickhouse.values())
    if zh:
        return f"时刻 {taken},PostgreSQL {registry} 行,ClickHouse {readings} 行,消息流 {manifest.messages} 条,文件 {len(manifest.files)} 个"
    return (
        f"moment {taken}, {registry} rows of PostgreSQL, {readings} of ClickHouse, {manifest.messages} messages of the stream,"
        f" {len(manifest.files)} files"
    )


def _keys_apart(about: About) -> None:
    """Keys that came from the environment are not in it: without them a start would make new ones, and no meter would get in."""
    for held, zh, en in (
        (about.master_key, f"主密钥({MASTER_VARIABLE})", f"the master key ({MASTER_VARIABLE})"),
        (about.command_key, f"命令密钥({KEY_VARIABLE})", f"the command key ({KEY_VARIABLE})"),
    ):
        if not held:
            messages.show(
                f"注意:{zh}来自环境变量,不在备份中;须另行保管,启动恢复的系统前设置。",
                f"note: {en} comes from the environment and is not in the backup: keep it apart, set it before a restored system starts.",
            )


def _hint(target: Path) -> None:
    """How many there are; none is removed by us."""
    others = sorted(target.parent.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
    if len(others) < 2:
        messages.show(
            "建议:每天一次,保留 7 天、4 周、12 个月;副本放到另一台机器,定期用 --verify 与 restore 演练。",
            "advice: one a day, kept 7 days, 4 weeks, 12 months; copies on another machine; try --verify and a restore now and then.",
        )
        return
    size = sum(path.stat().st_size for path in others) >> 20
    oldest = time.strftime("%Y-%m-%d", time.gmtime(others[0].stat().st_mtime))
    messages.show(
        f"{target.parent} 中有 {len(others)} 个备份,共 {size} MB,最早 {oldest};建议保留 7 天、4 周、12 个月,本程序不删除。",
        f"{target.parent} holds {len(others)} backups, {size} MB, the oldest of {oldest}; keep 7 days, 4 weeks, 12 months: we remove none.",
    )


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run it; SIGTERM ends it as Ctrl-C does, with everything undone."""

    async def main() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise StartError("已中断,未留下文件。", "interrupted; nothing was left behind.") from None
