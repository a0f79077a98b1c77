# SPDX-License-Identifier: Apache-2.0
"""The ledger."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "booking-key-used": Text(
        409,
        "唯一键已用于别的内容",
        "键 {taken} 已用于 {entry_id}，内容不同。请核对是否重复办理；确是另一笔，请换一个键。",
        "Key used for another content",
        "Key {taken} is that of {entry_id}, with another content. Check whether this was done before; if it is another one, give another key.",
    ),
    "day-closed": Text(
        409,
        "该月已结账",
        "{day} 在已结账的期间内（至 {until}）。请记在以后的日期。",
        "The month is closed",
        "{day} lies in a closed period (until {until}). Book on a later day.",
    ),
    "month-running": Text(
        409,
        "该月尚未结束",
        "{month} 还没有结束，月末之后才能结账。",
        "The month is not over",
        "{month} is not over; close it after its last day.",
    ),
    "not-so-much": Text(
        409,
        "金额超过现有余额",
        "该户现有 {fen} 分，不足以办理。请核对余额（可能刚被另一笔用去）。",
        "More than there is",
        "There are {fen} fen at this account, which is not enough. Look at the balance again: another act may have used it just now.",
    ),
    "not-reversible": Text(
        409,
        "不能冲正",
        "分录 {entry_id} 已被冲正，或本身就是冲正。请重新办理原业务。",
        "Cannot be reversed",
        "Entry {entry_id} was reversed already, or is a reversal itself. Do the original act anew.",
    ),
    "own-act": Text(
        403,
        "不能批准自己的申请",
        "申请 {act_id} 由您提出，须经提出人以外的审批人同意。您可以驳回（撤回）它。",
        "Not your own act",
        "You asked for act {act_id} yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "too-many-entries": Text(
        400,
        "凭证过多",
        "该期间超过 {limit} 张凭证。请缩短期间，分几次导出。",
        "Too many entries",
        "The period holds more than {limit} entries. Export shorter periods one after the other.",
    ),
}
