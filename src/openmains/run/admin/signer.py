# SPDX-License-Identifier: Apache-2.0
"""``openmains stop-commands`` and ``openmains signer``: what is done at the machine itself, as the signer's account.

Enrolment is not offered over the network on purpose: whoever takes over the API could otherwise make an approver.
"""

import argparse
import asyncio
import getpass
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from openmains.app.command.signer.keys import command_key
from openmains.app.identity.hashing import hash_password
from openmains.domain.identity.password import weakness
from openmains.domain.ids import MeterId
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.switch import FileSwitch
from openmains.run import messages
from openmains.run.admin import signer_facts as facts
from openmains.run.care.ledger import LEDGER, begin_anew, close_ledger, is_first, master_key, open_ledger
from openmains.run.engines.child import StartError
from openmains.run.roles.main import RoleRunningError, role_lock
from openmains.run.settings import Loaded


def add_stop_arguments(parser: argparse.ArgumentParser) -> None:
    """``[--tenant ID] [--resume | --status]``."""
    text = messages.text
    parser.add_argument("--tenant", type=int, metavar="ID", help=text("只停一个租户", "one tenant only"))
    parser.add_argument("--resume", action="store_true", help=text("恢复", "end the stop"))
    parser.add_argument("--status", action="store_true", help=text("只显示状态", "only say how it stands"))


def stop(args: argparse.Namespace, loaded: Loaded) -> int:
    """A file for the switch: needs no engine and no running process."""
    switch = FileSwitch(loaded.settings.stop_folder)
    if args.resume:
        switch.resume(args.tenant)
    elif not args.status:
        switch.stop(args.tenant, f"command line, {getpass.getuser()}")
    if switch.stopped(args.tenant or 0):
        messages.show("命令已停止:不再签名,不再下发。", "commands are stopped: nothing is signed, nothing goes out.")
    else:
        messages.show("命令正常下发。", "commands go out.")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``enrol TENANT LOGIN [--approver] [--administrator]``, ``dismiss TENANT LOGIN``, ``people``, ``meter-key METER``,
    ``facts TENANT``, ``sign-facts TENANT LOGIN [APPROVER] [--new-only] [--reason TEXT]``, ``begin-anew --yes``."""
    text = messages.text
    parser.add_argument(
        "action", choices=("enrol", "dismiss", "people", "meter-key", "facts", "sign-facts", "begin-anew")
    )
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help=text("租户 登录名,或表具编号", "tenant and login, or a meter id")
    )
    parser.add_argument(
        "--approver", action="store_true", help=text("可批准他人的命令", "may approve what others give")
    )
    parser.add_argument(
        "--administrator",
        action="store_true",
        help=text(
            "可下发价格、平台地址、计费参数等管理员命令",
            "may give prices, platform addresses and other kinds of administrators",
        ),
    )
    parser.add_argument("--new-only", action="store_true", help=text("只含新表", "meters without a copy only"))
    parser.add_argument("--reason", default="", help=text("理由", "why"))
    parser.add_argument(
        "--yes", action="store_true", help=text("确认以空账本重新开始", "confirm to begin with an empty ledger")
    )
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=text("从标准输入逐行读取密码", "read passwords from standard input, one a line"),
    )


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Raises StartError with the reason when it cannot be done."""
    home = loaded.settings.signer_home
    if args.action == "meter-key":
        (meter_id,) = _numbers(args.words, 1)
        sys.stdout.write(command_key(master_key(home), MeterId(meter_id)).hex() + "\n")
        return 0
    if args.action in ("facts", "sign-facts"):
        return asyncio.run(facts.run(args, loaded.settings))
    if args.action == "begin-anew":
        return _begin_anew(args, loaded)
    if is_first(home):
        raise StartError(
            "签名进程尚未启动过:请先运行 openmains serve。", "the signer was never started: run openmains serve first."
        )
    with _ledger(home, loaded.settings.var_path) as ledger:
        return _people(args, ledger)


@contextmanager
def _ledger(home: Path, var: Path) -> Iterator[SqliteLedger]:
    """The ledger, beside a signer that runs, or looked at as the signer itself does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(role_lock(var, "signer", patience_s=0))
        except RoleRunningError:
            ledger = SqliteLedger(home / LEDGER)
            stack.callback(ledger.close)
        else:
            ledger = open_ledger(home, master_key(home))
            stack.callback(close_ledger, home, ledger)
        yield ledger


def _begin_anew(args: argparse.Namespace, loaded: Loaded) -> int:
    """An empty ledger where there is no backup of the one that was lost."""
    if not args.yes:
        raise StartError(
            "全部签名人员须重新登记,限额与安全关阀记录将丢失;确认请加 --yes。",
            "all people must be enrolled again, quotas and safety closings are forgotten: confirm with --yes.",
        )
    settings = loaded.settings
    with role_lock(settings.var_path, "signer", patience_s=0):
        moved = begin_anew(settings.signer_home, settings.var_path / "damaged")
    kept = f" ({moved})" if moved else ""
    messages.show(
        f"已建立空账本{kept};请重新登记签名人员。", f"an empty ledger was made{kept}: enrol its people again."
    )
    return 0


def _people(args: argparse.Namespace, ledger: SqliteLedger) -> int:
    """``people``, ``dismiss``, ``enrol``."""
    if args.action == "people":
        for tenant_id, login, role in ledger.people():
            sys.stdout.write(f"{tenant_id}\t{login}\t{role}\n")
        return 0
    if len(args.words) != 2:
        raise StartError("请给出租户编号和登录名。", "give a tenant id and a login.")
    (tenant_id,), login = _numbers(args.words[:1], 1), args.words[1]
    if args.action == "dismiss":
        if not ledger.dismiss(tenant_id, login):
            raise StartError(f"没有 {login}。", f"there is no {login}.")
        messages.show(f"{login} 已注销。", f"{login} is dismissed.")
        return 0
    password = sys.stdin.readline().rstrip("\n") if args.password_stdin else secrets.token_urlsafe(12)
    if weakness(password, login):
        raise StartError("密码不够安全。", "the password is too weak.")
    role = "approver" if args.approver else "operator"
    ledger.enrol(tenant_id, login, hash_password(password), role, administrator=args.administrator)
    if not args.password_stdin:
        messages.show(
            f"{login} 的签名密码(只显示一次):{password}", f"{login}'s signing password (shown once): {password}"
        )
    return 0


def _numbers(words: list[str], count: int) -> list[int]:
    if len(words) != count or not all(word.isascii() and word.isdigit() for word in words):
        raise StartError("应为数字编号。", "a numeric id is needed.")
    return [int(word) for word in words]
