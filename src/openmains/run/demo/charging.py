# SPDX-License-Identifier: Apache-2.0
"""Some of the demo utility's water accounts are charged at the server since this month began: most paid ahead, so that their balance falls day
by day; some little, who are warned; and some nothing, who are below their limit from the first day on."""

from collections.abc import Sequence

from openmains.app.billing.charge_at_server import charge_at_server
from openmains.app.identity.model import Actor
from openmains.app.payment.take import NewReceipt, take_payment
from openmains.app.unit_of_work import Store
from openmains.domain.period import day_to_date
from openmains.run.roles.process import now_us

REASON = "住户选择平台预付费 the household wished to pay ahead"
WARN_FEN = 2000
PAID_FEN = (20_000, 10_000, 3_000, 0)
"""By place, again and again."""


async def fill_charged(store: Store, chief: Actor, clerk: Actor, account_ids: Sequence[int], today: int) -> int:
    """Once for each account; how many are charged so."""
    if not account_ids:
        return 0
    for place, account_id in enumerate(account_ids):
        fen = PAID_FEN[place % len(PAID_FEN)]
        if fen:
            wanted = NewReceipt(f"demo-ahead-{account_id}", account_id, "cash", fen)
            await take_payment(store, clerk, wanted, today, now_us())
    since = day_to_date(today).replace(day=1)
    return await charge_at_server(store, chief, account_ids, since, WARN_FEN, 0, REASON, today, now_us())
