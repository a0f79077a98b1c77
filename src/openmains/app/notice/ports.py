# SPDX-License-Identifier: Apache-2.0
"""What notices ask of the store: the API within a tenant's transaction, the worker over all tenants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from openmains.app.notice.model import (
    Attempt,
    Calendar,
    ChannelKind,
    DutyShift,
    Locale,
    Notice,
    NoticeChannel,
    NoticePerson,
    NoticePolicy,
    NoticeState,
    NoticeSummary,
    PersonSettings,
    PolicySettings,
    PushBrowser,
    Template,
    TemplateKind,
)
from openmains.app.notice.sealing import SealedKey
from openmains.app.notice.shapes.talk import Letter, Outcome
from openmains.app.party.personal import PersonalPlace, SealedValue
from openmains.domain.ids import CustomerId, TenantId, UserId
from openmains.domain.notice.decide import Decision, NoticeEvent, Policy, Rota, Timer


class ChannelStore(Protocol):
    """Ways to send. Secrets go in sealed and never come out here."""

    async def all(self) -> list[NoticeChannel]: ...
    async def get(self, channel_id: int) -> NoticeChannel | None: ...
    async def add(
        self, name: str, kind: ChannelKind, settings: Mapping[str, str], per_minute: int, now_us: int
    ) -> int | None:
        """None: the name is taken."""

    async def change(
        self, channel_id: int, name: str, settings: Mapping[str, str], per_minute: int, is_on: bool, now_us: int
    ) -> None: ...
    async def is_taken(self, name: str, but: int | None) -> bool:
        """By another channel."""

    async def put_secrets(self, channel_id: int, names: Sequence[str], sealed: SealedKey) -> None: ...
    async def remove(self, channel_id: int, now_us: int) -> None: ...


class RotaStore(Protocol):
    """Persons, calendars, policies, templates."""

    async def persons(self) -> list[NoticePerson]: ...
    async def person(self, user_id: UserId) -> NoticePerson | None: ...
    async def set_person(self, user_id: UserId, settings: PersonSettings) -> None: ...
    async def calendars(self) -> list[Calendar]:
        """``on_duty`` empty: who is, is asked of the rota."""

    async def add_calendar(self, name: str, shifts: Sequence[DutyShift]) -> int | None: ...
    async def change_calendar(self, calendar_id: int, name: str, shifts: Sequence[DutyShift]) -> None: ...
    async def remove_calendar(self, calendar_id: int) -> None: ...
    async def policies(self) -> list[NoticePolicy]: ...
    async def policy(self, policy_id: int) -> NoticePolicy | None: ...
    async def add_policy(self, settings: PolicySettings, user_id: UserId, now_us: int) -> int: ...
    async def change_policy(self, policy_id: int, settings: PolicySettings, user_id: UserId, now_us: int) -> None: ...
    async def remove_policy(self, policy_id: int, user_id: UserId, now_us: int) -> None: ...
    async def templates(self) -> list[Template]:
        """The utility's own."""

    async def set_template(self, kind: TemplateKind, locale: Locale, subject: str, body: str) -> None: ...
    async def drop_template(self, kind: TemplateKind, locale: Locale) -> bool: ...
    async def utility(self) -> str:
        """Its name."""

    async def rota(self) -> Rota:
        """Everything that decides who is told, as it is now."""

    async def persons_told(self) -> Rota:
        """The part of it that giving work to a person needs, whatever the giver's own reach: no policies, no calendars."""

    async def policy_as_decided(self, settings: PolicySettings) -> Policy:
        """A draft as the decision takes it, numbered 0."""

    async def area_path(self, area_id: int) -> tuple[str, str] | None:
        """Path of an area and the end of what lies below it."""


class PushBrowserStore(Protocol):
    """Browsers of one person. How they are reached goes in sealed and never comes out here."""

    async def channel(self) -> tuple[int, str] | None:
        """Browser push of this utility with its public key; None: it has none, or it is off."""

    async def all(self, user_id: UserId) -> list[PushBrowser]: ...
    async def add(self, user_id: UserId, channel_id: int, fingerprint: bytes, label: str, now_us: int) -> int:
        """This person's from now on, whoever had it; its number."""

    async def seal(self, browser_id: int, sealed: SealedKey) -> None: ...
    async def remove(self, user_id: UserId, browser_id: int) -> None: ...
    async def remove_all(self, channel_id: int) -> int:
        """Of everybody; how many."""


class PushAddressCheck(Protocol):
    """Whether this server may call a push service."""

    async def __call__(self, url: str, /) -> str | None:
        """Why not (``own-network``, ``not-encrypted`` …); None: it may."""


class NoticeLog(Protocol):
    """What was sent, and the console's inbox."""

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        state: NoticeState | None,
        channel_id: int | None,
        alarm_id: int | None,
        user_id: int | None,
        announcement_id: int | None = None,
    ) -> list[Notice]: ...
    async def detail(self, notice_id: int) -> tuple[Notice, dict[str, Any], list[Attempt]] | None:
        """With the facts that its text is made of, and each try."""

    async def add_test(self, key: str, channel_id: int, user_id: UserId | None, now_us: int) -> int:
        """Once for its key; the notice's id."""

    async def add(
        self,
        key: str,
        kind: str,
        user_id: UserId,
        channel_id: int,
        severity: str,
        facts: Mapping[str, Any],
        due_us: int,
        held: str,
        now_us: int,
    ) -> int:
        """One to a person that concerns no alarm; 1, or 0 where the key is there."""  # fmt: skip

    async def again(self, notice_id: int, now_us: int) -> bool:
        """A failed one waits once more; False: it has not failed, or has no channel."""

    async def inbox(self, user_id: UserId, limit: int, now_us: int) -> tuple[int, list[tuple[Notice, dict[str, Any]]]]:
        """How many are unseen, and the newest with the facts of their texts."""

    async def note_shown(self, user_id: UserId, notice_ids: Sequence[int], now_us: int) -> None: ...
    async def note_seen(self, user_id: UserId, notice_ids: Sequence[int], now_us: int) -> None: ...
    async def summary(self, hours: int, now_us: int) -> NoticeSummary: ...


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to an alarm, with what its notices are made of. ``facts``: plain values kept with each notice."""

    tenant_id: TenantId
    event: NoticeEvent
    alarm_id: int | None
    received_us: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """A notice that waits to be sent. ``bundle``: fixed at an earlier try with those of the same number."""

    notice_id: int
    key: str
    user_id: UserId | None
    kind: str
    severity: str
    event: str
    held: str
    facts: Mapping[str, Any]
    tries: int
    bundle: int | None
    customer_id: CustomerId | None = None


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """A channel as the worker needs it. ``contacts``: by user (e-mail, phone, openid, locale); ``locale``: of groups."""

    channel_id: int
    tenant_id: TenantId
    kind: ChannelKind
    settings: Mapping[str, str]
    sealed: SealedKey | None
    per_minute: int
    utility: str
    zone: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person is reached."""

    email: str
    phone: str
    openid: str
    locale: Locale


@dataclass(frozen=True, slots=True)
class SealedBrowser:
    """A browser as the worker reads it."""

    browser_id: int
    sealed: SealedKey


class NoticeWork(Protocol):
    """The worker's side. Each call is one transaction, except where it says otherwise."""

    async def hold(self) -> bool:
        """Whether this process is the one that sends: one at a time, until its connection ends. What an earlier one left on its way
        waits again, in the same bundles."""

    async def decide(self, decide: "EventDecision", most: int, now_us: int) -> int:
        """Take the next that happened, and write what follows from it; how many were taken."""

    async def ring(self, decide: "TimerDecision", most: int, now_us: int) -> int:
        """Take the timers that are due, and write what follows; how many."""

    async def busy_channels(self, now_us: int) -> list[ChannelAccount]:
        """Those for which something is due."""

    async def sent_since(self, channel_id: int, since_us: int) -> int:
        """How many messages went out by it."""

    async def due(self, channel_id: int, now_us: int, most: int) -> list[Due]:
        """To users and groups."""

    async def due_customers(self, channel_id: int, now_us: int, most: int, *, all_hours: bool) -> list[Due]:
        """To customers; without ``all_hours`` only what is critical."""

    async def phones(self, customer_ids: Sequence[CustomerId]) -> tuple[list[SealedValue], dict[CustomerId, str]]:
        """Customers' own numbers as they are sealed, and those that nobody sealed yet."""

    async def claim(self, notice_ids: Sequence[int], bundle: int, now_us: int) -> bool:
        """They are on their way; False: one of them is not waiting any more, and nothing was changed."""

    async def contacts(self, user_ids: Sequence[UserId]) -> dict[UserId, Contact]: ...
    async def browsers(self, channel_id: int, user_id: UserId) -> list[SealedBrowser]:
        """In which a person takes notices."""

    async def note_browser(self, browser_id: int, now_us: int, *, is_accepted: bool, reason: str) -> None: ...
    async def forget_browser(self, browser_id: int) -> None:
        """Its push service knows it no more."""

    async def templates(self, tenant_id: TenantId) -> dict[tuple[str, str], tuple[str, str]]: ...
    async def finish(
        self,
        notice_ids: Sequence[int],
        claimed_us: int,
        now_us: int,
        *,
        state: NoticeState,
        due_us: int,
        outcome: str,
        reason: str,
    ) -> None: ...
    async def forget(self, now_us: int) -> int:
        """Notices that were kept for long enough; how many."""


class PersonalOpener(Protocol):
    """Opens what is sealed of customers (``PersonalVault``)."""

    async def open(self, tenant_id: TenantId, stored: Sequence[SealedValue]) -> dict[PersonalPlace, str]: ...


class EventDecision(Protocol):
    """What follows from one happening."""

    def __call__(self, event: NoticeEvent, rota: Rota, now_us: int, /) -> Decision: ...


class TimerDecision(Protocol):
    """What follows from a timer that is due."""

    def __call__(self, timer: Timer, event: NoticeEvent, rota: Rota, now_us: int, /) -> Decision: ...


class Sender(Protocol):
    """A kind of channel: sends one letter."""

    async def __call__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], letter: Letter, now_us: int, /
    ) -> Outcome:
        """Never raises for what a channel does; ends within its own time."""
