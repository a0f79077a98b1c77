# SPDX-License-Identifier: Apache-2.0
"""The demo utility's direct debit: some who have not paid authorised their bank. One file is answered: collected, not enough there, given
back; a second one waits for its answer. The bank is emulated, within this process."""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.payment.debit_answers import read_answer
from openmains.app.payment.debit_layouts import LAYOUTS
from openmains.app.payment.debit_ports import DebitStore
from openmains.app.payment.debits import NewDebitAuthorisation, authorise, download_file, make_file
from openmains.app.payment.order_ports import ChannelSealer
from openmains.app.unit_of_work import Store
from openmains.domain.period import day_to_date
from openmains.emulator.pay import bank
from openmains.run.roles.process import now_us

REASON = "柜台签约 signed at the counter"
DECLINED, RETURNED = 1, 2  # places in the first file


async def fill_debits(
    store: Store, sealer: ChannelSealer, chief: Actor, clerk: Actor, account_ids: Sequence[int], today: int
) -> int:
    """Once; how many were collected. The administrator still has to agree to what the bank gave back."""
    async with store.tenant(chief.tenant_id) as work:
        if await work[DebitStore].authorisations(1, None, account_id=None):
            return 0
    for place, account_id in enumerate(account_ids):
        wanted = NewDebitAuthorisation(
            account_id, f"DEMO-{account_id:06d}", "演示银行 Demo Bank", f"演示户 {account_id}",
            f"62220000{place:03d}{account_id:08d}", today - 200,
        )  # fmt: skip
        await authorise(store, clerk, sealer, wanted, REASON, today, now_us())
    if len(account_ids) <= RETURNED:
        return 0
    file = await make_file(store, clerk, "demo-debit-1", today, today, now_us())
    name, data = await download_file(store, clerk, sealer, file.file_id)
    layout, day = LAYOUTS[file.layout], f"{day_to_date(today):%Y%m%d}"

    def number(place: int) -> str:
        return f"DEMO{file.file_id:06d}{place:04d}"

    told = bank.answer(layout, data, day, number, {DECLINED: "51"})
    read = await read_answer(store, clerk, file.file_id, f"answer-{name}", told, today, now_us())
    back = bank.answer(layout, data, day, number, {RETURNED: "RT"}, only={RETURNED})
    await read_answer(store, clerk, file.file_id, f"returned-{name}", back, today, now_us())
    await make_file(store, clerk, "demo-debit-2", today, today, now_us())  # who was declined
    return read.paid
