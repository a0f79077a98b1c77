# SPDX-License-Identifier: Apache-2.0
"""Have accounts charged at the server, and end it. What was deducted stays: the next bill takes its place."""

from collections.abc import Sequence
from datetime import date

from openmains.app.billing.server_ports import ServerAccountStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.period import date_to_day, day_text

MOST_DAYS = 31  # that it may begin before today, or after


async def charge_at_server(
    store: Store,
    actor: Actor,
    account_ids: Sequence[int],
    since: date,
    warn_fen: int,
    limit_fen: int,
    reason: str,
    today: int,
    now_us: int,
) -> int:
    """From a day on; of accounts that are charged so already only the levels change. How many. Raises ``reason-needed``,
    ``invalid-input``."""
    why = stated(reason)
    day = date_to_day(since)
    if not today - MOST_DAYS <= day <= today + MOST_DAYS:
        raise Problem("invalid-input", fields=(("/since_day", "out-of-range"),))
    if warn_fen < -limit_fen:
        raise Problem("invalid-input", fields=(("/warn_fen", "out-of-range"),))
    async with store.tenant(actor.tenant_id) as work:
        wanted = await _wanted(work, account_ids)
        await work[ServerAccountStore].hold()
        await work[ServerAccountStore].set(wanted, day, warn_fen, limit_fen, actor.user_id, now_us)
        after = {"since_day": since.isoformat(), "warn_fen": warn_fen, "limit_fen": limit_fen}
        for account_id in wanted:
            await work[AuditTrail].record(
                actor, "charge_at_server", "server_account", account_id, None, after, reason=why
            )
    return len(wanted)


async def end_server_charging(
    store: Store, actor: Actor, account_ids: Sequence[int], reason: str, today: int, now_us: int
) -> int:
    """No day from today on is deducted; how many were charged so. Raises ``reason-needed``, ``invalid-input``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        wanted = await _wanted(work, account_ids)
        await work[ServerAccountStore].hold()
        ended = await work[ServerAccountStore].end(wanted, today, actor.user_id, now_us)
        until = {"ended_on": day_text(today)}
        for account_id in ended:
            await work[AuditTrail].record(
                actor, "end_server_charging", "server_account", account_id, {"ended_on": None}, until, reason=why
            )
    return len(ended)


async def _wanted(work: Work, account_ids: Sequence[int]) -> list[int]:
    """Each once. Raises ``invalid-input`` for one that is no account of this utility."""
    known = set(await work[ServerAccountStore].known(account_ids))
    wrong = [place for place, one in enumerate(account_ids) if one not in known]
    if wrong:
        fields = tuple((f"/account_ids/{place}", "unknown-reference") for place in wrong[:20])
        raise Problem("invalid-input", fields=fields)
    return sorted(set(account_ids))
