# SPDX-License-Identifier: Apache-2.0
"""The worker's turn at subscriptions: everything that happened, to each in order (R14.7, ADR 0034), by webhook or through a broker
(ADR 0054).

A subscription goes on only when its receiver has taken what stands next, so what it gets is in order whatever fails. What is refused
is tried again with growing waits for 72 hours, then it is a dead letter and the next one's turn. A receiver that says that the content
is wrong (400, 409, 413, 415, 422) would say so for ever: that is a dead letter after ``MOST_REFUSED`` tries, or one such event would
hold up all others. Its place moves after the receiver's acknowledgement: a kill in between sends that event once more, with the same id.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openmains.app.notice.brokers import BrokerLink, is_broker, message_of
from openmains.app.notice.cloud_events import CONTENT_TYPE, CloudEvent, OutboxEvent, event_of, readings_of
from openmains.app.notice.sealing import KeyUnreadableError, SealedKey, Sealer, subscription_purpose
from openmains.app.notice.shapes.talk import Accepted, Outcome, Refused, Talk
from openmains.app.notice.shapes.webhook import post, signed
from openmains.domain.ids import TenantId
from openmains.domain.notice.pace import is_given_up, push_wait_us

_log = logging.getLogger("openmains.push")
AT_ONCE = 200  # events that are read together
DAYS_AT_ONCE = 500  # of readings in one event
MOST_A_TURN = 2000  # events; then the place of others is looked at
MOST_REFUSED = 8
_WRONG_CONTENT = frozenset({400, 409, 413, 415, 422})
US = 1_000_000


@dataclass(frozen=True, slots=True)
class PushAccount:
    """A subscription as the worker needs it."""

    subscription_id: int
    tenant_id: TenantId
    utility_code: str
    url: str
    login: str
    kinds: frozenset[str]
    area_id: int | None
    sealed: SealedKey | None
    seq: int
    readings: Any
    tries: int
    failing_us: int | None


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """A dead letter that somebody wants sent again."""

    dead_id: int
    key: str
    kind: str
    body: bytes


class PushWork(Protocol):
    """The worker's side of the store; each call is a transaction."""

    async def hold(self) -> bool:
        """Whether this process is the one that sends."""

    async def number(self, most: int) -> int:
        """Give what happened its place in the order; how many."""

    async def due(self, now_us: int) -> list[PushAccount]:
        """Subscriptions in use whose wait is over."""

    async def numbered(self) -> int:
        """The last place that was given."""

    async def after(self, account: PushAccount, seq: int, until: int, most: int) -> list[OutboxEvent]:
        """What a subscription wants to know of, in order."""

    async def again(self, subscription_id: int) -> list[DeadEvent]: ...
    async def took_again(self, dead_id: int, reason: str) -> None: ...
    async def took(self, subscription_id: int, before: int, seq: int, now_us: int, *, events: int) -> bool:
        """From ``before`` up to there; nothing is failing any more. False: it stands elsewhere now, for somebody replays or stopped it."""

    async def took_readings(self, subscription_id: int, cursor: Any, now_us: int, *, events: int) -> None: ...
    async def refused(self, subscription_id: int, tries: int, failing_us: int, next_us: int, reason: str) -> None: ...
    async def bury(
        self, account: PushAccount, event: CloudEvent, reason: str, tries: int, since_us: int, now_us: int
    ) -> None:
        """A dead letter, once for its key."""

    async def meters_below(self, tenant_id: TenantId, meter_ids: Sequence[int], area_id: int | None) -> dict[int, str]:
        """Numbers of those that lie below an area; of all without one."""

    async def forget(self, now_us: int) -> int:
        """What happened long ago and every subscription has taken; how many."""


class ReadingFeed(Protocol):
    """Days that changed (``app/readings/changes.py``)."""

    async def now(self, tenant_id: TenantId) -> Any:
        """The cursor after all that is there."""

    async def after(self, tenant_id: TenantId, cursor: Any, most: int) -> tuple[list[Mapping[str, Any]], Any]:
        """The next days, and where to go on; none: nothing changed."""


class ChannelLink(Protocol):
    """What carries a talk (``edges/notify``)."""

    async def converse(self, talk: Talk, /) -> Outcome: ...


@dataclass(slots=True)
class PushLoop:
    """``now_us``: the clock; ``feed`` None: readings are not pushed here; ``brokers`` None: nothing goes through brokers here."""

    work: PushWork
    sealer: Sealer
    link: ChannelLink
    feed: ReadingFeed | None
    now_us: Callable[[], int]
    brokers: BrokerLink | None = None
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def step(self) -> None:
        """One turn. Each subscription is served in a task of its own (``settle``)."""
        if not await self.work.hold():
            return
        while await self.work.number(10_000):
            pass
        for account in await self.work.due(self.now_us()):
            running = self.tasks.get(account.subscription_id)
            if running is None or running.done():
                self.tasks[account.subscription_id] = asyncio.create_task(self._guarded(account))

    async def settle(self) -> None:
        """Until each has all it takes now."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _guarded(self, account: PushAccount) -> None:
        try:
            await self._serve(account)
        except Exception:  # the store may be away: its place did not move
            _log.exception("subscription %d", account.subscription_id)

    async def _serve(self, account: PushAccount) -> None:
        try:
            secrets = {} if account.sealed is None else await self._open(account)
        except KeyUnreadableError:
            await self._wait(account, Refused("secret-unreadable"), account.tries, account.failing_us)
            return
        secret = secrets.get("secret", "")
        for letter in await self.work.again(account.subscription_id):
            told = await self._post(account, CloudEvent(letter.key, letter.kind, letter.body), secret)
            await self.work.took_again(letter.dead_id, "" if isinstance(told, Accepted) else told.reason)
        way = _Way(self, account, secret)
        if await way.events() and self.feed is not None and "reading" in account.kinds:
            await way.readings(self.feed)

    async def _open(self, account: PushAccount) -> dict[str, str]:
        assert account.sealed is not None  # noqa: S101 asked before
        return await self.sealer.open(account.tenant_id, subscription_purpose(account.subscription_id), account.sealed)

    async def _post(self, account: PushAccount, event: CloudEvent, secret: str) -> Outcome:
        if is_broker(account.url):
            if self.brokers is None:
                return Refused("no-broker-link")
            client = f"openmains-{account.utility_code}-{account.subscription_id}"
            message = message_of(
                account.url,
                account.login,
                secret,
                client,
                kind=event.kind,
                key=event.key,
                body=event.body,
                content_type=CONTENT_TYPE,
            )
            return await self.brokers.publish(message)
        call = signed(account.url, event.body, CONTENT_TYPE, event.key, secret, self.now_us() // US)
        return await self.link.converse(post(call))

    async def _wait(self, account: PushAccount, told: Refused, tries: int, failing_us: int | None) -> None:
        now = self.now_us()
        await self.work.refused(
            account.subscription_id,
            tries + 1,
            now if failing_us is None else failing_us,
            now + push_wait_us(tries + 1, told.wait_s),
            told.reason,
        )


class _Way:
    """One subscription's way through what happened. ``tries``, ``failing_us``: of what stands next."""

    def __init__(self, desk: PushLoop, account: PushAccount, secret: str) -> None:
        self._desk, self._account, self._secret = desk, account, secret
        self._tries, self._failing_us = account.tries, account.failing_us

    async def events(self) -> bool:
        """Alarms, commands, valves; False: the receiver did not take one, or there are more than fit in a turn."""
        work, account = self._desk.work, self._account
        seq, sent = account.seq, 0
        until = await work.numbered()
        while seq < until:
            found = await work.after(account, seq, until, AT_ONCE)
            for happened in found:
                if not await self._one(event_of(happened, account.utility_code)):
                    return False
                if not await work.took(account.subscription_id, seq, happened.seq, self._desk.now_us(), events=1):
                    return False
                seq = happened.seq
                sent += 1
            if len(found) < AT_ONCE:
                if seq < until:
                    await work.took(account.subscription_id, seq, until, self._desk.now_us(), events=0)
                seq = until
            elif sent >= MOST_A_TURN:
                return False
        return True

    async def readings(self, feed: ReadingFeed) -> None:
        """Days that changed, many in an event."""
        work, account = self._desk.work, self._account
        cursor = account.readings
        if cursor is None:
            cursor = await feed.now(account.tenant_id)
            await work.took_readings(account.subscription_id, cursor, self._desk.now_us(), events=0)
            return
        for _ in range(MOST_A_TURN // 20):
            days, following = await feed.after(account.tenant_id, cursor, DAYS_AT_ONCE)
            if not days:
                break
            numbers = await work.meters_below(
                account.tenant_id, sorted({day["meter_id"] for day in days}), account.area_id
            )
            wanted = [{**day, "number": numbers[day["meter_id"]]} for day in days if day["meter_id"] in numbers]
            if wanted and not await self._one(readings_of(wanted, account.utility_code, self._desk.now_us())):
                return
            cursor = following
            await work.took_readings(account.subscription_id, cursor, self._desk.now_us(), events=1 if wanted else 0)

    async def _one(self, event: CloudEvent) -> bool:
        """Whether the way goes on: it was taken, or it is a dead letter now."""
        told = await self._desk._post(self._account, event, self._secret)
        if isinstance(told, Accepted):
            self._tries, self._failing_us = 0, None
            return True
        now = self._desk.now_us()
        since = now if self._failing_us is None else self._failing_us
        is_wrong = told.status in _WRONG_CONTENT and self._tries + 1 >= MOST_REFUSED
        if is_wrong or is_given_up(since, now):
            await self._desk.work.bury(self._account, event, told.reason, self._tries + 1, since, now)
            self._tries, self._failing_us = 0, None
            return True
        await self._desk._wait(self._account, told, self._tries, self._failing_us)
        return False
