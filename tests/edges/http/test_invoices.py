# SPDX-License-Identifier: Apache-2.0
"""Invoices of bills over real engines and an emulated tax platform: never twice for a bill, asked again where nothing is known, taken back by
another person."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.tax.simulator import EmulatedTax
from tests.edges.http.test_billing import done_, town
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World

TAXES = [
    {"component": "water", "item": "*水冰雪*自来水", "tax_code": "1100301010000000000", "rate_bp": 300},
    {"component": "sewage", "item": "*不征税自行开具项目*污水处理费", "tax_code": "6000000000000000000", "rate_bp": 0},
]
BUYER = {"buyer": "某某食品有限公司", "buyer_tax_number": "91530000719405252X"}


@pytest.fixture
async def platform(world: World) -> AsyncIterator[EmulatedTax]:
    world.deps.tax = EmulatedTax()
    yield world.deps.tax
    world.deps.tax = None


async def test_a_bill_is_invoiced_once_and_taken_back_by_another_person(
    world: World, clickhouse: ClickHouse, platform: EmulatedTax
) -> None:
    async with (
        town(world, clickhouse, 2) as (place, clerk, chief),
        world.client(await world.user(place.utility, "viewer")) as viewer,
    ):
        await place.whole_months(1, 500)
        await place.whole_months(2, 300)
        await place.run(chief, place.before)
        first, second = sorted((await done_(clerk, "/bills"))["items"], key=lambda one: one["account_id"])
        path = f"/bills/{first['bill_id']}/invoices"

        # not before seller and taxes are there
        assert problem(await viewer.post(path, json=BUYER)) == "not-allowed"
        refused = await clerk.post(path, json=BUYER)
        assert problem(refused) == "invoice-settings" and "water" in refused.json()["detail"]
        letterhead = {"tax_number": "91530000771234567Q", "address": "人民路 1 号", "reason": "as registered"}
        assert (await chief.put("/bill-letterhead", json=letterhead)).status_code == 200
        twice = {"taxes": [TAXES[0], TAXES[0]], "reason": "as registered"}
        assert problem(await chief.put("/invoice-taxes", json=twice)) == "invalid-input"
        assert (await chief.put("/invoice-taxes", json={"taxes": TAXES, "reason": "as registered"})).json() == TAXES

        # by four at once it is issued once; the document holds the bill to the fen
        answers = await asyncio.gather(*(clerk.post(path, json=BUYER) for _ in range(4)))
        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
        assert {problem(one) for one in answers if one.status_code == 409} == {"invoice-stands"}
        issued = next(one.json() for one in answers if one.status_code == 201)
        assert issued["state"] == "issued" and len(issued["number"]) == 20 and issued["number"].startswith("00")
        assert len(platform.heard) == 1 and issued["fen"] == first["total_fen"]
        sums = issued["document"]["BasicInformation"]
        assert sums["TotalTax-includedAmount"] == f"{first['total_fen'] // 100}.{first['total_fen'] % 100:02d}"
        assert await done_(viewer, path) == [issued]

        # taken back by another person; then it may be asked for again
        back = f"/invoices/{issued['invoice_id']}/red-letter"
        assert problem(await clerk.post(back, json={"reason": "wrong buyer"})) == "not-allowed"
        assert problem(await chief.post(back, json={})) == "reason-needed"
        platform.lost = 1
        assert (await chief.post(back, json={"reason": "wrong buyer"})).json()["state"] == "red_asked"
        assert problem(await clerk.post(path, json=BUYER)) == "invoice-stands"
        red = (await clerk.post(f"/invoices/{issued['invoice_id']}/ask", json={})).json()
        assert red["state"] == "red_lettered" and len(red["red_number"]) == 20 != issued["number"]
        assert problem(await chief.post(back, json={"reason": "again"})) == "already-done"
        mine = await made(chief, path, BUYER | {"buyer": "另一家"})
        assert mine["state"] == "issued"
        assert (
            problem(await chief.post(f"/invoices/{mine['invoice_id']}/red-letter", json={"reason": "mine"}))
            == "own-invoice"
        )

        # an answer that is lost is asked for under the same number; what is declined may be asked for again
        other = f"/bills/{second['bill_id']}/invoices"
        platform.declined = "buyer-unknown"
        declined = await made(clerk, other, BUYER)
        assert (declined["state"], declined["fault"]) == ("refused", "buyer-unknown")
        platform.declined, platform.lost = "", 1
        waits = await made(clerk, other, BUYER)
        assert (waits["state"], waits["fault"]) == ("asked", "no-answer")
        heard = len(platform.heard)
        again = await clerk.post(f"/invoices/{waits['invoice_id']}/ask", json={})
        assert again.json()["state"] == "issued" and len(platform.heard) == heard
        assert (await clerk.post(f"/invoices/{waits['invoice_id']}/ask", json={})).json() == again.json()
        assert [one["state"] for one in (await done_(clerk, "/invoices", state="refused"))["items"]] == ["refused"]
        for act in ("state = 'asked'", "fen = 1", "number = 'x'"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await world.owner.execute(f"UPDATE invoice SET {act} WHERE invoice_id = $1", waits["invoice_id"])  # noqa: S608

        # without an adapter nothing is asked for, and it is said
        world.deps.tax = None
        assert problem(await clerk.post(other, json=BUYER)) == "not-offered"
