# SPDX-License-Identifier: Apache-2.0
"""Words of notices in both languages: templates with ``{facts}``, those of the program and those a utility sets in their place.

A template holds plain text and names of facts in braces, nothing else; one that names an unknown fact, or leaves a brace open, is refused
when it is set, so that nothing can fail when an alarm comes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from openmains.domain.alarm.nodes import NODE_EVENTS
from openmains.domain.period import Zone, utc
from openmains.drivers.points import vocabulary

FACTS: Final = frozenset(
    {
        "utility",
        "event",
        "severity",
        "number",
        "address",
        "area",
        "raised",
        "value",
        "minutes",
        "count",
        "list",
        "alarm",
        "order",
        "title",
        "due",
        "text",
        "code",
        "account",
        "amount",
    }
)
MOST_LISTED: Final = 10
HIDDEN: Final = "••••••"  # a code that the log does not know
_FACT = re.compile(r"\{([a-z]+)\}")

_WHERE_ZH = "\n表号 {number}\n地址 {address}（{area}）\n时间 {raised}{value}\n"
_WHERE_EN = "\nMeter {number}\nAddress {address} ({area})\nAt {raised}{value}\n"
_ORDER_ZH = "\n表号 {number}\n地址 {address}（{area}）\n要求完成 {due}\n"
_ORDER_EN = "\nMeter {number}\nAddress {address} ({area})\nTo be done by {due}\n"
TEMPLATES: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("raised", "zh"): ("【{severity}】{event} {number}", "{utility}：{event}" + _WHERE_ZH + "请在控制台确认。"),
    ("raised", "en"): ("[{severity}] {event} {number}", "{utility}: {event}" + _WHERE_EN + "Acknowledge it in the console."),
    ("escalated", "zh"): (
        "【升级·{severity}】{event} {number}",
        "{utility}：告警已 {minutes} 分钟无人确认：{event}" + _WHERE_ZH + "请立即处理并确认。",
    ),
    ("escalated", "en"): (
        "[Escalated, {severity}] {event} {number}",
        "{utility}: nobody acknowledged for {minutes} minutes: {event}" + _WHERE_EN + "See to it now and acknowledge it.",
    ),
    ("cleared", "zh"): ("【已恢复】{event} {number}", "{utility}：告警已解除：{event}\n表号 {number}\n地址 {address}（{area}）"),
    ("cleared", "en"): ("[Over] {event} {number}", "{utility}: the alarm is over: {event}\nMeter {number}\nAddress {address} ({area})"),
    ("order", "zh"): ("【工单】{order} {title}", "{utility}：工单 {order} 已派给您：{title}" + _ORDER_ZH + "请在控制台接单。"),
    ("order", "en"): (
        "[Work order] {order} {title}", "{utility}: work order {order} is yours: {title}" + _ORDER_EN + "Accept it in the console.",
    ),
    ("order_overdue", "zh"): ("【工单超时】{order} {title}", "{utility}：工单 {order} 超时未完成：{title}" + _ORDER_ZH + "请立即处理或改派。"),
    ("order_overdue", "en"): (
        "[Work order overdue] {order} {title}",
        "{utility}: work order {order} is overdue: {title}" + _ORDER_EN + "See to it now, or send somebody else.",
    ),
    ("announcement", "zh"): ("【{utility}】{title}", "{text}"),
    ("announcement", "en"): ("[{utility}] {title}", "{text}"),
    ("customer_code", "zh"): ("【{utility}】登录验证码", "验证码 {code}，5 分钟内有效，请勿告诉他人。"),
    ("customer_code", "en"): ("[{utility}] Your code", "Your code is {code}. It is good for 5 minutes; tell it to nobody."),
    ("arrears_warning", "zh"): ("【{utility}】欠费提醒", "{text}"),
    ("arrears_warning", "en"): ("[{utility}] Arrears", "{text}"),
    ("balance_low", "zh"): ("【{utility}】余额提醒", "{text}"),
    ("balance_low", "en"): ("[{utility}] Your balance is low", "{text}"),
    ("digest", "zh"): ("{utility}：{count} 条告警通知", "{list}\n详见控制台。"),
    ("digest", "en"): ("{utility}: {count} notices", "{list}\nSee the console."),
    ("test", "zh"): ("{utility}：测试通知", "这是一条测试通知，收到即表示该渠道可用。"),
    ("test", "en"): ("{utility}: test notice", "This is a test. That you read it shows that the channel works."),
}  # fmt: skip
SHORT: Final[
    Mapping[tuple[str, str], str]
] = {  # the fact ``text`` of these: within a variable of a text message (35 signs)
    ("arrears_warning", "zh"): "户号{account}已欠费{amount}元，请尽快缴费",
    ("arrears_warning", "en"): "{account} owes {amount} CNY",
    ("balance_low", "zh"): "户号{account}余额{amount}元，请及时缴费",
    ("balance_low", "en"): "{account} has {amount} CNY left",
}
SEVERITY: Final[Mapping[str, tuple[str, str]]] = {
    "critical": ("紧急", "critical"), "major": ("重要", "major"), "minor": ("次要", "minor"), "info": ("提示", "info"),
}  # fmt: skip
PLATFORM_EVENTS: Final[Mapping[str, tuple[str, str]]] = {  # those that no driver says; as the console names them
    "above_limit": ("超上限", "Above its limit"),
    "below_limit": ("低于下限", "Below its limit"),
    "sim_separated": ("机卡分离", "SIM is not the registered one"),
    "terminal_cloned": ("疑似克隆终端", "Terminal cloned"),
    "terminal_flood": ("终端消息泛洪", "Terminal floods"),
    "key_failure": ("密钥校验失败", "Key failures in its name"),
    "register_back": ("读数倒退", "Register went back"),
    "terminal_quarantined": ("终端已隔离", "Terminal quarantined"),
    "terminal_blocked": ("终端已封锁", "Terminal blocked"),
    "safety_closing": ("安全关阀", "Safety closing"),
    "safety_close_failed": ("安全关阀未执行", "Safety closing was not carried out"),
    "safety_opened": ("安全关阀的表已打开", "Meter closed for safety is open"),
    "module_mismatch": ("模块与表不符", "Module does not fit the meter"),
    **{event: (zh, en) for event, (_, zh, en) in NODE_EVENTS.items()},
}
_METER: Final = {"zh": "表号 {number}", "en": "Meter {number}"}
_NODES: Final[Mapping[str, Mapping[str, str]]] = {
    "gateway": {"zh": "网关 {number}", "en": "Gateway {number}"},
    "concentrator": {"zh": "集中器 {number}", "en": "Concentrator {number}"},
}
_MORE = {"zh": "……另有 {n} 条", "en": "… and {n} more"}


def template_fault(text: str) -> str | None:
    """What keeps a text from being a template: ``unknown-fact``, ``open-brace``."""
    if any(name not in FACTS for name in _FACT.findall(text)):
        return "unknown-fact"
    return "open-brace" if re.search(r"[{}]", _FACT.sub("", text)) else None


def filled(template: str, facts: Mapping[str, str]) -> str:
    """The text; a fact that is not known is left empty. What a fact holds is never read as a template."""
    return _FACT.sub(lambda found: facts.get(found[1], ""), template)


def worded(
    kind: str, locale: str, own: Mapping[tuple[str, str], tuple[str, str]], facts: Mapping[str, str]
) -> tuple[str, str]:
    """Subject, on one line, and text of a notice: in the words that the utility set for the kind, else in the program's."""
    subject, body = own.get((kind, locale)) or TEMPLATES[kind, locale]
    if node := facts.get("node"):  # an alarm of the network's, not a meter's
        body = body.replace(_METER[locale], _NODES[node][locale])
    return " ".join(filled(subject, facts).split()), filled(body, facts)


def event_name(event: str, locale: str) -> str:
    """As people call it; the code where it has no name."""
    known = vocabulary().events.get(event)
    if known is not None:
        return known.title.zh if locale == "zh" else known.title.en
    names = PLATFORM_EVENTS.get(event)
    return event if names is None else names[0 if locale == "zh" else 1]


def facts_of(raw: Mapping[str, object], utility: str, zone: Zone, locale: str, kind: str = "") -> dict[str, str]:
    """Facts of an alarm as they are written into a text. ``raw``: what the store keeps with a notice; ``kind``: the notice's."""
    severity = str(raw.get("severity", ""))
    raised = raw.get("received_us")
    value = raw.get("value")
    unit = raw.get("unit")
    shown = ""
    if isinstance(value, int):
        exponent = raw.get("exponent")
        shown = f"\n{decimal(value, exponent if isinstance(exponent, int) else 0)} {unit or ''}".rstrip()
    minutes, members = raw.get("minutes"), raw.get("members")
    number = str(raw.get("number") or "–")
    if isinstance(members, int) and members > 1:
        number = f"{members} 只表" if locale == "zh" else f"{members} meters"
    event, rule = event_name(str(raw.get("event", "")), locale), str(raw.get("rule") or "")
    if rule:
        event = f"{event}“{rule}”" if locale == "zh" else f"{event}: {rule}"
    fen = raw.get("fen")
    account, amount = str(raw.get("account") or ""), decimal(fen, -2) if isinstance(fen, int) else ""
    text = SHORT.get((kind, locale))
    short = str(raw.get("text") or "") if text is None else filled(text, {"account": account, "amount": amount})
    return {
        "utility": utility,
        "event": event,
        "severity": SEVERITY.get(severity, (severity, severity))[0 if locale == "zh" else 1],
        "number": number,
        "address": str(raw.get("address") or "–"),
        "area": str(raw.get("area") or "–"),
        "raised": local_time(raised // 1_000_000, zone) if isinstance(raised, int) else "",
        "value": shown,
        "minutes": str(minutes) if isinstance(minutes, int) else "",
        "alarm": str(raw.get("alarm_id") or ""),
        "order": str(raw.get("order_id") or ""),
        "title": str(raw.get("title") or ""),
        "text": short,
        "account": account,
        "amount": amount,
        "code": str(raw.get("code") or HIDDEN),
        "node": _node_of(raw),
        "due": local_time(due // 1_000_000, zone) if isinstance(due := raw.get("due_us"), int) else "–",
    }


def _node_of(raw: Mapping[str, object]) -> str:
    """Which kind of node an alarm is of; "" where it is a meter's."""
    if not raw.get("node"):
        return ""
    return "concentrator" if raw.get("event") == "concentrator_silent" else "gateway"


def listed(lines: Sequence[str], locale: str) -> str:
    """The first lines, and how many more there are."""
    shown = list(lines[:MOST_LISTED])
    if len(lines) > MOST_LISTED:
        shown.append(_MORE[locale].replace("{n}", str(len(lines) - MOST_LISTED)))
    return "\n".join(shown)


def local_time(instant_s: int, zone: Zone) -> str:
    """YYYY-MM-DD HH:MM:SS in the utility's zone."""
    return utc(instant_s + zone.offset_s(instant_s)).strftime("%Y-%m-%d %H:%M:%S")


def decimal(value: int, exponent: int) -> str:
    """An integer x 10^exponent as text, exactly."""
    if exponent >= 0:
        return str(value * 10**exponent)
    digits = str(abs(value)).rjust(1 - exponent, "0")
    return f"{'-' if value < 0 else ''}{digits[:exponent]}.{digits[exponent:]}"
