# SPDX-License-Identifier: Apache-2.0
"""A phone signs in: a code of six digits goes to it, once; who has it is let in. A phone that is no customer's is answered alike, in the same
time, and has the same limits; its code goes nowhere.

What a guesser has: five guesses at each code, ten codes a day for a phone – 50 in a million. At whatever phones, an address has a wrong guess
a minute (kept at the edge): without it, it has 36 000 a day at 7 200 phones. The phone itself is looked for by its keyed
hash, the code is kept as one, and neither stands in a log, in the trail, or in a notice.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta

from openmains.app.identity.hashing import hash_secret, new_secret
from openmains.app.identity.ports import AuditTrail
from openmains.app.notice.codes import CodeNotices, seal_code, tell_code
from openmains.app.notice.sealing import Sealer
from openmains.app.party.personal import PersonalVault
from openmains.app.portal.model import CodeChallenge, CustomerSession, Visitor
from openmains.app.portal.ports import PortalLookups, PortalStore, Utility
from openmains.app.portal.wechat_channel import wechat_offered
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.party.personal import PersonalField, fault
from openmains.domain.period import DAY_S, HOUR_S, utc_of_us

US = 1_000_000
SESSION_PREFIX = "omc_"
CHALLENGE_PREFIX = "omq_"
CODE_S = 300
GUESSES = 5
PAUSE_S = 60
IN_HOUR, IN_DAY = 5, 10
SESSION = timedelta(days=30)  # from the sign-in, used or not
_ANSWER_S = 0.3  # every answer takes at least so long, whatever work was behind it


class CustomerSignIn:
    """``now_us``: the clock of all limits."""

    def __init__(
        self, store: Store, lookups: PortalLookups, vault: PersonalVault, sealer: Sealer, now_us: Callable[[], int]
    ) -> None:
        self._store, self._lookups, self._vault, self._sealer, self._now_us = store, lookups, vault, sealer, now_us

    async def ask(self, tenant_code: str | None, phone: str, *, address: str, request_id: str) -> CodeChallenge:
        """:raises Problem: ``tenant-needed``, ``invalid-input``, ``codes-not-sent`` where the utility has no channel that carries codes,
        ``too-many-requests``: for any phone alike."""
        if (wrong := fault(PersonalField.PHONE, phone)) is not None:
            raise Problem("invalid-input", fields=(("/phone", wrong),))
        utility = await utility_of(self._lookups, tenant_code)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await self._asked(utility, phone, address, request_id)
        finally:
            await asyncio.sleep(begun + _ANSWER_S - loop.time())

    async def _asked(self, utility: Utility, phone: str, address: str, request_id: str) -> CodeChallenge:
        tenant_id, now = utility.tenant_id, self._now_us()
        sealer = await self._vault.sealer(tenant_id)
        blind = sealer.blind(PersonalField.PHONE, phone)
        code = f"{secrets.randbelow(10**6):06d}"
        challenge, kept = new_secret(CHALLENGE_PREFIX)
        key, expires_us = f"code:{kept.hex()[:32]}", now + CODE_S * US
        sealed = await seal_code(
            self._sealer, tenant_id, key, code, expires_us
        )  # for a stranger too: it takes its time
        async with self._store.tenant(tenant_id) as work:
            portal = work[PortalStore]
            channel_id = await work[CodeNotices].channel()
            if channel_id is None:
                raise Problem("codes-not-sent")
            await portal.lock_phone(blind)
            if (wait := wait_s(await portal.asked(blind, now - DAY_S * US), now)) > 0:
                raise Problem("too-many-requests", retry_after_s=wait)
            await portal.add_code(kept, blind, sealer.code_mark(challenge, code), now, expires_us, address)
            found = await portal.customers(blind)
            if found:
                visitor = Visitor(
                    tenant_id, utility.zone, utc_of_us(expires_us), tuple(one for one, _ in found), tuple(name for _, name in found), b"",
                    address, request_id,
                )  # fmt: skip
                await tell_code(work, key, found[0][0], channel_id, sealed, now)
                await work[AuditTrail].record(visitor.actor(), "ask_for_code", "customer", found[0][0], None, None)
        return CodeChallenge(challenge, utc_of_us(expires_us))

    async def enter(
        self, challenge: str, code: str, *, address: str, request_id: str
    ) -> tuple[CustomerSession, str, Visitor]:
        """The session, its secret – which goes to the caller once –, and who it is.

        :raises Problem: ``code-over`` for a code that is used, over, guessed at too often or unknown; ``wrong-code``.
        """
        kept, now = hash_secret(challenge), self._now_us()
        utility = await self._lookups.of_challenge(kept)
        if utility is None:
            raise Problem("code-over")
        sealer = await self._vault.sealer(utility.tenant_id)
        async with self._store.tenant(utility.tenant_id) as work:
            portal = work[PortalStore]
            held = await portal.lock_code(kept)
            if held is None or held.used_us is not None or now >= held.expires_us or held.guesses >= GUESSES:
                raise Problem("code-over")
            found = await portal.customers(held.blind)
            right = hmac.compare_digest(held.mark, sealer.code_mark(challenge, code)) and bool(found)
            ids, names = tuple(one for one, _ in found), tuple(name for _, name in found)
            secret, session_hash = new_secret(SESSION_PREFIX)
            expires_at = utc_of_us(now) + SESSION
            visitor = Visitor(
                utility.tenant_id, utility.zone, expires_at, ids, names, session_hash, address, request_id
            )
            if right:
                await portal.use_code(held.code_id, now)
                await portal.add_session(session_hash, held.blind, expires_at, address)
                await work[AuditTrail].record(visitor.actor(), "sign_in", "customer", ids[0], None, None)
                session = await session_of(work, visitor)
            else:
                await portal.note_guess(held.code_id)
                if found:
                    told = {"guesses": held.guesses + 1}
                    await work[AuditTrail].record(visitor.actor(), "sign_in_refused", "customer", ids[0], None, told)
        if not right:  # after the guess is kept
            raise Problem("wrong-code", left=GUESSES - held.guesses - 1)
        return session, secret, visitor


async def utility_of(lookups: PortalLookups, tenant_code: str | None) -> Utility:
    """Raises ``tenant-needed``, ``invalid-input``."""
    found = await lookups.utility(tenant_code)
    if found is None and tenant_code is None:
        raise Problem("tenant-needed", fields=(("/tenant", "required"),))
    if found is None:
        raise Problem("invalid-input", fields=(("/tenant", "unknown-reference"),))
    return found


def wait_s(asked_us: list[int], now_us: int) -> int:
    """Seconds until another code may be asked for; ``asked_us``: those of a day, newest first. 0: now."""
    waits = [0]
    for count, span_s in ((1, PAUSE_S), (IN_HOUR, HOUR_S), (IN_DAY, DAY_S)):
        if len(asked_us) >= count:
            waits.append(-((now_us - asked_us[count - 1] - span_s * US) // US))
    return max(waits)


async def read_session(store: Store, visitor: Visitor) -> CustomerSession:
    """Who is signed in."""
    async with store.tenant(visitor.tenant_id) as work:
        return await session_of(work, visitor)


async def session_of(work: Work, visitor: Visitor) -> CustomerSession:
    """A session as the page is told of it."""
    portal = work[PortalStore]
    return CustomerSession(
        await portal.utility_name(), visitor.zone.key, list(visitor.codes), visitor.expires_at,
        await portal.wechat_of(visitor.session_hash) is not None, await wechat_offered(work),
    )  # fmt: skip


async def sign_out(store: Store, visitor: Visitor) -> None:
    """End the session that asks."""
    async with store.tenant(visitor.tenant_id) as work:
        await work[PortalStore].end_session(visitor.session_hash)
        await work[AuditTrail].record(visitor.actor(), "sign_out", "customer", visitor.customer_ids[0], None, None)
