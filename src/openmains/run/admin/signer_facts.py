# SPDX-License-Identifier: Apache-2.0
"""``openmains signer facts`` and ``sign-facts``: what the running signer says differs, seen at the machine itself, and the act that
signs it. Here nothing stands between a person and the signer that could show another list."""

import argparse
import getpass
import sys

from openmains.app.command.signing_ports import Credential, FactsSummary, SignerAwayError, SignerRefusedError
from openmains.domain.ids import TenantId
from openmains.edges.signer.client import SocketSigner
from openmains.run import messages
from openmains.run.engines.child import StartError
from openmains.run.settings import Settings

AT_THE_MACHINE = "machine"


async def run(args: argparse.Namespace, settings: Settings) -> int:
    """Raises ``StartError`` with the reason when it cannot be done."""
    words = list(args.words)
    if not words or not (words[0].isascii() and words[0].isdigit()):
        raise StartError("请给出租户编号。", "give a tenant id.")
    tenant_id = TenantId(int(words[0]))
    signer = SocketSigner(settings.signer_path)
    try:
        found = await signer.facts(tenant_id, new_only=args.new_only)
        if args.action == "facts":
            _show(found)
            return 0
        if len(words) not in (2, 3):
            raise StartError(
                "请给出租户编号、登录名，需要时加审批人。", "give tenant id, login and, where needed, an approver."
            )
        people = [
            Credential(login, _password(login, from_input=args.password_stdin), AT_THE_MACHINE) for login in words[1:]
        ]
        count = await signer.sign_facts(
            tenant_id, found.list_hash, args.reason or "command line", people[0], people[1] if len(people) == 2 else None,
            new_only=args.new_only,
        )  # fmt: skip
        messages.show(f"已签名 {count} 项。", f"{count} signed.")
        return 0
    except SignerRefusedError as error:
        raise StartError(*_why(error.code)) from error
    except SignerAwayError as error:
        raise StartError(
            "签名进程没有应答，请先启动系统。", "the signer does not answer: start the system first."
        ) from error
    finally:
        await signer.close()


def _show(found: FactsSummary) -> None:
    for change in found.changes:
        fact = [change.number or "-", change.fact, change.held or "-", change.registry or "-"]
        sys.stdout.write("\t".join(fact) + "\n")
    two = ("须两人签名" if found.needs_two else "一人即可", "two persons" if found.needs_two else "one person")
    messages.show(
        f"{found.count} 项与已签名的不同，{two[0]}；清单 {found.list_hash}",
        f"{found.count} differ from what was signed, {two[1]}; list {found.list_hash}",
    )


def _password(login: str, *, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass(f"{login}: ")


def _why(code: str) -> tuple[str, str]:
    return {
        "facts_need_two": (
            "放宽规则或超过 20 只新表，须再给出一名审批人。", "it loosens a rule or brings more than 20 meters: name an approver too."
        ),
        "list_changed": ("台账刚有变化，请重试。", "the registry has just changed: try again."),
        "wrong_password": ("登录名或密码不对。", "login or password is wrong."),
        "not_an_approver": ("另一位签名人不是审批人。", "the other person is no approver."),
    }.get(code, (f"签名进程拒绝：{code}。", f"the signer refuses: {code}."))  # fmt: skip
