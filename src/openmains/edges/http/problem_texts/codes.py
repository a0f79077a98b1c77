# SPDX-License-Identifier: Apache-2.0
"""Codes that stand within a problem's text as its ``why``, in words: a person is never shown ``wrong_password``."""

from typing import Final

from openmains.edges.http.language import Language

WHY: Final[dict[str, tuple[str, str]]] = {
    # the signer's refusals (app/command/signing_ports.py)
    "wrong_password": ("签名账户或密码不对", "the signing login or its password is wrong"),
    "not_enrolled": ("没有这个签名账户", "there is no such signing login"),
    "not_an_approver": ("该签名账户不是审批人", "this signing login is no approver"),
    "own_request": ("提交人不能审批自己的申请", "nobody approves what they gave themselves"),
    "no_such_request": ("签名进程没有这项申请", "the signer has no such request"),
    "too_many": ("一次提交得太多", "too many at once"),
    # why somebody is not offered for a work order (domain/work_order/assign.py)
    "skill": ("没有所需技能", "has not the skill"),
    "place": ("不负责该区域", "looks after other places"),
    "away": ("不在岗", "is away"),
    # parts of the system
    "postgresql": ("业务数据库", "the registry's database"),
    "clickhouse": ("读数库", "the readings' store"),
    "jetstream": ("报文队列", "the queue of messages"),
    "dispatch": ("命令下发", "the dispatch of commands"),
}


def why_text(value: object, language: Language) -> object:
    """Codes joined by commas, each in words; what is no code of ours stays as it is."""
    if not isinstance(value, str):
        return value
    return ", ".join(_said(part, language) for part in value.split(", "))


def _said(code: str, language: Language) -> str:
    zh, en = WHY.get(code, (code, code))
    return zh if language == "zh" else en
