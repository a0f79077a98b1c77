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
    # why nothing follows from arrears today (domain/arrears/decide.py)
    "paid": ("欠费已缴清", "nothing is owed any more"),
    "below-least": ("欠费低于起点", "less is owed than the least that counts"),
    "held": ("已暂缓处置", "a person holds the account back"),
    "warning-due": ("还有催缴未发", "a warning is due first"),
    "warning-later": ("还有催缴未到日", "a warning is to come first"),
    "never-closed": ("该类别不关阀", "this class is never closed"),
    "protected": ("受保护用户", "the customer is protected"),
    "no-valve": ("没有可远程关闭的阀门", "no valve can be closed from afar"),
    "closed-already": ("阀门已关", "the valve is closed already"),
    "asked-already": ("已有关阀提议", "a closing is proposed already"),
    "not-so-long": ("欠费未到关阀天数", "it is not owed for long enough"),
    "grace": ("最后一次催缴后的宽限期内", "the days of grace after the last warning are not over"),
    "calendar-unknown": ("当年节假日未录入", "the days off of this year were not entered"),
    "day-off": ("今天是休息日", "today is a day off"),
    "eve": ("明天是休息日", "tomorrow is a day off"),
    "most-closings": ("已达当日上限", "no more closings are proposed today"),
    "no-rule": ("该类别没有启用的规则", "no rule of this class is on"),
    # why an answered debit file is refused (domain/payment/debit.py)
    "debit-encoding": ("文字编码不符", "its signs are not the layout's"),
    "debit-record": ("行的种类或字段数不符", "a line is of no kind or has other fields"),
    "debit-number": ("金额、笔数或日期不是数字", "an amount, count or day is none"),
    "debit-head": ("没有文件头，或版式不同", "it does not begin with the head of this layout"),
    "debit-foot": ("没有文件尾，可能被截断", "it does not end with a foot, so it may be cut off"),
    "debit-file": ("是另一个代扣文件的回盘", "it answers another file"),
    "debit-lines": ("笔数与明细不符", "the count is not that of its lines"),
    "debit-sum": ("合计与明细不符", "the sum is not that of its lines"),
    "debit-foreign": ("该行不在代扣文件中", "the file asked for no such line"),
    "debit-amount": ("金额与代扣文件不同", "the amount is not what was asked for"),
    "debit-twice": ("同一行或同一银行流水号出现两次", "one line, or one number of the bank, stands there twice"),
    "debit-result": ("不认识的结果码", "the result is none that is known"),
    "debit-transaction": (
        "扣款成功却没有银行流水号，或与以前不同",
        "collected without the bank's number, or with another than before",
    ),
    "debit-contradiction": ("与此前回盘的结果矛盾", "it contradicts what was answered before"),
    # why a partner's request is refused (domain/payment/partner.py)
    "partner-unreadable": ("签名头缺失或格式不对", "headers of the signature lack or are none"),
    "partner-signature": ("签名与内容不符", "the signature is not of these bytes"),
    "partner-other": ("用另一合作方的密钥签名", "it is signed with another partner's key"),
    "partner-stale": ("时间戳超出前后 5 分钟", "its timestamp is more than 5 minutes off"),
    "partner-replay": ("随机串已使用过", "its nonce was taken before"),
    "partner-off": ("该合作方已停用", "this partner is switched off"),
    # why a push of an operator's platform is refused (app/link/operators/hear_push.py)
    "token": ("推送地址中的 token 不对", "the token in the address is another"),
    "signature": ("签名与内容不符", "the signature is not of these bytes"),
    "stale": ("签名的时间与本机相差过大", "the instant of the signature is too far from ours"),
    "off": ("该接入已停用", "this connection is switched off"),
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
