# SPDX-License-Identifier: Apache-2.0
from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict, Window


def test_passes_then_says_slow_down_then_is_silent() -> None:
    window = Window(3, 1.0)
    verdicts = [window.count("a", 0.5) for _ in range(8)]
    assert verdicts == [Verdict.PASS] * 3 + [Verdict.REFUSE] * 3 + [Verdict.IGNORE] * 2
    assert window.count("b", 0.6) is Verdict.PASS
    assert window.count("a", 1.6) is Verdict.PASS


def test_a_clock_that_jumps_back_does_not_lock_anybody_out() -> None:
    window = Window(1, 60.0)
    assert window.count("a", 1_000.0) is Verdict.PASS
    assert window.count("a", 1_001.0) is Verdict.REFUSE
    assert window.count("a", 10.0) is Verdict.PASS


def test_memory_is_bounded_under_a_flood_of_addresses() -> None:
    window = Window(10, 1.0, keys=100)
    for number in range(100_000):
        window.count(number, 0.0)
    assert len(window._counts) <= 101
    assert window.count(5, 0.0) is Verdict.PASS  # those known before the flood are still served


def test_trusted_networks_have_their_own_rate() -> None:
    limiter = AddressLimiter(2, ["10.0.0.0/8", "::1/128"], 5)
    assert [limiter.count("192.0.2.1", 0.0) for _ in range(3)][-1] is Verdict.REFUSE
    assert [limiter.count("10.1.2.3", 0.0) for _ in range(5)][-1] is Verdict.PASS
    assert limiter.count("::1", 0.0) is Verdict.PASS
    assert limiter.count("fe80::1%eth0", 0.0) is Verdict.PASS
