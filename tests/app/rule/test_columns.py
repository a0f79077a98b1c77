# SPDX-License-Identifier: Apache-2.0
"""Rules over columns say what the rules of one message say, and a part of a batch changes what its messages change one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.rule.columns import PointSteps, RulePlan
from openmains.app.rule.model import ActiveRule
from openmains.app.rule.terms import rule_vocabulary
from openmains.app.rule.watch import RuledMessage, RuledMeter, RuleOutcome, RuleSet
from openmains.domain.ids import AreaId, MeterId, ProductId, RuleId, TenantId
from openmains.domain.rule.judge import LastValue, MeterFacts, ReportedValues, judge
from openmains.domain.rule.tree import parse
from openmains.drivers.model import MISSING_VALUE, Columns, Kind
from openmains.drivers.points import vocabulary
from tests.support.properties import counted

TERMS = rule_vocabulary(-3).terms
MOVEMENT, BURST = (1 << vocabulary().events[name].bit for name in ("movement", "burst"))
LOW = {"value": "battery_mv", "below": 3100}
SHAKEN = {"event": "movement"}
S = 1_000_000


def rule(number: int, document: Any, **more: Any) -> ActiveRule:
    return ActiveRule(RuleId(number), more.pop("version", 1), TenantId(1), parse(document, TERMS), "major", **more)


def columns(count: int, *, events: list[int] | None = None, known: int = MOVEMENT | BURST, **said: Any) -> Columns:
    points = {name: np.array(values, dtype=np.int64) for name, values in said.items()}
    series = {name: points.pop(name) for name in list(points) if points[name].ndim == 2}
    mask = None if events is None else np.array(events, dtype=np.int64)
    return Columns(Kind.REPORT, list(range(count)), points, series, mask, known)


VALUES = st.one_of(st.none(), st.sampled_from([-(2**60), -1, 0, 2999, 3000, 3099, 3100, 3101, 2**60]))
POINTS = ("battery_mv", "temperature", "balance")
BOUNDS = st.sampled_from([0, 3000, 3100])
DIRECTIONS, STEPS = st.sampled_from(["rises", "falls", "moves"]), st.sampled_from([1, 100, 2**59])
LEAVES = st.one_of(
    st.builds(lambda point, bound: {"value": point, "below": bound}, st.sampled_from(["temperature"]), st.just(100)),
    st.builds(lambda bound: {"value": "battery_mv", "above": bound}, BOUNDS),
    st.builds(lambda bound: {"value": "balance", "outside": [bound, 3100]}, BOUNDS),
    st.just({"value": "balance_volume", "below": 3000}),
    st.builds(lambda name: {"event": name}, st.sampled_from(["movement", "burst"])),
    st.builds(lambda way, least: {"change": "balance", way: least}, DIRECTIONS, STEPS),
    st.builds(
        lambda way, least, per_s: {"rate": "balance", way: least, "per_s": per_s},
        DIRECTIONS, STEPS, st.sampled_from([1, 3600]),
    ),
    st.builds(lambda way, least: {"change": "pressure", way: least}, DIRECTIONS, st.sampled_from([1, 101])),
    st.builds(lambda way: {"rate": "pressure", way: 101, "per_s": 1800}, DIRECTIONS),
    st.just({"value": "pressure", "outside": [0, 3000]}),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(lambda listed: {"all": listed}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda listed: {"any": listed}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, parts),
    ),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {
        "battery_mv": VALUES,
        "temperature": VALUES,
        "balance": VALUES,
        "balance_kind": st.sampled_from([None, 0, 1, 2]),
        "pressure": st.tuples(VALUES, VALUES, VALUES),
        "interval": st.sampled_from([None, 0, 1800]),
        "events": st.sampled_from([0, MOVEMENT, BURST, MOVEMENT | BURST]),
        "before": st.one_of(st.none(), st.tuples(st.sampled_from([-(2**60), 0, 3000, 2**60]), st.integers(1, 90_000))),
    }
)


def _listed(rows: list[dict[str, Any]], name: str) -> list[int]:
    return [MISSING_VALUE if row[name] is None else row[name] for row in rows]


@settings(max_examples=counted(300))
@given(st.lists(TREES, min_size=1, max_size=4), st.lists(ROWS, min_size=1, max_size=5))
def test_columns_say_what_single_messages_say(trees: list[Any], rows: list[dict[str, Any]]) -> None:
    rules = [rule(number, tree) for number, tree in enumerate(trees)]
    found = columns(
        len(rows),
        events=[row["events"] for row in rows],
        **{name: _listed(rows, name) for name in (*POINTS, "balance_kind")},
        pressure_interval_s=_listed(rows, "interval"),
        pressure=[[MISSING_VALUE if value is None else value for value in row["pressure"]] for row in rows],
    )
    steps = PointSteps(
        np.array([MISSING_VALUE if row["before"] is None else row["before"][0] for row in rows], dtype=np.int64),
        np.array([0 if row["before"] is None else row["before"][1] for row in rows], dtype=np.int64),
    )
    verdicts = RulePlan(rules).judge(found, {"balance": steps, "pressure": steps})
    for number, row in enumerate(rows):
        said = {name: ReportedValues((row[name],)) for name in ("battery_mv", "temperature")}
        said["balance"] = ReportedValues((row["balance"] if row["balance_kind"] == 0 else None,))
        said["balance_volume"] = ReportedValues((row["balance"] if row["balance_kind"] == 1 else None,))
        said["pressure"] = ReportedValues(row["pressure"], row["interval"] or 0)
        active = [name for name, bit in (("movement", MOVEMENT), ("burst", BURST)) if row["events"] & bit]
        before, at_s = {}, 0
        if row["before"] is not None:
            before = {name: LastValue(row["before"][0], 0) for name in ("balance", "pressure")}
            at_s = row["before"][1]
        facts = MeterFacts(said, active, before, at_s)
        for place, each in enumerate(rules):
            expected = judge(each.condition, facts)
            found = verdicts.fulfilled.get(number)
            assert (found is not None and place in found.places) is (expected is True)
            assert verdicts.is_over(place, number) is (expected is False)


def test_an_event_that_the_message_does_not_know_is_not_said() -> None:
    verdicts = RulePlan([rule(1, {"not": SHAKEN}), rule(2, {"event": "gas_leak"})]).judge(columns(1, events=[0]), {})
    assert {row: found.places for row, found in verdicts.fulfilled.items()} == {0: [0]}
    assert not verdicts.is_over(1, 0)
    assert RulePlan([rule(1, {"not": SHAKEN})]).judge(columns(1, battery_mv=[1]), {}).fulfilled == {}


class Town:
    """A utility's meters, that say things one after the other."""

    def __init__(self, *rules: ActiveRule) -> None:
        self.book = RuleSet(rules)
        self.meters: dict[int, RuledMeter] = {}

    def hear(self, *said: tuple[int, int, Columns, int], area: int = 1, dn: int = 20) -> RuleOutcome:
        """(meter, s, columns, row)"""
        return self.book.watch(
            [
                RuledMessage(
                    found, row, TenantId(1), ProductId(1), MeterId(meter), AreaId(area), dn,
                    self.meters.setdefault(meter, RuledMeter()), at, at * S,
                )
                for meter, at, found, row in said
            ]
        )  # fmt: skip


def told(outcome: RuleOutcome) -> list[tuple[int, int, str]]:
    return [(alarm.meter_id, int(alarm.quantity.partition(".")[2]), alarm.action) for alarm in outcome.alarms]


def test_a_rule_fires_once_and_again_after_it_was_over() -> None:
    town, low, high, silent = (
        Town(rule(7, LOW)),
        columns(1, battery_mv=[3000]),
        columns(1, battery_mv=[3200]),
        columns(1),
    )
    first = town.hear((1, 10, low, 0), (1, 20, silent, 0), (1, 30, low, 0))
    assert told(first) == [(1, 7, "raised")]
    assert (first.alarms[0].event, first.alarms[0].quantity, first.alarms[0].severity) == (
        "rule_fired",
        "rule.7",
        "major",
    )
    assert told(town.hear((1, 40, high, 0), (1, 50, high, 0), (1, 60, low, 0), (2, 61, low, 0))) == [
        (1, 7, "cleared"), (1, 7, "raised"), (2, 7, "raised"),
    ]  # fmt: skip
    assert {meter: town.meters[meter].standing for meter in (1, 2)} == {1: {7: 1}, 2: {7: 1}}


def test_messages_of_two_shapes_are_taken_in_the_order_in_which_they_came() -> None:
    low, alarm = columns(2, battery_mv=[3000, 3200]), columns(1, events=[MOVEMENT])
    town = Town(rule(1, LOW), rule(2, SHAKEN))
    assert told(town.hear((1, 1, low, 0), (1, 2, alarm, 0), (1, 3, low, 1))) == [
        (1, 1, "raised"), (1, 2, "raised"), (1, 1, "cleared"),
    ]  # fmt: skip


def test_meters_of_two_products_in_the_same_columns_have_their_own_rules() -> None:
    """An edge may still name the product that a meter had before: whichever meter comes last, it decides for none of the others."""
    shared = columns(2, battery_mv=[3000, 3000])
    fall = {"change": "battery_mv", "falls": 100}
    one, two = ProductId(1), ProductId(2)
    rules = [rule(1, LOW, product_id=one), rule(2, LOW, product_id=two), rule(3, fall, product_id=one)]
    for products in ((one, two), (two, one)):
        book = RuleSet(rules)
        meters = [RuledMeter(remembered={"battery_mv": LastValue(3200, 1)}) for _ in products]
        outcome = book.watch(
            [
                RuledMessage(shared, row, TenantId(1), product, MeterId(row), AreaId(1), 20, meters[row], 10, 10 * S)
                for row, product in enumerate(products)
            ]
        )
        of_one, of_two = products.index(one), products.index(two)
        assert sorted(told(outcome)) == sorted([(of_one, 1, "raised"), (of_one, 3, "raised"), (of_two, 2, "raised")])


def test_what_must_hold_or_gathers_is_left_to_the_clock() -> None:
    town = Town(
        rule(1, LOW, held_s=600),
        rule(2, {"meters": 3, "within": "area", "of": LOW}, held_s=60),
        rule(3, {"silent_h": 3}),
    )
    low, high = columns(1, battery_mv=[3000]), columns(1, battery_mv=[3200])
    begun = town.hear((1, 10, low, 0))
    assert told(begun) == []
    assert [(change.rule_id, change.is_fulfilled, change.due_us) for change in begun.changes] == [
        (1, True, 610 * S), (2, True, None),
    ]  # fmt: skip
    over = town.hear((1, 20, high, 0))
    assert [(change.rule_id, change.is_fulfilled) for change in over.changes] == [(1, False), (2, False)]
    assert told(over) == [(1, 1, "cleared")]  # it may have fired meanwhile; a place's alarm is the clock's to end


def test_another_version_begins_anew() -> None:
    low = columns(1, battery_mv=[3000])
    town = Town(rule(1, LOW))
    town.hear((1, 10, low, 0))
    town.book = RuleSet([rule(1, LOW, version=2)])
    assert [(change.version, change.is_fulfilled) for change in town.hear((1, 20, low, 0)).changes] == [(2, True)]


@pytest.mark.parametrize(
    ("scope", "meter", "fires"),
    [
        ({}, {}, True),
        ({"areas": frozenset({AreaId(1)})}, {}, True),
        ({"areas": frozenset({AreaId(2)})}, {}, False),
        ({"product_id": ProductId(2)}, {}, False),
        ({"dn_from": 20, "dn_to": 25}, {}, True),
        ({"dn_from": 25}, {}, False),
        ({"dn_from": 1}, {"dn": 0}, False),  # nobody knows its DN
        ({"dn_to": 15}, {}, False),
        ({"classes": frozenset({"resident"})}, {}, False),
    ],
)
def test_a_rule_is_for_whom_it_is(scope: dict[str, Any], meter: dict[str, Any], fires: bool) -> None:
    town = Town(rule(1, LOW, **scope))
    assert bool(told(town.hear((1, 10, columns(1, battery_mv=[3000]), 0), **meter))) is fires


def test_a_meter_that_comes_out_of_the_scope_stands_no_more() -> None:
    town = Town(rule(1, LOW, areas=frozenset({AreaId(1)})))
    town.hear((1, 10, columns(1, battery_mv=[3000]), 0))
    assert told(town.hear((1, 20, columns(1, battery_mv=[3000]), 0), area=2)) == [(1, 1, "cleared")]
    town = Town(rule(1, LOW, classes=frozenset({"resident"})))
    town.meters[1] = RuledMeter("resident")
    assert told(town.hear((1, 10, columns(1, battery_mv=[3000]), 0))) == [(1, 1, "raised")]


def test_last_values_go_from_message_to_message_and_are_kept() -> None:
    town = Town(
        rule(1, {"change": "battery_mv", "falls": 200}), rule(2, {"rate": "battery_mv", "falls": 100, "per_s": 10})
    )
    values = columns(6, battery_mv=[3600, 3600, 3400, MISSING_VALUE, 3400, 3390])
    outcome = town.hear(
        (1, 10, values, 0), (2, 11, values, 1), (1, 20, values, 2), (1, 25, values, 3), (2, 41, values, 4)
    )
    assert told(outcome) == [(1, 1, "raised"), (1, 2, "raised"), (2, 1, "raised")]  # the second fell by 200 in 30 s
    assert outcome.remembered == {
        (1, "battery_mv"): (1, LastValue(3400, 20)), (2, "battery_mv"): (1, LastValue(3400, 41)),
    }  # fmt: skip
    older = town.hear((1, 15, columns(1, battery_mv=[9000]), 0))
    assert (older.remembered, older.changes) == ({}, [])  # it was said before
    assert told(town.hear((1, 30, values, 5))) == [(1, 1, "cleared"), (1, 2, "cleared")]


def test_a_value_that_stays_is_written_once_unless_its_rate_is_asked() -> None:
    values = columns(4, battery_mv=[3600, 3600, 3400, 3400])
    town = Town(rule(1, {"change": "battery_mv", "falls": 200}))
    written = [town.hear((1, 10 * row + 10, values, row)).remembered for row in range(4)]
    key = (1, "battery_mv")
    assert written == [{key: (1, LastValue(3600, 10))}, {}, {key: (1, LastValue(3400, 30))}, {}]
    town.book = RuleSet([rule(2, {"rate": "battery_mv", "falls": 1, "per_s": 10})])
    assert town.hear((1, 50, columns(1, battery_mv=[3400]), 0)).remembered == {key: (1, LastValue(3400, 50))}


SAID = st.tuples(st.integers(1, 3), st.sampled_from([2900, 3050, 3200, MISSING_VALUE]), st.sampled_from([0, MOVEMENT]))


@settings(max_examples=counted(100))
@given(said=st.lists(SAID, min_size=1, max_size=12), is_scoped=st.booleans(), stale=st.booleans())
def test_messages_alike_change_what_each_would_alone(
    said: list[tuple[int, int, int]], is_scoped: bool, stale: bool
) -> None:
    """Whether rules are for all, for some, or one stands that is asked no more: messages of many that fulfil the same are not passed over."""
    scope = {"areas": frozenset({AreaId(2)})} if is_scoped else {}
    rules = [rule(1, LOW), rule(2, SHAKEN), rule(3, {"value": "battery_mv", "below": 3000}), rule(4, LOW, **scope)]
    part = columns(
        len(said), battery_mv=[value for _, value, _ in said], events=[events for _, _, events in said], known=MOVEMENT
    )
    town = Town(*rules)
    standing: dict[int, dict[int, int]] = {}
    for meter in (1, 2, 3):
        town.meters[meter] = RuledMeter(standing={RuleId(9): 1} if stale else {})
        standing[meter] = dict(town.meters[meter].standing)
    expected: list[tuple[int, int, bool]] = []
    for meter, value, events in said:
        reported = {} if value == MISSING_VALUE else {"battery_mv": ReportedValues((value,))}
        facts = MeterFacts(reported, ["movement"] if events else [])
        found = {each.rule_id: judge(each.condition, facts) for each in rules}
        mine = {each.rule_id for each in rules if each.is_for(AreaId(1), 20, "")}
        began = [
            number for number, is_so in found.items() if is_so and number in mine and number not in standing[meter]
        ]
        over = [number for number in sorted(standing[meter]) if number in found and found[RuleId(number)] is False]
        standing[meter] |= dict.fromkeys(began, 1)
        for number in over:
            del standing[meter][number]
        expected += [(meter, number, True) for number in began] + [(meter, number, False) for number in over]
    outcome = town.hear(*[(meter, 10 + row, part, row) for row, (meter, _, _) in enumerate(said)])
    assert [(change.meter_id, change.rule_id, change.is_fulfilled) for change in outcome.changes] == expected
    assert {number: meter.standing for number, meter in town.meters.items()} == standing
