# SPDX-License-Identifier: Apache-2.0
"""The words of a printed bill, Chinese and English: the template has none of its own (edges/typeset/)."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

WORDS: Mapping[str, tuple[str, str]] = {
    "water": ("水费账单", "Water bill"),
    "gas": ("燃气费账单", "Gas bill"),
    "other": ("账单", "Bill"),
    "number": ("账单号", "Bill no."),
    "code": ("缴费码", "Payment code"),
    "meters": ("表具读数", "Readings"),
    "lines": ("费用明细", "How the sum comes about"),
    "total": ("本期合计(元)", "Sum of this bill (CNY)"),
    "capitals": ("人民币大写", ""),
    "cycle": ("阶梯累计", "Tiers of the cycle"),
    "compare": ("用量比较", "Compared"),
    "chart": ("近 13 个月用量(m³)", "Use of 13 months (m³)"),
    "account": ("账户情况", "The account"),
    "superseded": ("本账单已被更正,作废。", "This bill was corrected and is not valid any more."),
    "foot": ("本账单不是发票。", "This bill is no invoice."),
    "account_number": ("户号", "Account"),
    "period": ("计费期", "Period"),
    "tariff": ("价目", "Tariff"),
    "class": ("用户类别", "Class"),
    "due": ("缴费期限", "Due by"),
    "made": ("出账日期", "Made on"),
    "version": ("第 {version} 版", "version {version}"),
    "to_pay": ("应缴合计(元)", "To pay (CNY)"),
    "paid": ("已缴清", "Paid"),
    "until": ("请于 {day} 前缴纳", "Please pay by {day}"),
    "overdue": ("已逾期,请尽快缴纳", "Overdue: please pay at once"),
    "meter": ("表号", "Meter"),
    "opening": ("上期示数", "Before"),
    "closing": ("本期示数", "Now"),
    "volume": ("用量(m³)", "Use (m³)"),
    "component": ("构成", "Component"),
    "tier": ("阶梯", "Tier"),
    "tier_name": ("第 {tier} 阶梯", "Tier {tier}"),
    "flat": ("单一价", "flat"),
    "minimum": ("保底差额", "up to the least charge"),
    "price": ("单价(元/m³)", "Price (CNY/m³)"),
    "price_heat": ("单价(基准热值)", "Price (reference heat)"),
    "amount": ("金额(元)", "Amount (CNY)"),
    "part": ("{name}小计", "{name} in all"),
    "counted": ("自 {day} 起累计 {volume} m³", "{volume} m³ counted since {day}"),
    "above": ("{volume} m³ 以上", "above {volume} m³"),
    "change": ("增减", "Change"),
    "this": ("本期 {month}", "this bill, {month}"),
    "last": ("上期 {month}", "before, {month}"),
    "year_ago": ("上年同期 {month}", "a year ago, {month}"),
    "this_open": ("本期未缴", "Of this bill"),
    "other_open": ("其他未缴账单", "Of other bills"),
    "fee": ("违约金(至 {day})", "Late fee (to {day})"),
    "credit": ("预存余额", "Paid ahead"),
    "as_of": ("账户情况截至 {day}。", "The account is told as of {day}."),
    "estimated": ("其中 {days} 天为估算用量,读到后将更正。", "{days} days are estimated; they are corrected when they are read."),
    "by_days": ("调价或换季时无读数,用量按天分摊。", "No register was read at a change of price or season: that use is shared by days."),
    "differs": (
        "用量含人工补齐或更正的部分,与示数之差不同。",
        "This use holds values a person filled or corrected: it is not the registers' difference.",
    ),
    "no_register": ("“–”:该时刻没有示数。", "“–”: no register is known of that moment."),
    "late_fee": ("逾期未缴将按价目规定加收违约金。", "A late fee arises on what is unpaid after its due day."),
    "corrected": ("更正原因:{reason}", "Corrected because: {reason}"),
    "resident": ("居民", "resident"),
    "combined": ("合表", "combined"),
    "non_resident": ("非居民", "non-resident"),
    "special": ("特种", "special"),
    "months": ("{month}月", "{month}"),
    "phone": ("客服 {phone}", "Service {phone}"),
    "hidden": ("(姓名与地址已隐去)", "(name and address left out)"),
}  # fmt: skip


def word(name: str, language: Language, /, **values: object) -> str:
    """A text in one language, with its values."""
    return WORDS[name][language == "en"].format(**values)
