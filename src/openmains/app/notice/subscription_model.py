# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of other systems as the use cases and the API see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from openmains.app.notice.model import Name
from openmains.app.notice.sealing import SealedKey

EventGroup = Literal["alarm", "command", "valve", "reading"]
DeadState = Literal["open", "again", "taken"]


class SubscriptionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What goes where: ``kinds`` alarm (raised, acknowledged, cleared, reopened), command (ended), valve (moved), reading (days that
    changed); of an area with what is below it, null: everywhere. ``url``: ``https``; or a broker with the place below which events
    are published: ``mqtts://host/topic``, ``tls://host/subject`` of NATS. ``secret`` signs a webhook, or is the password of ``login`` at a
    broker; left out, it stays as it is; '' takes it away."""

    name: Name
    url: Annotated[str, Meta(min_length=8, max_length=500)]
    kinds: Annotated[list[EventGroup], Meta(min_length=1, max_length=4)]
    area_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    login: Annotated[str, Meta(max_length=100)] = ""
    secret: Annotated[str, Meta(max_length=200)] | None = None
    is_on: bool = True


class Subscription(Struct, frozen=True):
    """``waiting``: events between its place and the newest, of all kinds; ``failing_since``: since when what stands next is refused;
    ``is_signed``: whether it has a secret; ``dead``: dead letters that are open."""

    subscription_id: int
    name: str
    url: str
    login: str
    kinds: list[EventGroup]
    area_id: int | None
    is_signed: bool
    is_on: bool
    waiting: int
    taken: int
    taken_at: datetime | None
    tries: int
    failing_since: datetime | None
    next_at: datetime | None
    reason: str
    dead: int


class PushDeadLetter(Struct, frozen=True):
    """What a receiver never took; ``event``: as it was sent."""

    dead_id: int
    event_id: str
    event_type: str
    event: str
    reason: str
    tries: int
    since: datetime
    dead_at: datetime
    state: DeadState


class SubscriptionStore(Protocol):
    """Within a tenant's transaction."""

    async def all(self) -> list[Subscription]: ...
    async def get(self, subscription_id: int) -> Subscription | None: ...
    async def is_taken(self, name: str, but: int | None) -> bool:
        """By another one."""

    async def add(self, settings: SubscriptionSettings, now_us: int) -> int | None:
        """From now on; None: the name is taken."""

    async def change(self, subscription_id: int, settings: SubscriptionSettings, now_us: int) -> None: ...
    async def put_secret(self, subscription_id: int, sealed: SealedKey | None) -> None: ...
    async def remove(self, subscription_id: int, now_us: int) -> None: ...
    async def oldest_us(self) -> int | None:
        """The first event that is still kept; None: there is none."""

    async def replay(self, subscription_id: int, from_us: int, now_us: int) -> int:
        """Its place goes back; how many events come again."""

    async def dead_letters(
        self, subscription_id: int, limit: int, after: int | None, *, state: DeadState | None
    ) -> list[PushDeadLetter]: ...
    async def send_again(self, subscription_id: int, dead_ids: Sequence[int]) -> int:
        """Open ones; how many."""

    async def try_now(self, subscription_id: int) -> None:
        """Whatever its wait."""
