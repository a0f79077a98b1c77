# SPDX-License-Identifier: Apache-2.0
"""Conditions: what is taken, what is refused with its place, what they mean, how they are said (R7.2)."""

from typing import Any

import pytest

from openmains.app.rule.terms import rule_vocabulary
from openmains.domain.rule.examples import CaseFacts, examples, facts_of
from openmains.domain.rule.judge import LastValue, MeterFacts, ReportedValues, judge
from openmains.domain.rule.sentence import sentence
from openmains.domain.rule.tree import ConditionError, parse
from openmains.domain.rule.trial import HeldSpan, PastMessage, fired, gathered, overlapping, silent_spans, spans_of

ALL = rule_vocabulary(None)
OF_ONE = rule_vocabulary(-3)
LOW = {"value": "battery_mv", "below": 3100}
SHAKEN = {"event": "movement"}


@pytest.mark.parametrize(
    ("document", "place", "code"),
    [
        ([], "", "wrong-type"),
        ({}, "", "wrong-type"),
        ("battery_mv", "", "wrong-type"),
        ({"all": []}, "/all", "wrong-type"),
        ({"all": [LOW, {}]}, "/all/1", "wrong-type"),
        ({"any": [LOW, {"not": {"event": "flood"}}]}, "/any/1/not/event", "not-accepted"),
        ({"event": "rule_fired"}, "/event", "not-accepted"),  # the platform's own: a rule would raise itself
        ({"event": ["movement"]}, "/event", "not-accepted"),
        ({"event": "movement", "for": 3}, "/for", "unknown-field"),
        ({"value": "battery_mv"}, "", "one-comparison"),
        ({**LOW, "above": 3600}, "", "one-comparison"),
        ({"value": "battery", "below": 1}, "/value", "not-accepted"),
        ({"value": "flow", "above": 1}, "/value", "not-accepted"),  # its unit is the product's
        ({"value": "balance_unknown", "below": 1}, "/value", "not-accepted"),
        ({"value": "battery_mv", "below": "3100"}, "/below", "wrong-type"),
        ({"value": "battery_mv", "below": 3100.0}, "/below", "wrong-type"),
        ({"value": "battery_mv", "below": True}, "/below", "wrong-type"),
        ({"value": "battery_pct", "above": 100}, "/above", "out-of-range"),  # nothing is: it would never fire
        ({"value": "battery_pct", "below": 0}, "/below", "out-of-range"),
        ({"value": "battery_pct", "outside": [20]}, "/outside", "wrong-type"),
        ({"value": "battery_pct", "outside": [80, 20]}, "/outside/1", "below-low"),
        ({"value": "battery_pct", "outside": [20, 101]}, "/outside/1", "out-of-range"),
        ({"change": "battery_mv", "falls": 0}, "/falls", "out-of-range"),
        ({"change": "battery_mv", "falls": 5, "rises": 5}, "", "one-comparison"),
        ({"change": "battery_pct", "moves": 101}, "/moves", "out-of-range"),
        ({"change": "battery_mv", "falls": 5, "per_s": 60}, "/per_s", "unknown-field"),
        ({"rate": "battery_mv", "falls": 5}, "/per_s", "required"),
        ({"rate": "battery_mv", "falls": 5, "per_s": 0}, "/per_s", "out-of-range"),
        ({"silent_h": 0}, "/silent_h", "out-of-range"),
        ({"silent_h": 2000000}, "/silent_h", "out-of-range"),
        ({"silent_h": 36, "of": LOW}, "/silent_h", "unknown-field"),
        ({"all": [LOW, {"silent_h": 36}]}, "/all/1", "stands-alone"),
        ({"not": {"missing_days": 2}}, "/not", "stands-alone"),
        ({"missing_days": 40}, "/missing_days", "out-of-range"),
        ({"unanswered_h": 24, "command": "dance"}, "/command", "not-accepted"),
        ({"meters": 5, "within": "cell"}, "/meters", "unknown-field"),
        ({"meters": 5, "within": "street", "of": LOW}, "/within", "not-accepted"),
        ({"meters": 1, "within": "cell", "of": LOW}, "/meters", "out-of-range"),
        ({"meters": 5, "percent": 0, "within": "cell", "of": LOW}, "/percent", "out-of-range"),
        ({"meters": 5, "within": "cell", "of": {"meters": 5, "within": "area", "of": LOW}}, "/of", "stands-alone"),
        ({"a/b~": 1}, "/a~1b~0", "unknown-field"),
        ({"all": [LOW] * 51}, "/all/49", "too-deep-or-many"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(document: Any, place: str, code: str) -> None:
    with pytest.raises(ConditionError) as error:
        parse(document, ALL.terms)
    assert (error.value.place, error.value.code) == (place, code)


def test_a_tree_too_deep_is_refused() -> None:
    deep: Any = LOW
    for _ in range(7):
        deep = {"not": deep}
    with pytest.raises(ConditionError, match="too-deep"):
        parse(deep, ALL.terms)


@pytest.mark.parametrize(
    ("document", "zh", "en"),
    [
        (LOW, "当“电池电压”低于 3.100 V时", "When “Battery voltage” is below 3.100 V"),
        (
            {"value": "pressure", "outside": [2000, 4000]},
            "当“间隔压力”低于 200.0 kPa或高于 400.0 kPa时",
            "When “Interval pressure” is below 200.0 kPa or above 400.0 kPa",
        ),
        (
            {"value": "flow", "above": 2500},
            "当“瞬时流量”高于 2.500 m3/h时",
            "When “Instantaneous flow” is above 2.500 m3/h",
        ),
        (
            {"rate": "pressure", "falls": 500, "per_s": 3600},
            "当“间隔压力”每小时下降至少 50.0 kPa时",
            "When “Interval pressure” falls by at least 50.0 kPa an hour",
        ),
        (
            {"any": [{"all": [LOW, {"not": SHAKEN}]}, SHAKEN]},
            "当（“电池电压”低于 3.100 V，并且不满足（有事件“异动”）），或者有事件“异动”时",
            "When (“Battery voltage” is below 3.100 V and it is not so that (the event “Movement” is there)) or the event “Movement” is there",
        ),
        ({"silent_h": 36}, "当表具已 36 小时没有任何消息时", "When nothing was heard of the meter for 36 h"),
        (
            {"missing_days": 2},
            "当表具至少 2 天应报未报时",
            "When at least 2 days of the meter were due and are missing",
        ),
        (
            {"meters": 5, "percent": 20, "within": "cell", "of": {"unanswered_h": 24}},
            "当同一小区内至少 5 只表（且不少于 20%）同时满足：命令发出 24 小时未应答时",
            "When at least 5 meters in one radio cell (and 20 % of them) at once: a command is unanswered for 24 h",
        ),
    ],
)
def test_a_condition_is_said_in_both_languages(document: Any, zh: str, en: str) -> None:
    said = sentence(parse(document, OF_ONE.terms), OF_ONE.words)
    assert (said.zh, said.en) == (zh, en)


def test_how_long_it_must_hold_is_said_too() -> None:
    said = sentence(parse(LOW, ALL.terms), ALL.words, 5400)
    assert (said.zh, said.en) == (
        "当“电池电压”低于 3.100 V，且持续 90 分钟时",
        "When “Battery voltage” is below 3.100 V, and this for 90 min",
    )


def judged(document: Any, **facts: Any) -> bool | None:
    return judge(parse(document, OF_ONE.terms), MeterFacts(**facts))


def test_what_is_not_said_neither_fulfils_nor_ends() -> None:
    low, high = ReportedValues((3099,)), ReportedValues((3100,))
    assert judged(LOW, reported={"battery_mv": low}) is True
    assert judged(LOW, reported={"battery_mv": high}) is False
    assert judged(LOW, reported={"battery_mv": ReportedValues((None,))}) is None
    assert judged({"not": LOW}) is None
    both = {"all": [LOW, SHAKEN]}
    assert judged(both, reported={"battery_mv": low}) is None
    assert judged(both, reported={"battery_mv": low}, events=()) is False
    assert judged(both, reported={"battery_mv": high}) is False  # whatever the events are
    assert judged({"any": [LOW, SHAKEN]}, events=("movement",)) is True
    assert judged({"any": [LOW, SHAKEN]}, events=()) is None


@pytest.mark.parametrize(
    ("document", "values", "interval_s", "before", "verdict"),
    [
        ({"change": "battery_mv", "falls": 200}, (3400,), 0, (3600, 0), True),
        ({"change": "battery_mv", "falls": 200}, (3401,), 0, (3600, 0), False),
        ({"change": "battery_mv", "falls": 200}, (3800,), 0, (3600, 0), False),
        ({"change": "battery_mv", "rises": 200}, (3800,), 0, (3600, 0), True),
        ({"change": "battery_mv", "moves": 200}, (3800,), 0, (3600, 0), True),
        ({"change": "battery_mv", "falls": 200}, (3400,), 0, None, None),
        ({"change": "battery_mv", "falls": 200}, (3400,), 0, (3600, 7200), None),  # it was said later than this one
        ({"change": "pressure", "falls": 500}, (3000, 2400, None, 2500), 1800, None, True),
        ({"change": "pressure", "falls": 500}, (3000, None, 2400), 1800, None, None),  # no step is known
        ({"change": "pressure", "falls": 500}, (2400, 2500), 1800, (3000, 0), True),  # into the series
        ({"rate": "battery_mv", "falls": 100, "per_s": 3600}, (3400,), 0, (3600, 0), True),  # 200 in 7200 s
        ({"rate": "battery_mv", "falls": 101, "per_s": 3600}, (3400,), 0, (3600, 0), False),
        ({"rate": "pressure", "falls": 500, "per_s": 3600}, (3000, 2750), 1800, None, True),
        ({"rate": "pressure", "falls": 501, "per_s": 3600}, (3000, 2750), 1800, None, False),
        ({"rate": "pressure", "falls": 500, "per_s": 3600}, (3000, 2750), 0, None, None),  # nobody says how long it took
    ],
)  # fmt: skip
def test_changes_and_rates(
    document: Any, values: tuple[int | None, ...], interval_s: int, before: tuple[int, int] | None, verdict: bool | None
) -> None:
    point = document.get("change") or document["rate"]
    last = {} if before is None else {point: LastValue(*before)}
    assert judged(document, reported={point: ReportedValues(values, interval_s)}, before=last, at_s=7200) is verdict


@pytest.mark.parametrize(
    "document",
    [
        LOW, SHAKEN, {"not": SHAKEN}, {"all": [LOW, SHAKEN]}, {"any": [LOW, {"not": SHAKEN}]}, {"silent_h": 36}, {"missing_days": 1},
        {"value": "pressure", "outside": [2000, 4000]}, {"change": "battery_mv", "falls": 200}, {"unanswered_h": 5, "command": "valve_close"},
        {"rate": "flow", "moves": 10, "per_s": 60}, {"meters": 5, "within": "area", "of": SHAKEN}, {"change": "battery_pct", "rises": 100},
        {"all": [{"value": "battery_mv", "above": 3000}, {"value": "battery_mv", "below": 3100}]},
    ],
)  # fmt: skip
def test_there_is_a_case_on_either_side(document: Any) -> None:
    condition = parse(document, OF_ONE.terms)
    found = examples(condition, OF_ONE.terms)
    assert [fires for _, fires in found] == [True, False]
    assert all((judge(condition, facts_of(case)) is True) is fires for case, fires in found)


def test_what_contradicts_itself_has_one_case_only() -> None:
    never = parse({"all": [SHAKEN, {"not": SHAKEN}]}, ALL.terms)
    assert [fires for _, fires in examples(never, ALL.terms)] == [False]
    assert facts_of(CaseFacts(unanswered_h=2)).unanswered_s == {"": 7200}


def test_when_it_would_have_fired() -> None:
    condition: Any = parse(LOW, ALL.terms)

    def message(at_s: int, value: int | None) -> PastMessage:
        return PastMessage(at_s, {} if value is None else {"battery_mv": ReportedValues((value,))})

    told = [(10, 3200), (20, 3000), (30, None), (40, 3050), (50, 3100), (60, 2900), (65, 3300), (70, 3000)]
    spans = spans_of(condition, [message(at, value) for at, value in told])
    assert spans == [HeldSpan(20, 50), HeldSpan(60, 65), HeldSpan(70, None)]
    assert fired(spans, 0, 75) == [20, 60, 70]
    assert fired(spans, 10, 75) == [30]  # the second was over before, the third is not due yet
    assert fired(spans, 10, 80) == [30, 80]
    assert fired(spans, 30, 75) == []  # over at the very instant


def test_silence_missing_days_and_places_in_the_past() -> None:
    assert silent_spans([0, 7200, 9000], 2, 9000 + 7200) == [HeldSpan(7200, 7200), HeldSpan(16_200, None)]
    days = [HeldSpan(0, 50), HeldSpan(10, None), HeldSpan(20, 30), HeldSpan(60, 70)]
    assert overlapping(days, 2) == [HeldSpan(10, 50), HeldSpan(60, 70)]
    assert overlapping(days, 3) == [HeldSpan(20, 30)]
    two: Any = parse({"meters": 2, "percent": 40, "within": "area", "of": LOW}, ALL.terms)
    by_meter = {1: [HeldSpan(0, 100)], 2: [HeldSpan(10, 20), HeldSpan(50, None)], 3: [HeldSpan(15, 60)]}
    assert gathered(two, by_meter, 5, 0, 200) == [(10, 2)]  # 2 of 5; from 10 to 100 there are always two
    assert gathered(two, by_meter, 6, 0, 200) == [(15, 3), (50, 2)]
    assert gathered(two, by_meter, 5, 20, 200) == [(35, 3), (70, 2)]
