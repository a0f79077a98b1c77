# SPDX-License-Identifier: Apache-2.0
"""Orders, refunds, deliveries and a day's comparison, as tables."""

import itertools

from openmains.domain.command.life import ENDS as COMMAND_ENDS
from openmains.domain.command.life import State
from openmains.domain.payment import refund
from openmains.domain.payment.callback import CallbackFault, OrderClaim, fault, is_stale
from openmains.domain.payment.compare import DifferenceKind, MoneyKind, MoneyLine, compare
from openmains.domain.payment.delivery import Delivery, of_command
from openmains.domain.payment.order import CHANGES, OrderEvent, OrderState, after, contradicts, pause_s

S, E = OrderState, OrderEvent


def test_every_pair_lands_in_a_known_state() -> None:
    for state, event in itertools.product(S, E):
        assert after(state, event) in S
        assert after(after(state, event), event) is after(state, event), "twice is once"
    assert set(CHANGES) == set(S)


def test_money_that_came_is_never_lost_and_never_assumed() -> None:
    for state in S:
        assert after(state, E.PAID) is (S.REFUNDED if state is S.REFUNDED else S.PAID)
        assert after(state, E.UNCLEAR) is not S.PAID or state is S.PAID
    for event in set(E) - {E.REFUNDED}:
        assert after(S.PAID, event) is S.PAID
    assert contradicts(S.PAID, E.CLOSED) and not contradicts(S.OPEN, E.CLOSED)
    assert [pause_s(n) for n in (0, 1, 2)] == [5, 10, 20]
    assert pause_s(1000) == 1800


def test_a_callback_must_fit_in_every_respect() -> None:
    held = OrderClaim("1900000001", "wx1", "T1", 5000)
    assert fault(held, held) is None
    for claim, why in (
        (OrderClaim("1900000002", "wx1", "T1", 5000), CallbackFault.MERCHANT),
        (OrderClaim("1900000001", "wx2", "T1", 5000), CallbackFault.MERCHANT),
        (OrderClaim("1900000001", "wx1", "T2", 5000), CallbackFault.ORDER),
        (OrderClaim("1900000001", "wx1", "T1", 5001), CallbackFault.AMOUNT),
        (OrderClaim("1900000001", "wx1", "T1", 5000, "USD"), CallbackFault.AMOUNT),
    ):
        assert fault(claim, held) is why
    assert [is_stale(t, 1000) for t in (700, 699, 1300, 1301)] == [False, True, False, True]


def test_only_what_certainly_never_arrived_is_given_back() -> None:
    for state in State:
        told = {
            of_command(state.value, was_sent=sent, meter_answered=said)
            for sent in (True, False)
            for said in (True, False)
        }
        if state is State.CONFIRMED:
            assert told == {Delivery.DELIVERED}
        elif state in COMMAND_ENDS:
            assert told == {Delivery.UNDELIVERABLE, Delivery.DOUBTFUL}
            assert of_command(state.value, was_sent=True, meter_answered=False) is Delivery.DOUBTFUL
        else:
            assert told == {Delivery.GIVEN}


def test_a_refund_is_never_more_than_was_paid() -> None:
    assert not refund.is_too_much(100, 60, 40)
    assert refund.is_too_much(100, 60, 41)
    assert refund.is_too_much(100, 0, 0)
    for state, event in itertools.product(refund.RefundState, refund.RefundEvent):
        then = refund.after(state, event)
        assert then is None or then in refund.RefundState
    assert refund.after(refund.RefundState.DONE, refund.RefundEvent.DECLINED) is None


def test_a_planted_difference_of_each_kind_is_found_and_nothing_else() -> None:
    def paid(number: str, fen: int, delivered: bool | None = None) -> MoneyLine:
        return MoneyLine(MoneyKind.PAYMENT, number, fen, delivered)

    back = MoneyLine(MoneyKind.REFUND, "R1", 300)
    here = [paid("A", 100), paid("B", 200), paid("C", 300), paid("D", 400, False), paid("E", 500), paid("E", 500), back]
    there = [paid("A", 100), paid("C", 301), paid("D", 400), paid("E", 500), paid("F", 600)]
    found = {(one.number, one.what) for one in compare(here, there)}
    assert found == {
        ("B", DifferenceKind.MISSING_THERE),
        ("C", DifferenceKind.AMOUNT_DIFFERS),
        ("D", DifferenceKind.NOT_DELIVERED),
        ("E", DifferenceKind.TWICE),
        ("F", DifferenceKind.MISSING_HERE),
        ("R1", DifferenceKind.MISSING_THERE),
    }
    assert compare([paid("A", 1, True), back], [back, paid("A", 1)]) == []
    # a refund has the number of no payment, even where they are the same text
    assert {one.what for one in compare([paid("R1", 300)], [back])} == {
        DifferenceKind.MISSING_HERE,
        DifferenceKind.MISSING_THERE,
    }
