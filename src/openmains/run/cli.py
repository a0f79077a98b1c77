# SPDX-License-Identifier: Apache-2.0
"""The command ``openmains``. A new subcommand is one line in COMMANDS; its module is imported only when called."""

import argparse
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

from openmains.run import messages
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded, as_toml, load

VERSION_PACKAGE = "openmains"
VALUED = ("--lang", "--config", "--var")  # options before the command that take the next word


class Command(NamedTuple):
    """``run`` is ``module:function(args[, loaded]) -> exit code``; ``arguments``, if any, fills the parser.

    A name of two words is a command within a group (``bench ingest``).
    """

    name: str
    zh: str
    en: str
    run: str
    arguments: str = ""


_RUN = "openmains.run."
_ADMIN = "openmains.run.admin."
_BENCH = "openmains.bench."
COMMANDS = (
    Command("serve", "启动引擎与全部角色", "start the engines and all roles",
            _RUN + "supervisor:serve", _RUN + "supervisor:add_arguments"),
    Command("demo", "启动并带演示数据", "serve with a demo utility",
            _RUN + "supervisor:demo", _RUN + "supervisor:add_demo_arguments"),
    Command("doctor", "检查机器、端口、引擎、时钟、磁盘", "check machine, ports, engines, clock, disk",
            _RUN + "doctor:main", _RUN + "doctor:add_arguments"),
    Command("settings", "显示当前设置", "print the settings in force", _RUN + "cli:print_settings"),
    Command("migrate", "升级数据库结构", "bring the databases to the present schema", _ADMIN + "migrate:main"),
    Command("backup new-key", "生成备份用密钥对", "make a pair of keys for backups",
            _RUN + "backup.command:new_key", _RUN + "backup.command:add_key_arguments"),
    Command("backup", "备份运行中的系统(加密),或核对备份", "back up the running system, encrypted; or check a backup",
            _RUN + "backup.command:backup", _RUN + "backup.command:add_backup_arguments"),
    Command("restore", "把备份恢复到空目录(--var)", "restore a backup into an empty folder (--var)",
            _RUN + "backup.command:restore_file", _RUN + "backup.command:add_restore_arguments"),
    Command("tenant create", "创建租户(单位)与管理员", "make a tenant (utility) with its administrator",
            _ADMIN + "tenant:create", _ADMIN + "tenant:add_create_arguments"),
    Command("tenant list", "列出租户", "list the tenants", _ADMIN + "tenant:show_all"),
    Command("user", "创建用户、重置密码", "create a user, reset a password",
            _ADMIN + "user:main", _ADMIN + "user:add_arguments"),
    Command("stop-commands", "停止(或恢复)一切下发命令;数据库停机时也有效", "stop (or resume) all commands, also without a database",
            _ADMIN + "signer:stop", _ADMIN + "signer:add_stop_arguments"),
    Command("signer", "签名进程的人员与表具密钥", "people and meter keys of the signer",
            _ADMIN + "signer:main", _ADMIN + "signer:add_arguments"),
    Command("begin-readings-anew", "读数库丢失且没有备份时,以空的读数库重新开始", "begin with empty readings where they are lost and no"
            " backup is there", _ADMIN + "begin_anew:main", _ADMIN + "begin_anew:add_arguments"),
    Command("import", "从 CSV 或 XLSX 导入表具台账", "import the registry from CSV or XLSX",
            _ADMIN + "imports:main", _ADMIN + "imports:add_arguments"),
    Command("concentrator add", "登记集中器或 DTU 及其下表具", "register a concentrator or DTU and the meters behind it",
            _ADMIN + "concentrator:main", _ADMIN + "concentrator:add_arguments"),
    Command("concentrator remove", "移除集中器,或其下的表具", "take a concentrator away, or meters from behind it",
            _ADMIN + "concentrator:remove", _ADMIN + "concentrator:add_remove_arguments"),
    Command("keys import", "从 CSV 导入设备密钥", "import device keys from CSV",
            _ADMIN + "keys:import_file", _ADMIN + "keys:add_import_arguments"),
    Command("keys generate", "生成设备密钥", "make device keys",
            _ADMIN + "keys:generate", _ADMIN + "keys:add_generate_arguments"),
    Command("keys rotate-master", "更换主密钥", "change the master key", _ADMIN + "keys:rotate_master"),
    Command("keys destroy", "销毁一台设备或一个租户的密钥", "destroy the keys of a device or a tenant",
            _ADMIN + "keys:destroy", _ADMIN + "keys:add_destroy_arguments"),
    Command("report", "抄表日报", "collection report",
            _ADMIN + "report:main", _ADMIN + "report:add_arguments"),
    Command("quantities replay", "从通信日志补录测点数值", "read quantities that were not kept out of the frame log",
            _ADMIN + "quantities:main", _ADMIN + "quantities:add_arguments"),
    Command("emulate", "模拟表具", "emulated meters that report over real sockets",
            _ADMIN + "emulate:main", _ADMIN + "emulate:add_arguments"),
    Command("replay", "以模拟表具回放给定的读数", "send given registers through emulated meters",
            _ADMIN + "replay:main", _ADMIN + "replay:add_arguments"),
    Command("gateway", "网关:射频与平台之间的独立程序", "a gateway between its radio and the platform, alone on its box",
            _RUN + "gateway.main:main", _RUN + "gateway.main:add_arguments"),
    Command("bench machine", "测量本机快慢(校准)", "measure how fast this machine is (calibration)",
            _BENCH + "calibration:main", _BENCH + "calibration:add_arguments"),
    Command("bench ingest", "测试上报处理能力", "measure how many reports a second are taken in",
            _BENCH + "ingest:main", _BENCH + "ingest:add_arguments"),
    Command("bench idle", "测试空闲时的处理器与内存占用", "what a box costs on which little happens",
            _BENCH + "idle:main", _BENCH + "idle:add_arguments"),
    Command("bench overload", "测试过载时的处理能力", "measure what becomes of it when too much is offered",
            _BENCH + "overload:main", _BENCH + "overload:add_arguments"),
    Command("bench alarms", "测试告警风暴：送达到人的时间及对上报的影响", "how soon people see a storm of alarms, and its cost",
            _BENCH + "alarms:main", _BENCH + "alarms:add_arguments"),
    Command("bench handshake", "测试 DTLS 握手速度", "measure DTLS handshakes a second",
            _BENCH + "handshake:main", _BENCH + "handshake:add_arguments"),
    Command("bench sessions", "测试会话的磁盘与内存占用、恢复和重连风暴", "what sessions cost; restart and reconnect storm",
            _BENCH + "sessions:main", _BENCH + "sessions:add_arguments"),
    Command("bench commands", "测试命令下发速度及其对接入的影响", "how soon and how fast commands go down, and what that costs",
            _BENCH + "commands:main", _BENCH + "commands:add_arguments"),
    Command("bench tcp", "测试集中器连接数与上报速度", "how many concentrators connect, and how fast their frames are stored",
            _BENCH + "tcp:main", _BENCH + "tcp:add_arguments"),
    Command("bench query", "测试查询速度", "measure how fast questions are answered",
            _BENCH + "query:main", _BENCH + "query:add_arguments"),
    Command("bench import", "测试整份档案的导入速度", "measure how fast a whole registry is imported",
            _BENCH + "imports:main", _BENCH + "imports:add_arguments"),
    Command("bench billing", "测试一个月的出账速度", "measure how fast a month is billed",
            _BENCH + "billing:main", _BENCH + "billing:add_arguments"),
    Command("bench series", "测量其他测点数值的存储与查询成本", "what values of other quantities than volume cost",
            _BENCH + "series:main", _BENCH + "series:add_arguments"),
    Command("bench bulk", "测试整月读数批量导出的速度与内存", "how fast a month of readings leaves in bulk, and in how much memory",
            _BENCH + "month:main", _BENCH + "month:add_arguments"),
    Command("bench rules", "测试 500 条规则对上报处理的影响", "what 500 rules cost the taking in of reports",
            _BENCH + "rules:main", _BENCH + "rules:add_arguments"),
    Command("bench pages", "测试页面打开速度", "measure how fast pages of the console open",
            _BENCH + "pages:main", _BENCH + "pages:add_arguments"),
)  # fmt: skip


def _resolve(target: str) -> Callable[..., Any]:
    module, _, function = target.partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), function))


def _find(words: list[str]) -> tuple[Command, list[str]] | None:
    """The command named by the first words that are no option, and all other words; None when there is none."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in VALUED else 1
    for command in COMMANDS:
        name = command.name.split()
        if words[place : place + len(name)] == name:
            return command, words[:place] + words[place + len(name) :]
    return None


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(VERSION_PACKAGE)
    except PackageNotFoundError:
        return "?"


def print_settings(args: argparse.Namespace, loaded: Loaded) -> int:
    """``openmains settings``."""
    del args
    sys.stdout.write(as_toml(loaded))
    return 0


def _common(parser: argparse.ArgumentParser) -> None:
    text = messages.text
    parser.add_argument("--lang", choices=("zh", "en"), help=text("提示语言", "language of messages"))
    parser.add_argument("--config", type=Path, metavar="FILE", help=text("设置文件", "settings file"))
    parser.add_argument("--var", metavar="DIR", help=text("数据目录", "data directory"))


def _language(argv: list[str]) -> str:
    """Language must be known before the help is made."""
    for index, word in enumerate(argv):
        if word == "--lang" and index + 1 < len(argv):
            return messages.detect(argv[index + 1])
        if word.startswith("--lang="):
            return messages.detect(word.partition("=")[2])
    return messages.detect(os.environ.get("OPENMAINS_LANGUAGE", ""))


def _overview() -> str:
    width = max(len(command.name) for command in COMMANDS)
    return "\n".join(f"  {c.name:<{width}}  {messages.text(c.zh, c.en)}" for c in COMMANDS)


def _top() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openmains",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=messages.text("开源智慧气水表平台", "open platform for gas and water meters"),
        epilog=messages.text("命令:", "commands:") + "\n" + _overview(),
    )
    parser.add_argument("--version", action="version", version=f"openmains {_version()}")
    parser.add_argument("command", metavar="command", help=messages.text("见下", "see below"))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 well, 1 refused or failed (one line says why), 2 wrong usage, 130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    messages.use(_language(words))
    found = _find(words)
    if found is None:
        _common(parser := _top())
        given = parser.parse_args(words)
        parser.error(messages.text(f"没有命令 {given.command}", f"there is no command {given.command}"))
    command, rest = found
    parser = argparse.ArgumentParser(
        prog=f"openmains {command.name}", description=messages.text(command.zh, command.en)
    )
    _common(parser)
    try:
        if command.arguments:
            _resolve(command.arguments)(parser)
        args = parser.parse_args(rest)
        loaded = load(file=args.config, var=args.var)
        if not args.lang and loaded.settings.language:
            messages.use(loaded.settings.language)
        run = _resolve(command.run)
        takes = len(inspect.signature(run).parameters)
        return int(run(*(args, loaded)[:takes]))
    except StartError as error:
        messages.fail(error.zh, error.en)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
