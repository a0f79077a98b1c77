# SPDX-License-Identifier: Apache-2.0
"""Lives and installations of meters: the table, the rules of one act, and a model of many acts in any order, repeated, two at once."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.fleet.hanging import (
    MAIN,
    UNREAD,
    AccountFacts,
    Change,
    EndRegister,
    Hanging,
    LifeActRefusedError,
    MeterInLife,
    MeterRole,
    Refusal,
    RegisterSource,
    accept,
    exchange,
    hangs_rightly,
    install,
    move,
    owner_at,
    remove,
    settled,
    step,
)
from openmains.domain.fleet.meter_life import CHANGES, HANGING, Life, LifeAct, acts_of, following

T = 1_700_000_000
READ = RegisterSource.READ


def register(count: int, digit: int = 1) -> EndRegister:
    return EndRegister(count, READ, digit)


def meter(
    meter_id: int = 1, life: Life = Life.ISSUED, role: MeterRole = MeterRole.HOUSEHOLD, **known: object
) -> MeterInLife:
    made = MeterInLife(meter_id, f"m{meter_id}", "water", life, T, role)
    return replace(made, **known)  # type: ignore[arg-type]


def hung(meter_id: int, account_id: int, from_s: int = T, role: MeterRole = MeterRole.HOUSEHOLD) -> Hanging:
    return Hanging(meter_id, meter_id, account_id, role, from_s, None, register(0), None)


ACCOUNT = AccountFacts(7, "A7", "water", T - 1000, None)


def refusal(act: object, *values: object, **named: object) -> Refusal:
    with pytest.raises(LifeActRefusedError) as caught:
        act(*values, **named)  # type: ignore[operator]
    return caught.value.refusal


def test_the_table_names_every_act_and_what_hangs_is_taken_off_before_anything_else() -> None:
    assert {act for row in CHANGES.values() for act in row} == set(LifeAct)
    assert {after for row in CHANGES.values() for after in row.values()} | {Life.STOCK} == set(Life)
    for life in HANGING:
        assert {LifeAct.ISSUE, LifeAct.REPAIR, LifeAct.SCRAP, LifeAct.INSTALL, LifeAct.RESTOCK}.isdisjoint(
            acts_of(life)
        )
    assert not acts_of(Life.SCRAP)
    ways, seen = [Life.STOCK], {Life.STOCK}
    while ways:
        for after in CHANGES[ways.pop()].values():
            if after not in seen:
                seen.add(after)
                ways.append(after)
    assert seen == set(Life)


def test_a_wrong_order_is_refused_by_name() -> None:
    for life in Life:
        for act in LifeAct:
            if following(life, act) is None:
                with pytest.raises(LifeActRefusedError) as caught:
                    step(meter(life=life), act, T, T)
                assert caught.value.refusal is Refusal.WRONG_ORDER
                assert caught.value.values == {"number": "m1", "life": life, "act": act}
    assert refusal(step, meter(), LifeAct.INSTALL, T + 2, T + 1) is Refusal.ACT_AHEAD
    assert refusal(step, meter(), LifeAct.INSTALL, T - 1, T + 1) is Refusal.ACT_BEFORE_LAST


def test_one_main_meter_of_its_medium_at_an_open_account() -> None:
    held = replace(ACCOUNT, spans=[hung(2, 7)])
    assert refusal(install, meter(), held, T, T, register(0)) is Refusal.ACCOUNT_HAS_METER
    assert refusal(install, meter(role=MeterRole.MASTER), held, T, T, register(0)) is Refusal.ACCOUNT_HAS_METER
    for role in (MeterRole.ADDITIONAL, MeterRole.CHECK):
        assert install(meter(role=role), held, T, T, register(0)).begins == (7, role, register(0))
    ended = replace(hung(2, 7), to_s=T + 50, closing=register(9))
    freed = replace(ACCOUNT, spans=[ended])
    assert refusal(install, meter(), freed, T + 49, T + 60, register(0)) is Refusal.ACCOUNT_HAS_METER
    assert install(meter(), freed, T + 50, T + 60, register(0)).life is Life.INSTALLED
    assert refusal(install, meter(), replace(ACCOUNT, medium="gas"), T, T, register(0)) is Refusal.OTHER_MEDIUM_ACCOUNT
    assert refusal(install, meter(), replace(ACCOUNT, closed_s=T), T, T, register(0)) is Refusal.ACCOUNT_NOT_OPEN
    assert refusal(install, meter(), replace(ACCOUNT, opened_s=T + 1), T, T, register(0)) is Refusal.ACCOUNT_NOT_OPEN


def test_acceptance_is_another_persons() -> None:
    assert refusal(accept, meter(life=Life.INSTALLED), T, T, 5, 5) is Refusal.OWN_INSTALLATION
    assert accept(meter(life=Life.INSTALLED), T, T, 5, 6).life is Life.IN_USE
    assert refusal(accept, meter(life=Life.IN_USE), T, T, 5, 6) is Refusal.WRONG_ORDER


def test_registers_at_the_ends_are_held_against_the_meters_own() -> None:
    known = meter(life=Life.IN_USE, last=(12_345, T), dial=100_000, qmax=3000)
    hour = T + 3600

    def end(count: int | None, at: int = hour, digit: int = 1, *, is_closing: bool = True) -> int | None:
        source = RegisterSource.UNKNOWN if count is None else READ
        return settled(known, EndRegister(count, source, digit), at, is_closing=is_closing).count

    assert end(12_345) == 12_345 and end(15_345) == 15_345
    assert end(12_000, digit=1000) == 12_345  # whole cubic metres: the meter's own register, to fewer digits
    assert end(12_000, T - 60, 1000) == 12_000  # before what it said
    for count, at in ((12_344, hour), (15_347, hour), (12_346, T - 60), (5, T - 60)):
        assert refusal(end, count, at) is Refusal.REGISTER_IMPOSSIBLE, (count, at)
    assert refusal(end, 100_000) is Refusal.REGISTER_BEYOND_DIAL
    assert refusal(end, None) is Refusal.REGISTER_NEEDED
    assert end(None, is_closing=False) is None
    known = replace(known, last=(99_900, T))
    assert end(50) == 50  # past the end of the dial
    known = replace(known, qmax=0)
    assert end(50) == 50 and end(49_899) == 49_899  # nobody knows how much can have passed: at most half the dial
    for count, at in ((49_901, hour), (89_990, hour), (99_901, T - 60)):
        assert refusal(end, count, at) is Refusal.REGISTER_IMPOSSIBLE, (count, at)
    known = replace(known, life_s=T + 1)
    assert end(7, is_closing=False) == 7  # what it said before the workshop had it


def test_an_exchange_is_one_instant_and_keeps_the_role() -> None:
    old = meter(1, Life.IN_USE, spans=[hung(1, 7, role=MeterRole.MASTER)])
    account = replace(ACCOUNT, spans=list(old.spans))
    off, on = exchange(old, meter(2), account, T + 5, T + 9, register(500), register(3))
    assert (off.life, off.ends) == (Life.REMOVED, (old.spans[0], register(500)))
    assert (on.life, on.begins) == (Life.INSTALLED, (7, MeterRole.MASTER, register(3)))
    assert refusal(exchange, old, old, account, T + 5, T + 9, register(5), register(3)) is Refusal.SAME_METER
    assert refusal(exchange, old, meter(2), account, T, T + 9, register(5), register(3)) is Refusal.ACT_BEFORE_LAST
    moved = move(old, replace(ACCOUNT, account_id=8, number="A8"), T + 5, T + 9, register(500))
    assert moved.ends == (old.spans[0], register(500)) and moved.begins == (8, MeterRole.MASTER, register(500))
    assert refusal(move, old, account, T + 5, T + 9, register(500)) is Refusal.METER_THERE_ALREADY


METERS, ACCOUNTS = range(1, 6), range(1, 4)


class Registry:
    """Meters and accounts in memory. A write is refused where its meter or account changed since it was decided, as the tables do."""

    def __init__(self) -> None:
        self.meters = {n: meter(n, Life.STOCK, MeterRole.CHECK if n == 5 else MeterRole.HOUSEHOLD) for n in METERS}
        self.spans: list[Hanging] = []
        self.done: dict[int, list[Change]] = {}

    def meter(self, meter_id: int) -> MeterInLife:
        return replace(self.meters[meter_id], spans=[span for span in self.spans if span.meter_id == meter_id])

    def account(self, account_id: int) -> AccountFacts:
        spans = [span for span in self.spans if span.account_id == account_id]
        return AccountFacts(account_id, f"A{account_id}", "water", T, None, spans)

    def decide(self, act: str, meter_id: int, other_id: int, account_id: int, at: int, person: int) -> list[Change]:
        one, account, end = self.meter(meter_id), self.account(account_id), register(at - T)
        if act == "exchange":
            return list(
                exchange(
                    one, self.meter(other_id), self.account(one.hangs.account_id if one.hangs else 0), at, at, end, end
                )
            )
        if act == "install":
            return [install(one, account, at, at, end)]
        if act == "move":
            return [move(one, account, at, at, end)]
        if act == "remove":
            return [remove(one, at, at, end)]
        if act == "accept":
            return [accept(one, at, at, 1, person)]
        return [Change(meter_id, one.life, step(one, LifeAct(act), at, at))]

    def write(self, key: int, changes: list[Change], at: int) -> bool:
        """All or nothing: what was decided on what is no longer so is not written."""
        kept, lives = list(self.spans), dict(self.meters)
        for change in changes:
            if self.meters[change.meter_id].life is not change.before:
                return False
            if change.ends is not None:
                span, closing = change.ends
                if span not in kept:
                    return False
                kept[kept.index(span)] = replace(span, to_s=at, closing=closing)
            if change.begins is not None:
                account_id, role, opening = change.begins
                new = Hanging(len(kept) + 1, change.meter_id, account_id, role, at, None, opening, None)
                if any(overlap(new, span) and excludes(new, span) for span in kept):
                    return False
                kept.append(new)
            lives[change.meter_id] = replace(self.meters[change.meter_id], life=change.life, life_s=at)
        self.spans, self.meters, self.done[key] = kept, lives, changes
        return True

    def check(self, at: int) -> None:
        """What holds after every act."""
        for n in METERS:
            mine = sorted((span for span in self.spans if span.meter_id == n), key=lambda span: span.from_s)
            assert hangs_rightly(self.meters[n].life, mine)
            for left, right in pairwise(mine):
                assert left.to_s is not None and left.to_s <= right.from_s
            for instant in {at, *(span.from_s for span in mine), *(span.to_s - 1 for span in mine if span.to_s)}:
                owners = [span.account_id for span in mine if span.holds(instant)]
                assert len(owners) <= 1 and owner_at(self.spans, n, instant) == (owners[0] if owners else None)
        for account_id in ACCOUNTS:
            mains = sorted(
                (s for s in self.spans if s.account_id == account_id and s.role in MAIN), key=lambda s: s.from_s
            )
            for left, right in pairwise(mains):
                assert left.to_s is not None and left.to_s <= right.from_s


def overlap(one: Hanging, other: Hanging) -> bool:
    ends = [span.to_s if span.to_s is not None else 2**62 for span in (one, other)]
    return one.from_s < ends[1] and other.from_s < ends[0]


def excludes(one: Hanging, other: Hanging) -> bool:
    return one.meter_id == other.meter_id or (one.account_id == other.account_id and {one.role, other.role} <= MAIN)


ACTS = [
    "issue",
    "bring_back",
    "install",
    "install",
    "accept",
    "move",
    "remove",
    "exchange",
    "exchange",
    "repair",
    "restock",
    "scrap",
]
OneAct = tuple[str, int, int, int, int, int, int]
ONE_ACT = st.tuples(
    st.sampled_from(ACTS), st.sampled_from(METERS), st.sampled_from(METERS), st.sampled_from(ACCOUNTS),
    st.integers(-2, 5), st.integers(1, 2), st.integers(0, 9),
)  # fmt: skip


def play(acts: list[OneAct]) -> Registry:
    registry, now = Registry(), T
    for key, (act, meter_id, other_id, account_id, step_s, person, twist) in enumerate(acts):
        at = max(T, now + step_s)
        try:
            decided = registry.decide(act, meter_id, other_id, account_id, at, person)
        except LifeActRefusedError:
            registry.check(at)
            continue
        if twist == 0:  # another act was decided on the same facts and comes first
            try:
                rival = registry.decide("exchange", meter_id, other_id % 5 + 1, account_id, at, person)
                registry.write(-key - 1, rival, at)
            except LifeActRefusedError:
                pass
        wrote = registry.write(key, decided, at)
        if wrote and twist == 1:  # once more: the same key was done, and decided anew it may not be written twice
            assert not registry.write(key, decided, at) or registry.done[key] is decided
        now = max(now, at)
        registry.check(at)
    return registry


@settings(max_examples=20, deadline=None)
@given(st.lists(ONE_ACT, min_size=20, max_size=60))
def test_no_meter_at_two_places_and_every_reading_has_one_owner(acts: list[OneAct]) -> None:
    play(acts)


@pytest.mark.usefixtures("takes_minutes")
@settings(max_examples=1000, deadline=None)
@given(st.lists(ONE_ACT, min_size=100, max_size=100))
def test_the_same_over_ten_to_the_five_acts(acts: list[OneAct]) -> None:
    play(acts)


def test_a_long_life_comes_round() -> None:
    one = (1, 2, 1, 1, 2, 9)
    acts = [
        "issue",
        "install",
        "accept",
        "remove",
        "repair",
        "restock",
        "issue",
        "install",
        "accept",
        "remove",
        "scrap",
        "issue",
    ]
    registry = play([(act, *one) for act in acts])
    assert registry.meters[1].life is Life.SCRAP and len([s for s in registry.spans if s.meter_id == 1]) == 2
    assert UNREAD.count is None
