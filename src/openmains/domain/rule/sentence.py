# SPDX-License-Identifier: Apache-2.0
"""A condition as a sentence, in Chinese and in English: what was built in the form is read before it is switched on."""

from collections.abc import Mapping
from dataclasses import dataclass

from openmains.domain.quantity import decimal_of
from openmains.domain.rule.tree import (
    AllConditions,
    AnyCondition,
    ChangeCondition,
    Condition,
    EventCondition,
    GatherCondition,
    MissingCondition,
    NotCondition,
    SilenceCondition,
    UnansweredCondition,
    ValueCondition,
)


@dataclass(frozen=True, slots=True)
class RuleTerm:
    """What a point, an event or a command is called, and what a point is counted in."""

    zh: str
    en: str
    unit: str = ""
    exponent: int = 0

    def value(self, count: int) -> str:
        """In the unit that people read."""
        return f"{decimal_of(count, self.exponent):f} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class RuleSentence:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class RuleWords:
    """Names of all that a condition can ask about."""

    points: Mapping[str, RuleTerm]
    events: Mapping[str, RuleTerm]
    commands: Mapping[str, RuleTerm]


_DIRECTIONS_ZH = {"rises": "上升", "falls": "下降", "moves": "变化"}
_DIRECTIONS_EN = {"rises": "rises", "falls": "falls", "moves": "changes"}
_PLACES_ZH = {"area": "同一区域内", "cell": "同一小区内", "scope": "适用范围内"}
_PLACES_EN = {"area": "in one area", "cell": "in one radio cell", "scope": "of those the rule is for"}


def sentence(condition: Condition, words: RuleWords, held_s: int = 0) -> RuleSentence:
    """When the rule fires. ``held_s``: the condition has held for so long."""
    zh, en = _zh(condition, words), _en(condition, words)
    if held_s:
        zh, en = f"{zh}，且持续 {_minutes(held_s)} 分钟", f"{en}, and this for {_minutes(held_s)} min"
    return RuleSentence(f"当{zh}时", f"When {en}")


def _minutes(held_s: int) -> str:
    return f"{held_s // 60}" if held_s % 60 == 0 else f"{held_s / 60:.2f}".rstrip("0")


def _time(seconds: int) -> tuple[str, str]:
    """A span of time in the greatest unit that says it whole."""
    for size, zh, en, one in (
        (86_400, "天", "d", "a day"),
        (3600, "小时", "h", "an hour"),
        (60, "分钟", "min", "a minute"),
    ):
        if seconds % size == 0:
            count = seconds // size
            return (f"每{zh}", one) if count == 1 else (f"每 {count} {zh}", f"in {count} {en}")
    return f"每 {seconds} 秒", f"in {seconds} s"


def _zh(condition: Condition, words: RuleWords) -> str:
    if isinstance(condition, ValueCondition):
        term = words.points[condition.point]
        said = [f"低于 {term.value(condition.low)}"] if condition.low is not None else []
        said += [f"高于 {term.value(condition.high)}"] if condition.high is not None else []
        return f"“{term.zh}”{'或'.join(said)}"
    if isinstance(condition, ChangeCondition):
        term = words.points[condition.point]
        much = f"{_DIRECTIONS_ZH[condition.direction]}至少 {term.value(condition.least)}"
        return f"“{term.zh}”{much if condition.per_s is None else _time(condition.per_s)[0] + much}"
    if isinstance(condition, EventCondition):
        return f"有事件“{words.events[condition.event].zh}”"
    if isinstance(condition, SilenceCondition):
        return f"表具已 {condition.hours} 小时没有任何消息"
    if isinstance(condition, MissingCondition):
        return f"表具至少 {condition.days} 天应报未报"
    if isinstance(condition, UnansweredCondition):
        which = f"命令“{words.commands[condition.command].zh}”" if condition.command else "命令"
        return f"{which}发出 {condition.hours} 小时未应答"
    if isinstance(condition, GatherCondition):
        share = "" if condition.percent is None else f"（且不少于 {condition.percent}%）"
        return (
            f"{_PLACES_ZH[condition.within]}至少 {condition.meters} 只表{share}同时满足：{_zh(condition.part, words)}"
        )
    if isinstance(condition, NotCondition):
        return f"不满足（{_zh(condition.part, words)}）"
    word = "，并且" if isinstance(condition, AllConditions) else "，或者"
    return word.join(f"（{_zh(part, words)}）" if _is_several(part) else _zh(part, words) for part in condition.parts)


def _en(condition: Condition, words: RuleWords) -> str:
    if isinstance(condition, ValueCondition):
        term = words.points[condition.point]
        said = [f"below {term.value(condition.low)}"] if condition.low is not None else []
        said += [f"above {term.value(condition.high)}"] if condition.high is not None else []
        return f"“{term.en}” is {' or '.join(said)}"
    if isinstance(condition, ChangeCondition):
        term = words.points[condition.point]
        much = f"{_DIRECTIONS_EN[condition.direction]} by at least {term.value(condition.least)}"
        return f"“{term.en}” {much if condition.per_s is None else much + ' ' + _time(condition.per_s)[1]}"
    if isinstance(condition, EventCondition):
        return f"the event “{words.events[condition.event].en}” is there"
    if isinstance(condition, SilenceCondition):
        return f"nothing was heard of the meter for {condition.hours} h"
    if isinstance(condition, MissingCondition):
        return f"at least {condition.days} days of the meter were due and are missing"
    if isinstance(condition, UnansweredCondition):
        which = f"the command “{words.commands[condition.command].en}”" if condition.command else "a command"
        return f"{which} is unanswered for {condition.hours} h"
    if isinstance(condition, GatherCondition):
        share = "" if condition.percent is None else f" (and {condition.percent} % of them)"
        where = _PLACES_EN[condition.within]
        return f"at least {condition.meters} meters {where}{share} at once: {_en(condition.part, words)}"
    if isinstance(condition, NotCondition):
        return f"it is not so that ({_en(condition.part, words)})"
    word = " and " if isinstance(condition, AllConditions) else " or "
    return word.join(f"({_en(part, words)})" if _is_several(part) else _en(part, words) for part in condition.parts)


def _is_several(part: Condition) -> bool:
    return isinstance(part, AllConditions | AnyCondition) and len(part.parts) > 1
