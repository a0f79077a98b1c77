# SPDX-License-Identifier: Apache-2.0
"""The worker's turn at notices: decide → ring timers → send (R7.3, ADR 0034).

Deciding and ringing are one transaction each: what was taken and what follows from it are written together, so a kill takes both or
none. Sending is claim → call → finish. A kill between call and finish leaves the notice *on its way*; the next process sends it again
under the same key, by which webhook, WeChat and mail programs tell a repeat. Each channel is a task of its own: one that is slow or
down holds up nobody else.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from openmains.app.notice.browsers import BrowserPost
from openmains.app.notice.codes import FACT, KIND, SealedCode, open_code
from openmains.app.notice.model import Locale
from openmains.app.notice.ports import ChannelAccount, Contact, Due, NoticeWork, PersonalOpener, Sender
from openmains.app.notice.sealing import KeyUnreadableError, Sealer, channel_purpose
from openmains.app.notice.shapes.talk import Accepted, Letter, Outcome, Refused
from openmains.app.notice.texts import facts_of, listed, worded
from openmains.domain.ids import CustomerId, UserId
from openmains.domain.notice.announcement import is_day
from openmains.domain.notice.decide import INBOX, PERSONAL, SEVERITIES, WEB_PUSH, decide, decide_timer
from openmains.domain.notice.pace import notice_wait_us, room
from openmains.domain.notice.parcels import Parcel, parcels
from openmains.domain.period import zone

_log = logging.getLogger("openmains.notice")
AT_ONCE = 1000  # that happened, of one transaction
DUE_AT_ONCE = 2000  # notices of a channel that are looked at together
MINUTE_US = 60_000_000
SEND_S = 30.0  # after which a channel that has its own limits is given up all the same


@dataclass(slots=True)
class NoticeLoop:
    """``now_us``: the clock; ``senders`` by kind of channel; ``personal``: opens customers' numbers; None: no announcement is sent here."""

    work: NoticeWork
    sealer: Sealer
    senders: Mapping[str, Sender]
    now_us: Callable[[], int]
    personal: PersonalOpener | None = None
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def step(self) -> int:
        """One turn; how much happened. Sending goes on in tasks (``settle``)."""
        if not await self.work.hold():
            return 0
        done = 0
        while taken := await self.work.decide(decide, AT_ONCE, self.now_us()):
            done += taken
        while rung := await self.work.ring(decide_timer, AT_ONCE, self.now_us()):
            done += rung
        for account in await self.work.busy_channels(self.now_us()):
            running = self.tasks.get(account.channel_id)
            if account.kind != INBOX and (running is None or running.done()):
                self.tasks[account.channel_id] = asyncio.create_task(self._serve(account))
        return done

    async def settle(self) -> None:
        """Until everything that is on its way has arrived or failed."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _serve(self, account: ChannelAccount) -> None:
        try:
            await self._send_due(account)
        except Exception:  # the store may be away: what is on its way is sent again by the next turn or process
            _log.exception("notices of channel %d", account.channel_id)

    async def _send_due(self, account: ChannelAccount) -> None:
        now = self.now_us()
        free = room(account.per_minute, await self.work.sent_since(account.channel_id, now - MINUTE_US))
        if not free:
            return
        waiting = await self.work.due(account.channel_id, now, DUE_AT_ONCE)
        if waiting:
            free -= await self._send_own(account, waiting, free)
        free -= account.per_minute // 2  # half of what a channel may send is kept for alarms
        if free > 0 and self.personal is not None:
            await self._send_customers(account, free, now)

    async def _send_own(self, account: ChannelAccount, waiting: Sequence[Due], free: int) -> int:
        """To users and groups; how many messages."""
        by_id = {notice.notice_id: notice for notice in waiting}
        whole = [(notice.notice_id, notice.user_id or 0, notice.held != "", notice.bundle) for notice in waiting]
        chosen = parcels(whole, free)
        contacts = await self.work.contacts(
            sorted({notice.user_id for notice in waiting if notice.user_id is not None})
        )
        words = await self.work.templates(account.tenant_id)
        secrets = await self._secrets(account)
        for parcel in chosen:
            notices = [by_id[notice_id] for notice_id in parcel.notice_ids]
            first = notices[0]
            contact = None if first.user_id is None else contacts.get(first.user_id)
            await self._send(account, parcel, notices, contact, words, secrets)
        return len(chosen)

    async def _send_customers(self, account: ChannelAccount, free: int, now: int) -> None:
        """Announcements (R7.5): each customer one message, by day unless it is about safety."""
        all_hours = is_day(zone(account.zone), now // 1_000_000)
        waiting = await self.work.due_customers(account.channel_id, now, free, all_hours=all_hours)
        if not waiting or self.personal is None:
            return
        whose = [notice.customer_id for notice in waiting if notice.customer_id is not None]
        sealed, phones = await self.work.phones(whose)
        broken: set[CustomerId] = set()
        for value in sealed:
            try:
                opened = await self.personal.open(account.tenant_id, [value])
            except KeyUnreadableError:
                broken.add(value.place.customer_id)
            else:
                phones[value.place.customer_id] = opened[value.place]
        words = await self.work.templates(account.tenant_id)
        secrets = await self._secrets(account)
        locale: Locale = "en" if account.settings.get("locale") == "en" else "zh"
        for notice in waiting:
            phone = "" if notice.customer_id is None else phones.get(notice.customer_id, "")
            told = Refused("phone-unreadable", is_final=True) if notice.customer_id in broken else secrets
            whole = await self._with_code(account, notice) if notice.kind == KIND else notice
            parcel, whom = Parcel((notice.notice_id,)), Contact("", phone, "", locale)
            if isinstance(whole, Refused):
                await self._send(account, parcel, [notice], whom, words, whole)
            else:
                await self._send(account, parcel, [whole], whom, words, told)

    async def _with_code(self, account: ChannelAccount, notice: Due) -> Due | Refused:
        """Its code is opened for this message only; one that is over goes nowhere."""
        kept = msgspec.convert(notice.facts, SealedCode)
        if self.now_us() >= kept.expires_us:
            return Refused("code-over", is_final=True)
        try:
            code = await open_code(self.sealer, account.tenant_id, notice.key, kept)
        except KeyUnreadableError:
            return Refused("secret-unreadable", is_final=True)
        return replace(notice, facts={FACT: code})

    async def _secrets(self, account: ChannelAccount) -> dict[str, str] | Refused:
        if account.sealed is None:
            return {}
        try:
            return await self.sealer.open(account.tenant_id, channel_purpose(account.channel_id), account.sealed)
        except KeyUnreadableError:
            return Refused("secret-unreadable", is_final=True)

    async def _send(
        self,
        account: ChannelAccount,
        parcel: Parcel,
        notices: Sequence[Due],
        contact: Contact | None,
        words: Mapping[tuple[str, str], tuple[str, str]],
        secrets: dict[str, str] | Refused,
    ) -> None:
        claimed = self.now_us()
        ids = list(parcel.notice_ids)
        if not await self.work.claim(ids, ids[0], claimed):
            return
        letter = letter_of(account, notices, contact, words)
        outcome: Outcome
        if isinstance(secrets, Refused):
            outcome = secrets
        elif account.kind == WEB_PUSH:
            outcome = await self._to_browsers(account, notices[0].user_id, secrets, letter)
        elif account.kind in PERSONAL and not letter.address:
            outcome = Refused("no-contact", is_final=True)
        else:
            outcome = await self._call(account, secrets, letter)
        now = self.now_us()
        tries = max(notice.tries for notice in notices) + 1
        if isinstance(outcome, Accepted):
            await self.work.finish(
                ids, claimed, now, state="accepted", due_us=now, outcome="accepted", reason=outcome.reference
            )
            return
        wait = None if outcome.is_final else notice_wait_us(tries, outcome.wait_s)
        failed = wait is None
        await self.work.finish(
            ids,
            claimed,
            now,
            state="failed" if failed else "waiting",
            due_us=now + (wait or 0),
            outcome="failed" if failed else "refused",
            reason=outcome.reason,
        )

    async def _to_browsers(
        self, account: ChannelAccount, user_id: UserId | None, secrets: dict[str, str], letter: Letter
    ) -> Outcome:
        async def send(own: Mapping[str, str]) -> Outcome:
            return await self._call(account, own, letter)

        return await BrowserPost(self.work, self.sealer, self.now_us).tell(account, user_id, secrets, send)

    async def _call(self, account: ChannelAccount, secrets: Mapping[str, str], letter: Letter) -> Outcome:
        try:
            sending = self.senders[account.kind](account.settings, secrets, letter, self.now_us())
            return await asyncio.wait_for(sending, SEND_S)
        except TimeoutError:
            return Refused("timeout")
        except Exception as error:  # our own fault; its text may quote a URL with a secret
            _log.exception("channel %d failed with %s", account.channel_id, type(error).__name__, exc_info=False)
            return Refused(type(error).__name__)


def letter_of(
    account: ChannelAccount,
    notices: Sequence[Due],
    contact: Contact | None,
    words: Mapping[tuple[str, str], tuple[str, str]],
) -> Letter:
    """The message of one notice, or of several that go together."""
    locale = contact.locale if contact is not None else ("en" if account.settings.get("locale") == "en" else "zh")
    told_in = zone(account.zone)
    first = notices[0]
    gravest = max((notice.severity for notice in notices), key=SEVERITIES.index)
    facts = facts_of(
        {**first.facts, "event": first.event, "severity": first.severity}, account.utility, told_in, locale, first.kind
    )
    kind = first.kind
    if len(notices) > 1:
        kind = "digest"
        lines = []
        for notice in notices:
            own = facts_of(
                {**notice.facts, "event": notice.event, "severity": notice.severity}, account.utility, told_in, locale
            )
            lines.append(f"[{own['severity']}] {own['event']} {own['number']} {own['raised']}")
        facts |= {"count": str(len(notices)), "list": listed(lines, locale)}
    subject, text = worded(kind, locale, words, facts)
    address = ""
    if contact is not None:
        address = {"email": contact.email, "wechat": contact.openid}.get(account.kind, contact.phone)
    key = first.key if len(notices) == 1 else f"{first.key}+{len(notices) - 1}"
    return Letter(
        key=f"{account.tenant_id}:{key}",
        subject=subject,
        text=text,
        address=address,
        severity=gravest,
        facts=facts,
        locale=locale,
    )
