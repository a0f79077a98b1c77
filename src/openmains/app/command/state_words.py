# SPDX-License-Identifier: Apache-2.0
"""States of commands and why they are in them, in words, for files of the server: (Chinese, English) by code.

The console's are those of ``console/src/features/command/names.ts``; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Final, Literal

Words = Mapping[str, tuple[str, str]]
Language = Literal["zh", "en"]

STATES: Final[Words] = {
    "drafted": ("已提交", "Drafted"),
    "quarantined": ("待审批", "Waits for approval"),
    "approved": ("已批准", "Approved"),
    "queued": ("待发送", "Waiting"),
    "sent": ("已发送", "Sent"),
    "delivered": ("已送达", "Delivered"),
    "asking": ("追问结果", "Asking"),
    "confirmed": ("已执行", "Done"),
    "failed": ("失败", "Failed"),
    "expired": ("已过期", "Expired"),
    "cancelled": ("已取消", "Cancelled"),
    "waiting": ("未轮到", "Not its turn"),
}
REASONS: Final[Words] = {
    "protected": ("受保护用户，不得远程关阀", "protected customer, never closed from afar"),
    "has_credit": ("仍有余额，不得关阀", "has credit, never closed"),
    "unknown_credit": ("预付费表余额未知，不得关阀", "prepay meter whose balance is unknown, not closed"),
    "removed": ("表具已拆除", "meter out of use"),
    "facts_unsigned": (
        "该表的依据尚未签名：不关阀，其他命令须审批人同意；请到“依据签名”页签名",
        "nobody signed what this meter is: it is not closed, and anything else needs an approver; sign it on the page Signed facts",
    ),
    "credit_unproven": (
        "预付费表的余额由表具上报、未经签名证实，须审批人同意",
        "prepay: the balance came up without a signature of the meter, an approver must agree",
    ),
    "beyond_meter": ("数量超出该表的量程", "a quantity beyond what this meter can measure"),
    "person_withdrawn": (
        "下发人或审批人已被注销或失去权限，请重新下发",
        "who gave it or agreed to it is dismissed or lost the right; give it again",
    ),
    "closing_forbidden": (
        "本单位或该产品不允许远程关阀；有危险时请用安全关阀",
        "utility or product forbids remote closing; in danger close for safety",
    ),
    "closed_for_safety": (
        "安全关阀中，须先检查现场；只能在表上打开",
        "closed for safety: inspect the site first; opened only at the meter",
    ),
    "amount": (
        "金额超出一人可下发的限额，须审批人同意",
        "more money than one person gives alone: an approver must agree",
    ),
    "price": (
        "价格与上次相差超过五分之一，或没有可比的价格，须审批人同意",
        "price more than a fifth off the one before, or none to compare: an approver must agree",
    ),
    "too_much": ("一次超过 1,000,000.00，不签发", "more than 1,000,000.00 at once is never signed"),
    "quota_amount": ("超出本单位今日金额限额", "over what the utility gives in a day"),
    "two_persons": ("须审批人同意", "an approver must agree"),
    "site_inspected": ("现场已检查，不再执行", "the site was inspected; not carried out any more"),
    "module_mismatch": (
        "模块与表不符：报文中的表号与台账不同，判断之前不动阀、不动款",
        "module does not fit the meter: its frames carry another number; nothing moves valve or money until that is judged",
    ),
    "validity_too_long": ("阀门命令有效期超过三天", "a valve command holds for three days at most"),
    "not_signed_kind": ("不是签名类命令", "not a signed kind"),
    "wrong_parameters": ("参数超出范围", "parameters out of range"),
    "many": (
        "一天内一人超过 20 只表，须审批人同意",
        "more than 20 meters by one person within a day: needs an approver",
    ),
    "critical": ("重要用户，须审批人同意", "critical customer: needs an approver"),
    "out_of_hours": ("非工作时间，须审批人同意", "out of office hours: needs an approver"),
    "quota_operator": ("超出本人限额", "over the person's quota"),
    "quota_utility": ("超出本单位限额", "over the utility's quota"),
    "quota_zone": ("超出本区域限额", "over the zone's quota"),
    "quota_platform": ("超出全平台限额", "over the platform's quota"),
    "unknown_meter": ("签名进程不认识此表", "the signer does not know the meter"),
    "not_by_this_driver": ("此产品不支持", "not a command of this product"),
    "not_what_was_authorised": ("内容与批准的不一致", "not what was authorised"),
    "done": ("表具回答：已执行", "the meter: done"),
    "already_done": ("表具回答：先前已执行", "the meter: done before"),
    "refused": ("表具拒绝", "the meter refused"),
    "expired": ("有效期已过", "validity over"),
    "bad_mac": ("表具回答：签名不符", "the meter: signature wrong"),
    "unknown_kind": ("表具不认识此命令", "the meter does not know the command"),
    "out_of_range": ("表具回答：参数超出范围", "the meter: out of range"),
    "counter_too_low": ("表具回答：计数器过低", "the meter: counter too low"),
    "never_sent": ("有效期内未能发送", "could not be sent in time"),
    "no_answer": ("表具没有应答", "no answer from the meter"),
    "restored": (
        "系统由备份恢复，此后是否已发送未知",
        "the system was restored from a backup: not known whether it was sent afterwards",
    ),
    "outcome_unknown": ("没有应答，结果未知", "no answer, outcome unknown"),
    "read_back": ("读回与命令不符：没有执行", "reading back shows something else: not done"),
    "other_number": ("报文中的表号不是这只表", "the frame names another meter"),
    "needs_meter_number": (
        "该表不在集中器之下，须填写表号",
        "the meter is behind no concentrator: its number must be given",
    ),
    "unproven": (
        "该连接未经证书证明对端身份，签名类命令不经此下发",
        "nothing proves who is at the other end of the connection: no signed command goes down it",
    ),
    "not_reachable": (
        "该表没有自己的模块，集中器只转发其主动上报，命令无法送达",
        "the meter has no module, and its concentrator only hands on what it says unasked: no command reaches it",
    ),
    "unreadable": ("集中器所在节点读不懂该命令报文", "the edge cannot read the command's frame"),
    "batch_cancelled": ("批量任务已取消", "batch cancelled"),
    "failures": ("失败过多，自动停止", "too many failures, stopped by itself"),
}
_REPLACED = ("已被新命令 {} 取代", "replaced by command {}")


def state_text(state: str, language: Language) -> str:
    """A state in words; one that has none stays as it is."""
    return _pick(STATES.get(state, (state, state)), language)


def reason_text(reason: str, language: Language) -> str:
    """Why, in words: codes joined by commas, ``replaced_by 12``, or what a person wrote, which stays as it is."""
    code, _, number = reason.partition(" ")
    if code == "replaced_by" and number.isdigit():
        return _pick(_REPLACED, language).format(number)
    parts = [part.strip() for part in reason.split(",")]
    if not all(part in REASONS for part in parts):
        return reason
    return _pick(("、", ", "), language).join(_pick(REASONS[part], language) for part in parts)


def _pick(words: tuple[str, str], language: Language) -> str:
    return words[0] if language == "zh" else words[1]
