# SPDX-License-Identifier: Apache-2.0
"""Notices, who gets them and by what, as the use cases and the API see them. No secret is ever part of a record."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.alarm.model import Severity
from openmains.domain.ids import UserId

ChannelKind = Literal[
    "inbox", "email", "webhook", "wecom", "dingtalk", "feishu", "sms_aliyun", "sms_tencent", "wechat", "apprise",
    "web_push",
]  # fmt: skip
NoticeState = Literal["waiting", "sending", "accepted", "failed"]
TemplateKind = Literal[
    "raised", "escalated", "cleared", "digest", "test", "order", "order_overdue", "announcement", "customer_code",
    "arrears_warning", "balance_low",
]  # fmt: skip
Locale = Literal["zh", "en"]
Minute = Annotated[int, Meta(ge=0, le=1439)]
Row64 = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class NoticeChannel(Struct, frozen=True):
    """A way to send. ``secrets``: names of those it has; their values are told to nobody. ``last_*``: what the delivery log says last."""

    channel_id: int
    name: str
    kind: ChannelKind
    settings: dict[str, str]
    secrets: list[str]
    per_minute: int
    is_on: bool
    changed_at: datetime
    last_accepted_at: datetime | None
    last_failed_at: datetime | None
    last_reason: str


class PushBrowser(Struct, frozen=True):
    """A browser in which a person takes notices. ``fingerprint``: SHA-256 of its endpoint in hexadecimal, by which it knows itself;
    ``last_*``: what its push service said."""

    browser_id: int
    fingerprint: str
    label: str
    made_at: datetime
    last_accepted_at: datetime | None
    last_failed_at: datetime | None
    last_reason: str


class PushBrowsers(Struct, frozen=True):
    """``public_key``: by which a browser subscribes (RFC 8292), base64url; null: this utility has no browser push."""

    public_key: str | None
    browsers: list[PushBrowser]


class PersonAbsence(Struct, frozen=True, forbid_unknown_fields=True):
    """From, until (excluded); ``stand_in`` is told instead."""

    since: datetime
    until: datetime
    stand_in: Row64


class PersonSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a person is reached and when not. Minutes of the utility's day; ``quiet_*`` both or neither, ``digest_*`` both or neither:
    what is less grave than ``digest_below`` waits for the daily digest. What is critical always passes."""

    email: Annotated[str, Meta(max_length=200)] = ""
    phone: Annotated[str, Meta(max_length=20)] = ""
    openid: Annotated[str, Meta(max_length=64)] = ""
    quiet_from: Minute | None = None
    quiet_until: Minute | None = None
    digest_at: Minute | None = None
    digest_below: Severity | None = None
    absences: Annotated[list[PersonAbsence], Meta(max_length=50)] = []


class NoticePerson(Struct, frozen=True):
    """A user with how it is reached."""

    user_id: UserId
    login: str
    name: str
    locale: str
    disabled: bool
    settings: PersonSettings


class DutyShift(Struct, frozen=True, forbid_unknown_fields=True):
    """``weekdays``: 0 = Monday, of its begin; ``until`` not after ``since``: past midnight."""

    weekdays: Annotated[list[Annotated[int, Meta(ge=0, le=6)]], Meta(min_length=1, max_length=7)]
    since: Minute
    until: Minute
    users: Annotated[list[Row64], Meta(min_length=1, max_length=50)]


class Calendar(Struct, frozen=True):
    """A week of shifts. ``on_duty``: whose shift it is now."""

    calendar_id: int
    name: str
    shifts: list[DutyShift]
    on_duty: list[UserId]


class PolicyLevel(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told ``after_min`` minutes while nobody acknowledged: these users, and who is on duty."""

    after_min: Annotated[int, Meta(ge=0, le=7 * 1440)]
    users: Annotated[list[Row64], Meta(max_length=100)] = []
    calendars: Annotated[list[Row64], Meta(max_length=20)] = []
    channels: Annotated[list[Row64], Meta(min_length=1, max_length=20)] = []


class PolicySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alarms: of an area with what is below it (null: everywhere), of these events (none: all), from a severity on; and who, at
    rising times."""

    name: Name
    levels: Annotated[list[PolicyLevel], Meta(min_length=1, max_length=10)]
    area_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    events: Annotated[list[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]], Meta(max_length=100)] = []
    least: Severity = "minor"
    tells_cleared: bool = False
    is_on: bool = True


class NoticePolicy(Struct, frozen=True):
    """A policy as it stands."""

    policy_id: int
    settings: PolicySettings
    changed_at: datetime
    changed_by: str


class PreviewLine(Struct, frozen=True):
    """Whom a policy would tell: ``held`` why not at once, ``fault`` why not at all."""

    policy_id: int
    policy: str
    level: int
    after_min: int
    user_id: UserId | None
    user: str
    channel_id: int | None
    channel: str
    kind: str
    due_at: datetime
    held: str
    fault: str


class Template(Struct, frozen=True):
    """``is_own``: the utility's, not the one that comes with the program."""

    kind: TemplateKind
    locale: Locale
    subject: str
    body: str
    is_own: bool


class Attempt(Struct, frozen=True):
    """One try of a notice; ``outcome`` '' while it is on its way or was cut off."""

    at: datetime
    took_ms: int
    outcome: str
    reason: str


class Notice(Struct, frozen=True):
    """A line of the delivery log. ``accepted_at``: the instant of the channel's acknowledgement, ``shown_ms``: from the meter's message to
    it (R7.1); ``members``: of a group of alarms; ``bundle``: notices of the same number went as one message; ``customer_id``: whom an
    announcement went to."""

    notice_id: int
    kind: str
    state: NoticeState
    severity: str
    event: str
    alarm_id: int | None
    number: str
    members: int
    level: int
    user_id: UserId | None
    user: str
    channel_id: int | None
    channel: str
    channel_kind: str
    made_at: datetime
    due_at: datetime
    held: str
    tries: int
    accepted_at: datetime | None
    shown_ms: int | None
    seen_at: datetime | None
    bundle: int | None
    reason: str
    customer_id: int | None = None


class NoticeDetail(Struct, frozen=True):
    """With its text and each try."""

    notice: Notice
    subject: str
    text: str
    attempts: list[Attempt]


class InboxNotice(Struct, frozen=True):
    """A notice in the console's own inbox of the person who asks."""

    notice_id: int
    kind: str
    severity: str
    subject: str
    text: str
    alarm_id: int | None
    at: datetime
    seen_at: datetime | None


class Inbox(Struct, frozen=True):
    """``unseen``: how many in all."""

    unseen: int
    items: list[InboxNotice]


class NoticeSummary(Struct, frozen=True):
    """Of the alarms raised in the last ``hours``: how many reached somebody's channel, in time (R7.1), late, not yet, and of how many
    nobody is told because no policy speaks of them; p99 in ms over those that were acknowledged by a channel."""

    hours: int
    target_ms: int
    alarms: int
    in_time: int
    late: int
    pending: int
    failed: int
    untold: int
    p99_ms: int | None
    waiting: int


class PolicyQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """An alarm as it might be: who would get it? ``at``: now unless given."""

    event: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    severity: Severity
    area_id: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    at: datetime | None = None
    policy: PolicySettings | None = None
