# SPDX-License-Identifier: Apache-2.0
"""How often something is tried again, and how much a channel takes (R7.3, R14.7)."""

from openmains.domain.period import HOUR_S, MINUTE_S

US = 1_000_000
NOTICE_WAITS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
"""Before the second, third … try of a notice; after the last one it has failed."""
PUSH_FIRST_WAIT_S = 5
PUSH_LONGEST_WAIT_S = 15 * MINUTE_S
PUSH_PATIENCE_S = 72 * HOUR_S
"""So long an event of a subscription is tried; then it is a dead letter and the next one's turn."""
EVENTS_DAYS = 8
"""So long what happened is kept for a replay: longer than it is tried."""
MOST_WAIT_S = 6 * HOUR_S
"""What a receiver may ask us to wait at the most."""


def notice_wait_us(tries: int, asked_s: int | None = None) -> int | None:
    """After so many tries that failed, µs until the next; None: none more. ``asked_s``: what the channel said."""
    if tries > len(NOTICE_WAITS_S):
        return None
    wait = NOTICE_WAITS_S[tries - 1]
    return max(wait, min(asked_s or 0, MOST_WAIT_S)) * US


def push_wait_us(tries: int, asked_s: int | None = None) -> int:
    """The same of a subscription: doubled each time up to a quarter of an hour."""
    wait = min(PUSH_LONGEST_WAIT_S, PUSH_FIRST_WAIT_S << min(tries - 1, 20))
    return max(wait, min(asked_s or 0, MOST_WAIT_S)) * US


def is_given_up(failing_since_us: int, now_us: int) -> bool:
    """Whether an event was tried for long enough."""
    return now_us - failing_since_us >= PUSH_PATIENCE_S * US


def room(per_minute: int, sent_last_minute: int) -> int:
    """How many messages a channel may still send now."""
    return max(0, per_minute - sent_last_minute)
