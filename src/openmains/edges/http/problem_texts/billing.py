# SPDX-License-Identifier: Apache-2.0
"""Bills and the counter."""

from openmains.edges.http.problem_texts.text import Text

TEXTS: dict[str, Text] = {
    "run-in-progress": Text(
        409,
        "出账正在进行",
        "一次出账尚未结束，账单须逐次生成。请等它结束，或在任务页停止它后再办。",
        "A bill run is at work",
        "A bill run has not ended, and bills are made one run after the other. Wait for it, or stop its job, and try again.",
    ),
    "not-billable": Text(
        409,
        "不能出账",
        "自 {day} 起有疑问({why}),不能计费。请先处理该户的读数、表具或价目，再重试。",
        "No bill can be made",
        "From {day} on there is a doubt ({why}). See to the readings, meters or tariff of this account first, and try again.",
    ),
    "nothing-to-correct": Text(
        409,
        "没有要更正的",
        "{month} 及以后的账单重算后完全相同。",
        "Nothing to correct",
        "The bills of {month} and later come out the same.",
    ),
    "correction-waits": Text(
        409,
        "已有更正待审批",
        "户号 {account_id} 已有一项更正等待审批。请先批准或驳回它。",
        "A correction waits already",
        "A correction of account {account_id} waits for approval. Approve or reject that one first.",
    ),
    "own-correction": Text(
        403,
        "不能批准自己的更正",
        "该更正由您提出，须由另一人批准。您可以驳回(撤回)它。",
        "Not your own correction",
        "You asked for this correction yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "reversed-elsewhere": Text(
        409,
        "请在账单或收款处办理",
        "分录 {entry_id} 属于账单或收款。请更正账单，或在收款处申请退回该笔收款；冲正由此产生。",
        "Take it back where it was made",
        "Entry {entry_id} belongs to a bill or a receipt. Correct the bill, or ask at the counter for the payment to be taken back; the"
        " reversal follows from that.",
    ),
    "shift-needed": Text(
        409,
        "尚未开班",
        "收取或退还现金须先开班。请清点备用金并开班。",
        "No shift is open",
        "Cash is taken and given back within a shift. Count the float and open one.",
    ),
    "shift-open": Text(
        409,
        "已经开班",
        "您已有一个未交班的班次。请先交班。",
        "A shift is open",
        "You have an open shift. Close it first.",
    ),
    "shift-closed": Text(
        409,
        "该班次已交班",
        "提出退回的班次已经交班，现金无从退出。请驳回，并在新班次中重新申请。",
        "That shift is closed",
        "The shift that asked is closed, so no till gives the cash back. Reject it and ask again within an open shift.",
    ),
    "difference-unexplained": Text(
        409,
        "长短款未说明",
        "清点与应有相差 {fen} 分。请重新清点；确有差额，请写明原因。",
        "The difference is not explained",
        "The count differs by {fen} fen from what should be there. Count again; if it stays, write why.",
    ),
    "receipt-key-used": Text(
        409,
        "渠道流水号已用于另一笔收款",
        "流水号 {taken} 已用于收据 {receipt_id}，户号或金额不同。请核对，以免重复收款。",
        "The channel's number is another payment's",
        "Number {taken} is that of receipt {receipt_id}， with another account or amount. Check, so that nothing is taken twice.",
    ),
    "account-changed": Text(
        409,
        "该户账务刚有变化",
        "户号 {account_id} 现欠 {owed} 分、预存 {credit} 分，与您看到的不同(可能刚有另一笔收款)。未收款。请核对后重试。",
        "The account has just changed",
        "Account {account_id} now owes {owed} fen and has {credit} fen paid ahead, unlike what you saw: another payment may have come."
        " Nothing was taken. Look again and retry.",
    ),
    "return-waits": Text(
        409,
        "该收款已申请退回",
        "收据 {receipt_id} 已有退回申请，或已退回。",
        "It is being taken back already",
        "Receipt {receipt_id} has a return that waits or was agreed to.",
    ),
    "not-simulated": Text(
        409,
        "尚未测算",
        "这条规则改动后还没有人看过“今天会关谁”。请先测算，再启用。",
        "Nobody looked at it yet",
        "Nobody has looked at what would follow from this rule since it was changed. Simulate it, then switch it on.",
    ),
    "closing-not-due": Text(
        409,
        "不应关阀",
        "提议之后情况有变：{why}。未下发命令；已缴清的提议将自动结束。",
        "The closing is not due",
        "Something has changed since it was proposed: {why}. No command was given; a proposal whose debt is paid ends by itself.",
    ),
    "nothing-to-print": Text(
        409,
        "没有可打印的账单",
        "批次 {run_id} 没有生成账单。请等出账完成，或查看未出账的户。",
        "There is nothing to print",
        "Run {run_id} made no bill. Wait until it is done, or look at the accounts it refused.",
    ),
    "own-return": Text(
        403,
        "不能批准自己的退回申请",
        "该退回由您提出，须由另一人批准。您可以驳回(撤回)它。",
        "Not your own return",
        "You asked for this yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "bill-superseded": Text(
        409,
        "该账单已被更正",
        "该账单已有更正后的版本，不能再开票。请对最新版本的账单开票。",
        "A corrected version took its place",
        "This bill was corrected, so no invoice is issued for it. Ask for one of its newest version.",
    ),
    "nothing-to-invoice": Text(
        409,
        "没有可开票的金额",
        "该账单合计为零，或某项构成为负，不能开票。",
        "There is nothing to invoice",
        "The bill is of 0 CNY, or one of its components is below 0. No invoice is issued for it.",
    ),
    "invoice-settings": Text(
        409,
        "开票设置不全",
        "账单抬头中没有纳税人识别号，或以下价格构成没有税目和税率：{missing}。请先在开票设置和账单抬头中填写。",
        "Settings of invoices are not whole",
        "The letterhead has no tax number, or these components have no item and rate: {missing}."
        " Enter them on the letterhead and the invoice settings.",
    ),
    "invoice-stands": Text(
        409,
        "该账单已有发票",
        "账单 {bill_id} 已有一张有效或待定的发票，不能重复开具。需要改开的，请先由另一人红冲。",
        "The bill has an invoice",
        "Bill {bill_id} has an invoice that stands or waits, and gets no second one. To change it, have another person take it back first.",
    ),
    "own-invoice": Text(
        403,
        "不能红冲自己开具的发票",
        "该发票由您申请开具，须由另一人红冲。",
        "Not your own invoice",
        "You asked for this invoice, so another person must take it back.",
    ),
}
