# SPDX-License-Identifier: Apache-2.0
"""What an edge notices about its terminals, in bounded memory.

Ten million honest meters must cost nothing here, and must never be suspected for what a radio network does to them:

| honest | why it is no finding |
|---|---|
| the carrier's NAT gives a new address or port, also back and forth | sessions are compared, not addresses |
| CoAP repeats a message; the network doubles or delays a datagram | only fresh messages count; a turn counts 60 s after the last |
| all alarms and history at once after an outage | the bound is above what one message at a time over NB-IoT can carry |
| a module that restarts makes a new session and never speaks on the old one again | a turn needs the *old* session to speak again |
| a handshake whose last flight is lost: the meter goes on with the old session | the new session must have spoken in between |

So a terminal is followed only once there is a reason: a handshake (an honest meter makes one in months) or a bad record.
Two lists, so that what anybody can cause (bad records, wrong keys) never pushes out what only a key's holder can.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S
from openmains.domain.security.findings import Finding, Kind


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """Bounds of the observations. Counts are of one terminal; times in s."""

    messages_per_min: int = 120  # a meter waits for each answer: 1 to 10 s over NB-IoT
    flood_minutes: int = 3  # in a row
    bad_records_per_min: int = 30
    replays_per_min: int = 60
    wrong_keys_per_hour: int = 5
    turns: int = 3  # within a day
    turn_gap_s: float = 60.0
    say_again_s: float = 600.0  # a kind is told once in this time; its count goes on
    refuse_s: float = 900.0  # how long an address may not try that identity again
    terminals: int = 50_000  # in each list


@dataclass(slots=True)
class _Count:
    """Observations in a fixed window."""

    since: float = float("-inf")
    count: int = 0

    def add(self, now: float, seconds: float) -> int:
        if now - self.since >= seconds or now < self.since:
            self.since, self.count = now, 0
        self.count += 1
        return self.count


@dataclass(slots=True)
class _Held:
    """What the holder of the key did."""

    sessions: tuple[Hashable, ...] = ()  # that have spoken, newest last, at most four
    turns: _Count = field(default_factory=_Count)
    turned_at: float = float("-inf")
    told: dict[Kind, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Claimed:
    """What was done in its name."""

    bad: _Count = field(default_factory=_Count)
    replays: _Count = field(default_factory=_Count)
    wrong: _Count = field(default_factory=_Count)
    told: dict[Kind, float] = field(default_factory=dict)


class AccessGuard:
    """One for each edge process. ``now`` is a monotonic clock in s; every call returns what is to be told upward."""

    def __init__(self, limits: GuardLimits | None = None) -> None:
        self._limits = limits or GuardLimits()
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._claimed: OrderedDict[int, _Claimed] = OrderedDict()
        self._failures: OrderedDict[tuple[str, int], _Count] = OrderedDict()
        self._minute = float("-inf")
        self._messages: dict[int, int] = {}
        self._over_limit: dict[int, int] = {}  # terminal → minutes in a row over the bound

    def __len__(self) -> int:
        """Terminals followed."""
        return len(self._held) + len(self._claimed)

    # by the holder of the key ------------------------------------------------------------------------------------------

    def handshake(self, imei: int) -> None:
        """A handshake with the right key was completed: from now on this terminal's sessions are followed.

        That it was made is told upward for all (``online``); handshakes in turn are judged there (``turns``).
        """
        self._hold(imei)

    def message(self, imei: int, session: Hashable, host: str, now: float) -> list[Finding]:
        """A fresh message (no repetition) came on a session; ``session`` is any name that is its own."""
        if now - self._minute >= MINUTE_S or now < self._minute:
            self._next_minute(now)
        count = self._messages.get(imei, 0) + 1
        if count > 1 or len(self._messages) < 4 * self._limits.terminals:
            self._messages[imei] = count
        found: list[Finding] = []
        if (
            count == self._limits.messages_per_min + 1
            and self._over_limit.get(imei, 0) + 1 >= self._limits.flood_minutes
        ):
            found = self._tell(imei, Kind.MESSAGE_FLOOD, self._hold(imei).told, now, count, host)
        held = self._held.get(imei)
        if held is None or (held.sessions and held.sessions[-1] == session):
            return found
        if session in held.sessions:
            if now - held.turned_at < self._limits.turn_gap_s:
                return found  # the end of the old session overtaken on its way, or part of the same turn
            held.turned_at = now
            turns = held.turns.add(now, DAY_S)
            if turns >= self._limits.turns:
                found += self._tell(imei, Kind.CLONED, held.told, now, turns, host)
            held.sessions = (*(known for known in held.sessions if known != session), session)
        else:
            held.turned_at = now
            held.sessions = (*held.sessions[-3:], session)
        return found

    # by anybody --------------------------------------------------------------------------------------------------------

    def bad_record(self, imei: int, host: str, now: float) -> list[Finding]:
        """A record for the terminal's session did not open."""
        claimed = self._claim(imei)
        count = claimed.bad.add(now, MINUTE_S)
        over = count > self._limits.bad_records_per_min
        return self._tell(imei, Kind.MAC_FLOOD, claimed.told, now, count, host) if over else []

    def replay(self, imei: int, host: str, now: float) -> list[Finding]:
        """A genuine record came once more."""
        claimed = self._claim(imei)
        count = claimed.replays.add(now, MINUTE_S)
        over = count > self._limits.replays_per_min
        return self._tell(imei, Kind.REPLAY_FLOOD, claimed.told, now, count, host) if over else []

    def wrong_key(self, imei: int, host: str, now: float) -> list[Finding]:
        """A handshake in the terminal's name failed at its Finished. Not to be told while a new key is on its way."""
        failures = self._failures.get((host, imei))
        if failures is None:
            failures = self._failures[host, imei] = _Count()
            if len(self._failures) > self._limits.terminals:
                self._failures.popitem(last=False)
        self._failures.move_to_end((host, imei))
        failures.add(now, self._limits.refuse_s)
        claimed = self._claim(imei)
        count = claimed.wrong.add(now, HOUR_S)
        over = count >= self._limits.wrong_keys_per_hour
        return self._tell(imei, Kind.WRONG_KEY, claimed.told, now, count, host) if over else []

    def may_try(self, imei: int, host: str, now: float) -> bool:
        """False: this address has failed too often under this name; say nothing. Others may still use the name."""
        failures = self._failures.get((host, imei))
        if failures is None or now - failures.since >= self._limits.refuse_s:
            return True
        return failures.count < self._limits.wrong_keys_per_hour

    def forget(self, imei: int) -> None:
        """A person released the terminal, or it has a new key: begin anew."""
        self._held.pop(imei, None)
        self._claimed.pop(imei, None)
        self._over_limit.pop(imei, None)

    # inside ------------------------------------------------------------------------------------------------------------

    def _next_minute(self, now: float) -> None:
        bound = self._limits.messages_per_min
        in_a_row = now - self._minute < 2 * MINUTE_S
        loud = (imei for imei, count in self._messages.items() if count > bound)
        self._over_limit = {imei: (self._over_limit.get(imei, 0) if in_a_row else 0) + 1 for imei in loud}
        self._messages = {}
        self._minute = now

    def _hold(self, imei: int) -> _Held:
        held = self._held.get(imei)
        if held is None:
            held = self._held[imei] = _Held()
            if len(self._held) > self._limits.terminals:
                self._held.popitem(last=False)
        self._held.move_to_end(imei)
        return held

    def _claim(self, imei: int) -> _Claimed:
        claimed = self._claimed.get(imei)
        if claimed is None:
            claimed = self._claimed[imei] = _Claimed()
            if len(self._claimed) > self._limits.terminals:
                self._claimed.popitem(last=False)
        self._claimed.move_to_end(imei)
        return claimed

    def _tell(self, imei: int, kind: Kind, told: dict[Kind, float], now: float, count: int, host: str) -> list[Finding]:
        if now - told.get(kind, float("-inf")) < self._limits.say_again_s:
            return []
        told[kind] = now
        return [Finding(imei, kind, now, count, host)]
