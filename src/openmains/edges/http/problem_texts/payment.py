# SPDX-License-Identifier: Apache-2.0
"""Texts of payments through channels."""

from openmains.edges.http.problem_texts.text import Text

TEXTS = {
    "payment-channel-taken": Text(
        409,
        "渠道名称已存在",
        "已有名为“{name}”的支付渠道。请换一个名称。",
        "A channel has this name",
        "There is a payment channel called {name}. Choose another name.",
    ),
    "payment-channel-off": Text(
        409,
        "支付渠道已停用",
        "渠道“{name}”已停用，不再下单。请换一个渠道，或在支付渠道页启用。",
        "The channel is off",
        "Channel {name} takes no new orders. Use another one, or switch it on at the payment channels.",
    ),
    "secrets-unreadable": Text(
        503,
        "渠道密钥无法打开",
        "该渠道所存的密钥打不开(主密钥已换或数据有损)，因此不能下单或验签。请在支付渠道页重新填写密钥。",
        "The channel's keys do not open",
        "The keys kept for it do not open, by another master key or damage, so nothing can be signed or believed."
        " Enter them again at the payment channels.",
    ),
    "payment-key-used": Text(
        409,
        "该编号已用于另一笔订单",
        "编号 {taken} 已用于订单 {order_id}，渠道、户号、表具或金额不同。请换一个编号。",
        "The key is another order's",
        "Key {taken} is that of order {order_id}, with another channel, account, meter or amount. Use a key of its own.",
    ),
    "order-not-paid": Text(
        409,
        "订单未支付",
        "订单目前为 {state}，没有可退的款。",
        "The order is not paid",
        "The order is {state}; there is nothing to give back.",
    ),
    "refund-of-delivered": Text(
        409,
        "充值正在下发或已到表",
        "该笔充值的下发状态为 {delivery}，表内可能已有这笔钱，不能退款。仍在排队的，请先取消其命令。",
        "The meter has it, or is being given it",
        "The top-up is {delivery}: the meter may have the money, so it is not given back. Cancel its command first where that still waits.",
    ),
    "refund-too-much": Text(
        409,
        "超过可退金额",
        "该订单最多还可退 {left} 分(已退和待批的都计入)。",
        "More than can be given back",
        "At most {left} fen of this order can still be given back; what waits for approval counts too.",
    ),
    "own-refund": Text(
        403,
        "不能批准自己的退款申请",
        "该退款由您提出，须由另一人批准。您可以驳回(撤回)它。",
        "Not your own refund",
        "You asked for this yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "day-not-over": Text(
        409,
        "当日尚未结束",
        "{day}(北京时间)还没有结束，渠道账单尚未生成。请次日再对账。",
        "The day is not over",
        "{day} (Beijing) is not over, so the channel has no file of it yet. Compare it the day after.",
    ),
    "statement-away": Text(
        503,
        "取不到渠道账单",
        "渠道没有给出可采信的账单({reason_code})，未对账。请稍后再试；渠道账单通常在次日上午生成。",
        "The channel's file is not there",
        "The channel gave no file that can be believed ({reason_code}), so nothing was compared."
        " Try again later; files are usually there the next morning.",
    ),
    "nothing-to-book": Text(
        409,
        "该差异不能补记",
        "只有渠道有、本系统没有的收款可以补记；该差异为 {what}。多记的请冲正或退款，其余请写明原因。",
        "This is not booked so",
        "Only a payment that the channel has and the ledger has not can be booked; this one is {what}."
        " Reverse or refund what is too much, and explain the rest.",
    ),
    "own-booking": Text(
        403,
        "不能批准自己的补记申请",
        "该补记由您提出，须由另一人批准。您可以驳回(撤回)它。",
        "Not your own booking",
        "You asked for this yourself, so another person must approve it. You may reject it, which takes it back.",
    ),
    "authorisation-taken": Text(
        409,
        "该户已有代扣授权，或协议号已使用",
        "户号 {account_id} 已有有效的代扣授权，或协议号 {contract} 已登记过。请先终止原授权，或核对协议号。",
        "The account has an authorisation, or the contract is taken",
        "Account {account_id} has an authorisation that holds, or contract {contract} was entered before."
        " End that one first, or check the number.",
    ),
    "debit-key-used": Text(
        409,
        "该编号已用于另一个代扣文件",
        "编号 {taken} 是代扣文件 {number} 的，扣款日不同。请换一个编号。",
        "The key is another debit file's",
        "Key {taken} is that of debit file {number}, with another day. Use a key of its own.",
    ),
    "nothing-to-debit": Text(
        409,
        "没有可代扣的欠费",
        "有代扣授权的户都不欠费，或已在等待回盘的文件中。请先出账，或读入回盘。",
        "Nothing is to be debited",
        "No account with an authorisation owes anything that does not stand in a file already. Run billing, or read what the bank answered.",
    ),
    "debit-answer-refused": Text(
        422,
        "回盘文件未采信，未入账",
        "第 {line} 行：{why}（文件为 {told}，应为 {expected}）。整个文件都没有入账。请核对是否选对代扣文件，或向银行重取回盘。",
        "The answered file is refused; nothing was booked",
        "Line {line}: {why} (told {told}, expected {expected}). Nothing of the file was booked."
        " See whether it belongs to this debit file, or ask the bank for it again.",
    ),
    "debit-file-answered": Text(
        409,
        "代扣文件已有回盘，不能作废",
        "代扣文件 {number} 已有 {answered} 笔回盘。请读入其余回盘；已扣的款可申请退回。",
        "The bank has answered it",
        "The bank has answered {answered} lines of debit file {number}, so it is not voided."
        " Read the other answers; what was collected can be given back.",
    ),
    "own-debit-file": Text(
        403,
        "不能作废自己生成的代扣文件",
        "该文件由您生成，须由另一人作废。",
        "Not your own file",
        "You made this file, so another person must void it.",
    ),
    "bank-data-unreadable": Text(
        503,
        "银行账户资料无法打开",
        "协议 {contract} 的银行账户资料打不开（主密钥已换或数据有损），不能生成文件。请由另一人作废该文件，终止该授权并重新登记。",
        "Bank data does not open",
        "The bank data of contract {contract} does not open, by another master key or damage, so the file cannot be made."
        " Have another person void it, end that authorisation and enter it anew.",
    ),
    "partner-taken": Text(
        409,
        "合作方名称已存在",
        "已有名为“{name}”的合作方。请换一个名称。",
        "A partner has this name",
        "There is a partner called {name}. Choose another name.",
    ),
    "partner-refused": Text(
        401,
        "合作方请求未采信",
        "{why}。未入账。请按接口说明重新签名，换新的随机串，以同一编号再报。",
        "The partner's request is not believed",
        "The request changed nothing: {why}. Sign it anew as the document says, with a new nonce and the same number.",
    ),
    "refund-by-order": Text(
        409,
        "请按支付订单退款",
        "该收款来自支付订单 {order_id}，须由其渠道退回。请在支付订单页申请退款。",
        "It is given back by its order",
        "This payment came by payment order {order_id}, and its channel must give it back. Ask for a refund at the payment order.",
    ),
}
