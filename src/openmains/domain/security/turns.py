# SPDX-License-Identifier: Apache-2.0
"""Handshakes of one key from two addresses in turn: two holders of the key who push each other out.

Judged in the pipeline, because the two may come to different edges. An honest module behind a NAT that gives one of two addresses
at random makes handshakes too, but a few a day; six returns within an hour cannot come of one that
restarts every twelve minutes, which no battery would bear.
"""

from dataclasses import dataclass, replace

from openmains.domain.period import HOUR_S

RETURNS = 6  # within an hour
GAP_S = 20  # between a handshake and one that counts as a return: retries of one handshake are none


@dataclass(frozen=True, slots=True)
class Turns:
    """``hosts``: the last two that differ, newest last; ``count`` returns since ``since``. Instants in s UTC."""

    hosts: tuple[str, ...] = ()
    count: int = 0
    since: int = 0
    at: int = 0


def shake(turns: Turns, host: str, at: int) -> tuple[Turns, bool]:
    """After one more handshake from ``host`` (address without port); True: they take turns. Counting begins anew then."""
    if not host:
        return turns, False
    last = max(at, turns.at)
    if not turns.hosts or host == turns.hosts[-1]:
        return replace(turns, hosts=turns.hosts or (host,), at=last), False
    hosts = (turns.hosts[-1], host)
    if host not in turns.hosts or at - turns.at < GAP_S:
        return replace(turns, hosts=hosts, at=last), False
    fresh = at - turns.since >= HOUR_S
    count, since = (1, at) if fresh else (turns.count + 1, turns.since)
    if count >= RETURNS:
        return Turns(hosts, 0, at, last), True
    return Turns(hosts, count, since, last), False
