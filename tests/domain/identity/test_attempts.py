# SPDX-License-Identifier: Apache-2.0
"""Who waits after wrong passwords: the pair of login and address, and what the unknown share."""

from openmains.domain.identity.attempts import BY_ADDRESS, BY_ALL, BY_LOGIN, MOST_KEPT, Attempts, Origin
from openmains.domain.identity.lockout import FIRST_DELAY_S, FREE_FAILURES
from openmains.domain.ids import TenantId

OFFICE = Origin(TenantId(1), "ann", "10.0.0.7")
AWAY = Origin(TenantId(1), "ann", "203.0.113.9")


def test_failures_lock_a_pair_longer_each_time_and_the_right_password_forgets_them() -> None:
    kept = Attempts()
    for _ in range(FREE_FAILURES):
        assert kept.wait_s(OFFICE, 0.0, known=True) == 0
        kept.failed(OFFICE, 0.0)
    assert kept.wait_s(OFFICE, 0.0, known=True) == FIRST_DELAY_S
    assert kept.wait_s(AWAY, 0.0, known=False) == 0
    assert kept.wait_s(OFFICE, 30.0, known=True) == 0
    kept.failed(OFFICE, 30.0)
    assert kept.wait_s(OFFICE, 30.5, known=True) == 2 * FIRST_DELAY_S
    kept.succeeded(OFFICE, 30.5, known=True)
    assert kept.wait_s(OFFICE, 30.5, known=True) == 0


def test_an_address_has_so_many_attempts_by_whatever_name_and_one_more_by_and_by() -> None:
    kept = Attempts()
    made_up = [Origin(TenantId(number % 3), f"n{number}", "203.0.113.9") for number in range(BY_ADDRESS.most + 1)]
    waits = [kept.wait_s(origin, 0.0, known=False) for origin in made_up]
    assert waits == [0] * BY_ADDRESS.most + [BY_ADDRESS.every_s]
    assert kept.wait_s(AWAY, 0.0, known=True) == 0  # who is known there does not share with them
    assert kept.wait_s(Origin(TenantId(1), "ann", "198.51.100.4"), 0.0, known=False) == 0
    assert kept.wait_s(made_up[0], BY_ADDRESS.every_s, known=False) == 0
    assert kept.wait_s(made_up[0], BY_ADDRESS.every_s, known=False) > 0


def test_a_whole_office_comes_to_work_at_eight() -> None:
    kept = Attempts()
    for number in range(200):
        origin = Origin(TenantId(1), f"cashier-{number}", "10.0.0.7")
        assert kept.wait_s(origin, 0.0, known=False) == 0
        kept.succeeded(origin, 0.0, known=False)


def test_many_addresses_guess_at_one_login_no_faster() -> None:
    kept = Attempts()
    waits = [
        kept.wait_s(Origin(TenantId(1), "ann", f"a{number}"), 0.0, known=False) for number in range(BY_LOGIN.most + 1)
    ]
    assert [wait > 0 for wait in waits] == [False] * BY_LOGIN.most + [True]
    assert kept.wait_s(OFFICE, 0.0, known=True) == 0


def test_all_together_cost_no_more_than_so_many_hashes() -> None:
    kept = Attempts()
    asked = [Origin(TenantId(number), f"n{number}", f"a{number}") for number in range(1000)]
    assert sum(kept.wait_s(origin, 0.0, known=False) == 0 for origin in asked) == BY_ALL.most


def test_what_is_kept_is_bounded() -> None:
    kept = Attempts()
    for number in range(MOST_KEPT + 50):
        kept.failed(Origin(TenantId(1), f"n{number}", "a"), 0.0)
        kept.wait_s(Origin(TenantId(1), f"n{number}", "a"), number * 60.0, known=False)
    assert max(len(kept._failures), len(kept._spent)) <= MOST_KEPT
