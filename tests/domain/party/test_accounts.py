# SPDX-License-Identifier: Apache-2.0
"""Acts on accounts against a model that keeps no acts at all: for each account who holds it at every instant. Whatever is asked, in whatever
order, with repeats and two at once: no account without history, never two holders, wrong orders refused by name, the past never rewritten."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from openmains.domain.ids import AccountId, CustomerId
from openmains.domain.party import accounts
from openmains.domain.party.accounts import (
    NEW_ACCOUNT,
    AccountAct,
    AccountState,
    ActFault,
    ActKind,
    ActRefusedError,
    after,
    holders,
    opened,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, BERT, CARL = CustomerId(1), CustomerId(2), CustomerId(3)
ONE, TWO = AccountId(10), AccountId(11)


def at(hour: int) -> datetime:
    return T0 + timedelta(hours=hour)


def state(**values: Any) -> AccountState:
    return AccountState(**({"account_id": ONE, "medium": "water", "newest_at": at(0)} | values))


HELD = state(holder=ANNA, held_since=at(0))
CLOSED = state(is_closed=True)


@pytest.mark.parametrize(
    ("decide", "fault"),
    [
        (lambda: accounts.move_in(HELD, at(1), BERT), ActFault.HELD),
        (lambda: accounts.move_in(HELD, at(1), ANNA), ActFault.SAME_HOLDER),
        (lambda: accounts.move_in(state(newest_at=at(2)), at(1), BERT), ActFault.EARLY),
        (lambda: accounts.move_out(state(), at(1)), ActFault.EMPTY),
        (lambda: accounts.move_out(HELD, at(0)), ActFault.EARLY),
        (lambda: accounts.transfer(HELD, at(1), ANNA), ActFault.SAME_HOLDER),
        (lambda: accounts.transfer(state(), at(1), ANNA), ActFault.EMPTY),
        (lambda: accounts.transfer(HELD, at(0), BERT), ActFault.EARLY),
        (lambda: accounts.close(HELD, at(1)), ActFault.HELD),
        (lambda: accounts.merge(HELD, HELD, at(1)), ActFault.SAME_ACCOUNT),
        (lambda: accounts.merge(HELD, state(account_id=TWO, medium="gas"), at(1)), ActFault.OTHER_MEDIUM),
        (lambda: accounts.merge(HELD, state(account_id=TWO, newest_at=at(5)), at(1)), ActFault.EARLY),
        (lambda: accounts.merge(HELD, state(account_id=TWO, is_closed=True), at(1)), ActFault.CLOSED),
        *[
            (lambda decide=decide: decide(CLOSED), ActFault.CLOSED)
            for decide in (
                lambda now: accounts.move_in(now, at(1), BERT),
                lambda now: accounts.move_out(now, at(1)),
                lambda now: accounts.transfer(now, at(1), BERT),
                lambda now: accounts.split(now, at(1), BERT),
                lambda now: accounts.merge(now, state(account_id=TWO), at(1)),
                lambda now: accounts.close(now, at(1)),
            )
        ],
    ],
)
def test_what_cannot_be_is_refused_by_name(decide: Callable[[], object], fault: ActFault) -> None:
    with pytest.raises(ActRefusedError) as refused:
        decide()
    assert refused.value.fault is fault


def test_a_split_opens_an_account_and_a_merge_ends_one() -> None:
    acts = accounts.split(HELD, at(5), None)
    assert acts == [
        AccountAct(ONE, ActKind.SPLIT, at(5), other_id=NEW_ACCOUNT),
        AccountAct(NEW_ACCOUNT, ActKind.OPEN, at(5), other_id=ONE),
        AccountAct(NEW_ACCOUNT, ActKind.MOVE_IN, at(5), ANNA),
    ]
    assert [act.customer_id for act in accounts.split(state(), at(5), None)] == [None, None]
    assert accounts.split(HELD, at(5), BERT)[2].customer_id == BERT
    other = state(account_id=TWO, holder=BERT, held_since=at(1))
    assert accounts.merge(HELD, other, at(5)) == [
        AccountAct(TWO, ActKind.MOVE_OUT, at(5), BERT),
        AccountAct(TWO, ActKind.CLOSE, at(5), other_id=ONE),
        AccountAct(ONE, ActKind.MERGE, at(5), other_id=TWO),
    ]


@dataclass
class Kept:
    """An account in the model. ``changes``: (instant, holder from then on), in order."""

    medium: str
    acts: list[AccountAct] = field(default_factory=list)
    changes: list[tuple[datetime, CustomerId | None]] = field(default_factory=list)
    is_closed: bool = False

    def holder(self, instant: datetime) -> CustomerId | None:
        found = None
        for since, customer in self.changes:
            if since <= instant:
                found = customer
        return found


class Town(RuleBasedStateMachine):
    """Accounts of a town; hours go forward and back, so that orders are wrong as often as right."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[AccountId, Kept] = {}
        self.seen: list[tuple[AccountAct, ...]] = []  # histories as they once were

    def now_of(self, account_id: AccountId) -> AccountState:
        return opened(account_id, self.kept[account_id].medium, self.kept[account_id].acts)

    def some(self, data: st.DataObject) -> AccountId:
        return data.draw(st.sampled_from(sorted(self.kept)))

    def write(self, acts: list[AccountAct], medium: str = "water") -> None:
        new = AccountId(100 + len(self.kept))
        for act in acts:
            whose = new if act.account_id == NEW_ACCOUNT else act.account_id
            if act.kind is ActKind.OPEN:
                self.kept[whose] = Kept(medium)
            kept = self.kept[whose]
            self.seen.append(tuple(kept.acts))
            kept.acts.append(act)
            if act.kind in (ActKind.MOVE_IN, ActKind.TRANSFER):
                kept.changes.append((act.at, act.customer_id))
            if act.kind is ActKind.MOVE_OUT:
                kept.changes.append((act.at, None))
            kept.is_closed |= act.kind is ActKind.CLOSE

    @rule(hour=st.integers(0, 40), who=st.sampled_from([None, ANNA, BERT]), medium=st.sampled_from(["water", "gas"]))
    def open(self, hour: int, who: CustomerId | None, medium: str) -> None:
        self.write(accounts.open_account(at(hour), who), medium)

    @precondition(lambda self: self.kept)
    @rule(
        data=st.data(), hour=st.integers(0, 50), who=st.sampled_from([ANNA, BERT, CARL]), times=st.integers(1, 2),
        kind=st.sampled_from([kind for kind in ActKind if kind is not ActKind.OPEN]),
    )  # fmt: skip
    def act(self, data: st.DataObject, kind: ActKind, hour: int, who: CustomerId, times: int) -> None:
        whose, other = self.some(data), self.some(data)
        for _ in range(times):  # a repeat is a second act, which the state it finds must allow
            now = self.now_of(whose)
            decide: dict[ActKind, Callable[[], list[AccountAct]]] = {
                ActKind.MOVE_IN: lambda now=now: accounts.move_in(now, at(hour), who),  # type: ignore[misc]
                ActKind.MOVE_OUT: lambda now=now: accounts.move_out(now, at(hour)),  # type: ignore[misc]
                ActKind.TRANSFER: lambda now=now: accounts.transfer(now, at(hour), who),  # type: ignore[misc]
                ActKind.SPLIT: lambda now=now: accounts.split(now, at(hour), who),  # type: ignore[misc]
                ActKind.MERGE: lambda now=now: accounts.merge(now, self.now_of(other), at(hour)),  # type: ignore[misc]
                ActKind.CLOSE: lambda now=now: accounts.close(now, at(hour)),  # type: ignore[misc]
            }
            model, before = self.kept[whose], {one: tuple(kept.acts) for one, kept in self.kept.items()}
            allowed = self.allowed(kind, model, self.kept[other], whose == other, at(hour), who)
            try:
                acts = decide[kind]()
            except ActRefusedError:
                assert not allowed, (kind, model)
                assert before == {one: tuple(kept.acts) for one, kept in self.kept.items()}
                continue
            assert allowed, (kind, model)
            self.write(acts, model.medium)

    @staticmethod
    def allowed(kind: ActKind, model: Kept, other: Kept, is_same: bool, when: datetime, who: CustomerId) -> bool:
        """Told from the model alone."""
        held = model.changes[-1][1] if model.changes else None
        fits = not model.is_closed and when >= model.acts[-1].at
        leaves = fits and held is not None and when > model.changes[-1][0]
        if kind is ActKind.MERGE:
            goes = other.changes[-1] if other.changes else (when, None)
            fits &= not other.is_closed and when >= other.acts[-1].at and model.medium == other.medium and not is_same
            return fits and (goes[1] is None or when > goes[0])
        return {
            ActKind.MOVE_IN: fits and held is None,
            ActKind.MOVE_OUT: leaves,
            ActKind.TRANSFER: leaves and held != who,
            ActKind.SPLIT: fits,
            ActKind.CLOSE: fits and held is None,
        }[kind]

    @invariant()
    def every_account_is_what_its_history_says(self) -> None:
        for account_id, kept in self.kept.items():
            assert kept.acts and kept.acts[0].kind is ActKind.OPEN
            assert [act.at for act in kept.acts] == sorted(act.at for act in kept.acts)
            assert all(act.kind is not ActKind.OPEN for act in kept.acts[1:])
            assert all(act.kind is not ActKind.CLOSE for act in kept.acts[:-1])
            spans = holders(kept.acts)
            for one, following in pairwise(spans):
                assert one.ends is not None and one.begins < one.ends <= following.begins
            now = self.now_of(account_id)
            assert (now.holder, now.is_closed) == (
                spans[-1].customer_id if spans and spans[-1].ends is None else None,
                kept.is_closed,
            )
            assert not (now.is_closed and now.holder is not None)
            for hour in range(0, 51, 3):
                held = [
                    span.customer_id
                    for span in spans
                    if span.begins <= at(hour) and (span.ends is None or at(hour) < span.ends)
                ]
                assert held == [kept.holder(at(hour))][: len(held)] and len(held) == (kept.holder(at(hour)) is not None)

    @invariant()
    def nothing_of_the_past_is_rewritten(self) -> None:
        histories = [tuple(kept.acts) for kept in self.kept.values()]
        assert all(any(now[: len(then)] == then for now in histories) for then in self.seen[-4:])


def test_acts_in_any_order_leave_a_sound_book() -> None:
    run_state_machine_as_test(Town, settings=settings(max_examples=30, stateful_step_count=30))


@pytest.mark.usefixtures("takes_minutes")
def test_a_hundred_thousand_acts_leave_a_sound_book() -> None:
    run_state_machine_as_test(Town, settings=settings(max_examples=2_000, stateful_step_count=60))


@given(st.lists(st.tuples(st.sampled_from(list(ActKind)), st.integers(0, 3)), max_size=4))
def test_an_account_without_its_first_act_is_no_account(acts: list[tuple[ActKind, int]]) -> None:
    made = [AccountAct(ONE, kind, at(hour), ANNA) for kind, hour in acts]
    if not made:
        with pytest.raises(ValueError, match="no history"):
            opened(ONE, "water", made)
        return
    now = opened(ONE, "water", made)
    assert now.newest_at == made[-1].at
    assert after(now, AccountAct(ONE, ActKind.CLOSE, at(9))).is_closed
