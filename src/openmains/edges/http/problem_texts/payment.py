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
    "refund-by-order": Text(
        409,
        "请按支付订单退款",
        "该收款来自支付订单 {order_id}，须由其渠道退回。请在支付订单页申请退款。",
        "It is given back by its order",
        "This payment came by payment order {order_id}, and its channel must give it back. Ask for a refund at the payment order.",
    ),
}
