# SPDX-License-Identifier: Apache-2.0
"""Payments through channels over real engines and emulated providers: booked once, whoever says so and however often; nothing for a
callback that does
not fit; unknown results asked for; top-ups on their way to the meter and back."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from openmains.app.command.signing_ports import SignerAwayError
from openmains.app.command.work import CommandWork
from openmains.app.identity.model import Actor
from openmains.app.payment.channel_settings import ChannelContext
from openmains.app.payment.working import PaymentWorker
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import zone
from openmains.edges.postgres.payment.orders import PostgresPaymentWork
from openmains.edges.signer.ledger import SqliteLedger
from openmains.emulator.pay.alipay import EmulatedAlipay
from openmains.emulator.pay.trades import Mischief, Refunded, Trade, day_of
from openmains.emulator.pay.wechat import EmulatedWechat
from openmains.run.demo.payments import fill_payments
from tests.edges.http.test_command import ANN, add_meters, signer, work
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import Utility, World
from tests.support.command_meter import PlainDrivers
from tests.support.hanging import hang_all
from tests.support.providers import Emulated, caller_to

__all__ = ["signer", "work"]  # fixtures
BAD = asyncpg.IntegrityConstraintViolationError


class NoSigner:
    """A signer that is away."""

    def __getattr__(self, name: str) -> Any:
        async def away(*args: Any, **kwargs: Any) -> Any:
            raise SignerAwayError

        return away


class Shop:
    """A utility with a channel at an emulated provider."""

    def __init__(
        self,
        world: World,
        utility: Utility,
        provider: Emulated,
        channel: dict[str, Any],
        clients: list[httpx.AsyncClient],
    ) -> None:
        self.world, self.utility, self.provider, self.channel = world, utility, provider, channel
        self.chief, self.clerk = clients
        self.late_us = 0
        provider.now_s = self.now_s
        tools = ChannelContext(
            world.deps.provider_call or caller_to(provider), world.deps.sealer, self.now_s, lambda: secrets.token_hex(16)  # type: ignore[arg-type]
        )  # fmt: skip
        self.worker = PaymentWorker(
            world.deps.store, PostgresPaymentWork(world.pipeline), tools, NoSigner(), world.deps.stop_switch, PlainDrivers(),  # type: ignore[arg-type]
            lambda: world.deps.now_us() + self.late_us,
        )  # fmt: skip

    def now_s(self) -> int:
        return self.world.deps.now_s() + self.late_us // 1_000_000

    async def order(self, fen: int = 5000, account: int = 7, **more: Any) -> dict[str, Any]:
        body = {
            "key": secrets.token_hex(8),
            "channel_id": self.channel["channel_id"],
            "account_id": account,
            "fen": fen,
        } | more
        return await made(self.clerk, "/payment-orders", body)

    async def read(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.clerk.get(f"/payment-orders/{order['order_id']}")).json()
        return found

    def pay(self, order: dict[str, Any]) -> Trade:
        return self.provider.book.pay(order["number"], self.now_s())

    async def call_back(self, trade: Trade, mischief: Mischief | None = None) -> httpx.Response:
        self.provider.book.mischief = mischief or Mischief()
        url, headers, body = self.provider.callback(trade)
        self.provider.book.mischief = Mischief()
        async with self.world.client() as outside:
            return await outside.post(urlsplit(url).path.removeprefix("/api/v1"), content=body, headers=headers)

    async def faults(self) -> dict[str, int]:
        (channel,) = (await self.chief.get("/payment-channels")).json()
        return {one["fault"]: one["count"] for one in channel["refused"]}

    async def work(self, later_s: int = 0) -> None:
        self.late_us += later_s * 1_000_000
        await self.worker.turn()


@asynccontextmanager
async def a_shop(world: World, provider: Emulated) -> AsyncIterator[Shop]:
    utility = await world.utility()
    world.deps.provider_call = caller_to(provider)
    async with world.client(utility.token) as chief, world.client(await world.user(utility, "operator")) as clerk:
        body = {
            "provider": "wechat" if isinstance(provider, EmulatedWechat) else "alipay", "name": "main", "reason": "contract of 2026",
            "settings": provider.settings() | {"notify_base": "https://utility.example/api/v1"}, "secrets": provider.secrets(),
        }  # fmt: skip
        channel = await made(chief, "/payment-channels", body)
        try:
            yield Shop(world, utility, provider, channel, [chief, clerk])
        finally:
            world.deps.provider_call = None


@pytest.fixture(params=[EmulatedWechat, EmulatedAlipay])
async def shop(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    provider: Emulated = request.param(world.deps.now_s)
    async with a_shop(world, provider) as found:
        yield found


async def test_secrets_are_sealed_and_told_to_nobody(world: World, shop: Shop) -> None:
    key = shop.provider.secrets()["private_key"]
    rows = await world.owner.fetch(
        "SELECT to_jsonb(c)::text AS text FROM payment_channel c WHERE tenant_id = $1", shop.utility.tenant_id
    )
    trail = await world.owner.fetch(
        "SELECT to_jsonb(a)::text AS text FROM audit a WHERE tenant_id = $1", shop.utility.tenant_id
    )
    whole = (
        json.dumps(shop.channel)
        + (await shop.chief.get("/payment-channels")).text
        + "".join(row["text"] for row in [*rows, *trail])
    )
    assert not any(line in whole for line in key.splitlines()[1:-1])
    assert shop.channel["secrets"] == sorted(shop.provider.secrets())
    # a wrong key is refused by the name of its field, and nothing of it comes back
    body = {"name": "main", "settings": shop.channel["settings"], "reason": "new key"}
    wrong = shop.provider.secrets() | {"private_key": key.replace("A", "B", 5)}
    refused = await shop.chief.put(f"/payment-channels/{shop.channel['channel_id']}", json=body | {"secrets": wrong})
    assert problem(refused) == "invalid-input" and refused.json()["errors"][0]["pointer"] == "/secrets/private_key"
    assert key.splitlines()[1] not in refused.text
    # without secrets those that are there stay
    kept = await shop.chief.put(f"/payment-channels/{shop.channel['channel_id']}", json=body)
    assert kept.status_code == 200 and kept.json()["secrets"] == shop.channel["secrets"]
    other = body["settings"] | {"merchant": "1"}
    assert (
        problem(
            await shop.chief.put(f"/payment-channels/{shop.channel['channel_id']}", json=body | {"settings": other})
        )
        == "invalid-input"
    )
    assert problem(await shop.clerk.put(f"/payment-channels/{shop.channel['channel_id']}", json=body)) == "not-allowed"
    # one that is off takes no orders
    await shop.chief.put(f"/payment-channels/{shop.channel['channel_id']}", json=body | {"is_on": False})
    want = {"key": "off-1", "channel_id": shop.channel["channel_id"], "account_id": 7, "fen": 100}
    assert problem(await shop.clerk.post("/payment-orders", json=want)) == "payment-channel-off"


async def test_a_payment_is_booked_once_whoever_says_so_and_however_often(world: World, shop: Shop) -> None:
    order = await shop.order(key="k-000001")
    assert (order["state"], order["fen"]) == ("open", 5000) and order["code"]
    assert (await shop.order(key="k-000001"))["order_id"] == order["order_id"]
    same = {"key": "k-000001", "channel_id": shop.channel["channel_id"], "account_id": 7, "fen": 5001}
    assert problem(await shop.clerk.post("/payment-orders", json=same)) == "payment-key-used"

    trade = shop.pay(order)
    answers = await asyncio.gather(
        *(shop.call_back(trade) for _ in range(4)), shop.clerk.post(f"/payment-orders/{order['order_id']}/ask")
    )
    assert {answer.status_code for answer in answers} == {200}
    paid = await shop.read(order)
    assert (paid["state"], paid["transaction"]) == ("paid", trade.transaction)
    assert [one["event"] for one in paid["history"]].count("paid") == 1
    assert await balanced(world, shop.utility) == {"clearing": 5000, "credit": -5000}
    await shop.call_back(trade)
    assert (await balanced(world, shop.utility))["credit"] == -5000
    # it is given back by its order, not at the counter
    refused = await shop.clerk.post(f"/receipts/{paid['receipt_id']}/return", json={"reason": "mistaken"})
    assert problem(refused) == "refund-by-order"


async def test_a_callback_that_does_not_fit_changes_nothing_and_is_seen(world: World, shop: Shop) -> None:
    order, other = await shop.order(), await shop.order(100, account=8)
    trade = shop.pay(order)
    wrong = [
        ("signature", Mischief(wrong_signature=True)), ("stale", Mischief(late_s=400)), ("merchant", Mischief(other_merchant=True)),
        ("amount", Mischief(other_amount=1)), ("order", Mischief(other_order="OM00")), ("amount", Mischief(other_order=other["number"])),
    ]  # fmt: skip
    if isinstance(shop.provider, EmulatedWechat):
        wrong.append(("unknown-key", Mischief(unknown_key=True)))
    before = (await shop.read(order), await shop.read(other))
    for _, mischief in wrong:
        answer = await shop.call_back(trade, mischief)
        assert answer.status_code == 400 or answer.text == "fail"
    assert (await shop.read(order), await shop.read(other)) == before
    assert await balanced(world, shop.utility) == {}
    expected: dict[str, int] = {}
    for fault, _ in wrong:
        expected[fault] = expected.get(fault, 0) + 1
    assert await shop.faults() == expected
    trail = (await shop.chief.get("/audit", params={"action": "refuse_callback"})).json()["items"]
    assert {one["after"]["fault"] for one in trail} == set(expected)
    # nothing is lost: the order is asked for
    await shop.work(30)
    assert (await shop.read(order))["state"] == "paid"
    # a second transaction for the same order is another payment's
    trade.transaction = "4" * 28
    assert (await shop.call_back(trade)).text != "success"
    assert (await shop.faults())["number"] == 1
    assert (await balanced(world, shop.utility))["credit"] == -5000


async def test_what_is_unknown_is_asked_for_and_what_nobody_paid_is_closed(world: World, shop: Shop) -> None:
    shop.provider.book.mischief = Mischief(lost_answers=1)
    lost = await shop.order()
    shop.provider.book.mischief = Mischief(lost_calls=1)
    never = await shop.order()
    assert {lost["state"], never["state"]} == {"unknown"}
    await shop.work(30)
    assert {(await shop.read(one))["state"] for one in (lost, never)} == {"open"}, (
        "the one that never arrived was placed again"
    )
    shop.pay(lost)  # and its callback is lost
    await shop.work(600)
    assert (await shop.read(lost))["state"] == "paid"
    assert (await shop.read(never))["state"] == "open"
    await shop.work(3600)
    closed = await shop.read(never)
    assert closed["state"] == "closed" and shop.provider.book.trades[never["number"]].state == "closed"
    # money that comes all the same counts
    trade = shop.provider.book.trades[never["number"]]
    trade.state = "open"
    shop.pay(never)
    shop.provider.now_s = world.deps.now_s
    assert (await shop.call_back(trade)).status_code == 200
    assert (await shop.read(never))["state"] == "paid"
    assert await balanced(world, shop.utility) == {"clearing": 10_000, "credit": -10_000}


async def test_a_refund_takes_two_persons_and_is_never_more_than_was_paid(world: World, shop: Shop) -> None:
    order = await shop.order()
    refunds = f"/payment-orders/{order['order_id']}/refunds"
    assert problem(await shop.clerk.post(refunds, json={"fen": 1, "reason": "early"})) == "order-not-paid"
    await shop.call_back(shop.pay(order))
    assert problem(await shop.clerk.post(refunds, json={"fen": 5001, "reason": "too much"})) == "refund-too-much"
    part = await made(shop.clerk, refunds, {"fen": 2000, "reason": "paid too much"})
    assert problem(await shop.clerk.post(refunds, json={"fen": 3001, "reason": "again"})) == "refund-too-much"
    assert (
        problem(await shop.clerk.post(f"/payment-refunds/{part['refund_id']}/approve", json={"reason": "mine"}))
        == "not-allowed"
    )
    own = await made(shop.chief, refunds, {"fen": 1, "reason": "mine alone"})
    assert (
        problem(await shop.chief.post(f"/payment-refunds/{own['refund_id']}/approve", json={"reason": "mine"}))
        == "own-refund"
    )
    assert (await made(shop.chief, f"/payment-refunds/{own['refund_id']}/reject", {"reason": "not needed"}))[
        "state"
    ] == "rejected"
    agreed = await made(shop.chief, f"/payment-refunds/{part['refund_id']}/approve", {"reason": "looked at"})
    assert agreed["state"] == "agreed" and await balanced(world, shop.utility) == {"clearing": 3000, "credit": -3000}
    shop.provider.book.mischief = Mischief(lost_answers=1)
    await shop.work(5)  # done there, and not heard here
    await shop.work(300)
    assert [one["state"] for one in (await shop.read(order))["refunds"]] == ["rejected", "done"]
    rest = await made(shop.clerk, refunds, {"fen": 3000, "reason": "all of it"})
    await made(shop.chief, f"/payment-refunds/{rest['refund_id']}/approve", {"reason": "looked at"})
    await shop.work(300)
    assert (await shop.read(order))["state"] == "refunded"
    assert await balanced(world, shop.utility) == {"clearing": 0, "credit": 0}
    assert sum(one.fen for one in shop.provider.book.trades[order["number"]].refunds.values()) == 5000
    with pytest.raises(BAD):  # whoever writes
        await world.owner.execute(
            "INSERT INTO payment_refund (tenant_id, order_id, number, fen, reason, author_id, made_us) VALUES ($1, $2, 'x', 1, 'x', 1, 1)",
            shop.utility.tenant_id, order["order_id"],
        )  # fmt: skip


async def test_a_planted_difference_of_each_kind_is_found_and_worked_off(world: World, shop: Shop) -> None:
    day_s = 86_400
    orders = [await shop.order(fen) for fen in (100, 200, 300, 400)]
    for order in orders:
        await shop.call_back(shop.pay(order))
    back = await made(shop.clerk, f"/payment-orders/{orders[0]['order_id']}/refunds", {"fen": 30, "reason": "too much"})
    await made(shop.chief, f"/payment-refunds/{back['refund_id']}/approve", {"reason": "seen"})
    await shop.work(5)
    # the same day, all well: compared tomorrow
    today = day_of(shop.now_s())
    tomorrow = {"channel_id": shop.channel["channel_id"], "day": today}
    assert problem(await shop.clerk.post("/payment-comparisons", json=tomorrow)) == "day-not-over"
    trades = shop.provider.book.trades
    for trade in trades.values():  # it was all the day before
        trade.paid_at -= day_s
        for one in trade.refunds.values():
            one.day = day_of(trade.paid_at)
    tenant = shop.utility.tenant_id
    await world.owner.execute("ALTER TABLE payment_order DISABLE TRIGGER stays")
    yesterday = day_of(world.deps.now_s() - day_s)
    noon_us = zone("Asia/Shanghai").at(zone("Asia/Shanghai").day_of(world.deps.now_s() - day_s), 12) * 1_000_000
    await world.owner.execute("UPDATE payment_order SET paid_us = $2 WHERE tenant_id = $1", tenant, noon_us)
    await world.owner.execute("UPDATE payment_refund SET done_us = $2 WHERE tenant_id = $1", tenant, noon_us)
    await world.owner.execute("ALTER TABLE payment_order ENABLE TRIGGER stays")
    want = {"channel_id": shop.channel["channel_id"], "day": yesterday}
    well = await made(shop.clerk, "/payment-comparisons", want)
    assert (well["found"], well["paid_there_fen"], well["paid_here_fen"]) == (0, 1000, 1000)
    assert (well["back_there_fen"], well["back_here_fen"]) == (30, 30)

    # one of each kind, and a refund that the ledger does not know
    numbers = [order["number"] for order in orders]
    trades[numbers[1]].fen = 201
    del trades[numbers[2]]
    trades["OM-strange"] = Trade("OM-strange", 555, "", "paid", "4" * 28, trades[numbers[0]].paid_at)
    trades[numbers[3]].refunds["RF-strange"] = Refunded("RF-strange", "5" * 28, 7, day_of(trades[numbers[3]].paid_at))
    await made(shop.clerk, "/payment-comparisons", want)
    await made(shop.clerk, "/payment-comparisons", want)  # again changes nothing
    found = (await shop.clerk.get("/payment-differences", params={"state": "open"})).json()["items"]
    assert {(one["number"], one["what"], one["kind"]) for one in found} == {
        (numbers[1], "amount-differs", "payment"), (numbers[2], "missing-there", "payment"), ("OM-strange", "missing-here", "payment"),
        ("RF-strange", "missing-here", "refund"),
    }  # fmt: skip
    by_number = {one["number"]: f"/payment-differences/{one['difference_id']}" for one in found}

    # worked off: explained by one, booked by two
    assert problem(await shop.clerk.post(f"{by_number[numbers[1]]}/explain", json={"reason": ""})) == "reason-needed"
    assert (await made(shop.clerk, f"{by_number[numbers[1]]}/explain", {"reason": "coupon of the channel"}))[
        "state"
    ] == "settled"
    booking = {"account_id": 9, "reason": "paid by a code of last year"}
    assert problem(await shop.clerk.post(f"{by_number[numbers[2]]}/book", json=booking)) == "nothing-to-book"
    strange = by_number["OM-strange"]
    assert (await made(shop.chief, f"{strange}/book", booking))["state"] == "asked"
    assert problem(await shop.chief.post(f"{strange}/approve", json={"reason": "mine"})) == "own-booking"
    assert (await made(shop.clerk, f"{strange}/reject", {"reason": "no"}))["state"] == "open"
    assert (await made(shop.clerk, f"{strange}/book", booking))["state"] == "asked"
    booked = await made(shop.chief, f"{strange}/approve", {"reason": "seen"})
    assert booked["state"] == "settled" and booked["entry_id"]
    assert problem(await shop.chief.post(f"{strange}/approve", json={"reason": "twice"})) == "already-done"
    assert (await balanced(world, shop.utility))["credit"] == -(1000 - 30 + 555)
    # what is well again is gone, what was settled stays
    trades[numbers[2]] = Trade(numbers[2], 300, "", "paid", "6" * 28, trades[numbers[0]].paid_at)
    await made(shop.clerk, "/payment-comparisons", want)
    after = {one["number"]: one["state"] for one in (await shop.clerk.get("/payment-differences")).json()["items"]}
    assert after == {numbers[1]: "settled", numbers[2]: "gone", "OM-strange": "settled", "RF-strange": "open"}


async def test_the_demo_has_a_day_of_payments(world: World) -> None:
    utility = await world.utility()
    actors = [
        Actor(TenantId(utility.tenant_id), UserId(user), "x", "x", "administrator", "zh", "Asia/Shanghai", "session")
        for user in (utility.ids["user_id"], utility.ids["user_id"] + 10**9)
    ]
    today = zone("Asia/Shanghai").day_of(world.deps.now_s())
    assert world.deps.sealer is not None
    assert await fill_payments(world.deps.store, world.deps.sealer, *actors, range(1, 11), today) == 8
    assert await fill_payments(world.deps.store, world.deps.sealer, *actors, range(1, 11), today) == 0
    async with world.client(utility.token) as client:
        orders = (await client.get("/payment-orders")).json()["items"]
        (channel,) = (await client.get("/payment-channels")).json()
        refunds = (await client.get("/payment-refunds")).json()["items"]
    assert sorted(one["state"] for one in orders) == ["open"] * 2 + ["paid"] * 8
    assert {one["fault"]: one["count"] for one in channel["refused"]} == {
        "signature": 1,
        "stale": 1,
        "merchant": 1,
        "amount": 1,
    }
    assert not channel["is_on"] and sorted(one["state"] for one in refunds) == ["asked", "done"]


async def end_command(world: World, order: dict[str, Any], state: str, *, sent: bool, result: int | None) -> None:
    """What dispatcher and pipeline write of a command in the end (``app/command/step.py``)."""
    await world.owner.execute(
        "UPDATE command SET state = $2, sent_us = CASE WHEN $3 THEN created_us END, result = $4, ended_us = created_us WHERE command_id = $1",
        order["command_id"], state, sent, result,
    )  # fmt: skip


async def test_a_top_up_goes_to_the_meter_or_comes_back(world: World, signer: SqliteLedger, work: CommandWork) -> None:
    """Paid by a third party; its way to the meter is the same for every channel."""
    meters = await add_meters(world, world.a, 4)
    await hang_all(world.pipeline)
    accounts = dict(
        await world.owner.fetch(
            "SELECT meter_id, account_id FROM installation WHERE upper_inf(during) AND tenant_id = $1",
            world.a.tenant_id,
        )
    )
    world.deps.provider_call = caller_to(EmulatedWechat(world.deps.now_s))
    async with world.client(world.a.token) as chief, world.client(await world.user(world.a, "operator")) as clerk:
        shop = Shop(world, world.a, EmulatedWechat(world.deps.now_s), {}, [chief, clerk])
        shop.worker = replace(shop.worker, signer=world.deps.signer)
        role = await made(
            chief,
            "/roles",
            {"name": f"machine {secrets.token_hex(3)}", "permissions": ["pay_as_third_party"], "reason": "bank"},
        )
        async with world.signed_in(world.a) as seat:  # a token is made by a person, never by a token
            token = await made(seat, "/tokens", {"name": "bank", "role": role["code"], "reason": "bank"})
        async with world.client(token["secret"]) as machine:
            assert problem(await machine.get("/payment-orders")) == "not-allowed"
            orders = []
            for meter in meters:
                meter_id = meter["meter_id"]
                body = {
                    "key": secrets.token_hex(8),
                    "account_id": accounts[meter_id],
                    "meter_id": meter_id,
                    "fen": 5000,
                }
                twice = await asyncio.gather(*(machine.post("/third-party-payments", json=body) for _ in range(3)))
                assert {one.status_code for one in twice} == {201}, twice[0].text
                assert len({one.json()["order_id"] for one in twice}) == 1
                orders.append(twice[0].json())
            other = body | {"fen": 1}
            assert problem(await machine.post("/third-party-payments", json=other)) == "payment-key-used"
            strange = body | {"key": "strange-1", "account_id": 1}
            assert problem(await machine.post("/third-party-payments", json=strange)) == "invalid-input"
        assert {(one["state"], one["delivery"]) for one in orders} == {("paid", "waiting")}
        # without a sign-in they wait, and say why; one is called off meanwhile
        await shop.work()
        waiting = [await shop.read(one) for one in orders]
        assert {(one["delivery"], one["reason"]) for one in waiting} == {("waiting", "signer-needed")}
        back = await made(
            clerk, f"/payment-orders/{orders[3]['order_id']}/refunds", {"fen": 5000, "reason": "not wanted"}
        )
        assert (await made(chief, f"/payment-refunds/{back['refund_id']}/approve", {"reason": "seen"}))[
            "state"
        ] == "done"
        # with one they go, once each
        told = await chief.put("/payment-signer", json=ANN | {"reason": "for top-ups alone"})
        assert told.status_code == 200 and told.json()["login"] == "ann" and ANN["password"] not in told.text
        for _ in range(3):
            await shop.work(60)
        given = [await shop.read(one) for one in orders]
        assert [one["delivery"] for one in given] == ["given"] * 3 + ["undeliverable"]
        assert given[3]["state"] == "refunded" and given[3]["command_id"] is None
        commands = [(await chief.get(f"/commands/{one['command_id']}")).json() for one in given[:3]]
        assert {(one["kind"], one["params"]["amount"]) for one in commands} == {("top_up", 5000)}
        assert (
            await world.owner.fetchval(
                "SELECT count(*) FROM command WHERE unique_key LIKE 'payment-order-%' AND tenant_id = $1",
                world.a.tenant_id,
            )
            == 3
        )
        refused = await clerk.post(
            f"/payment-orders/{given[0]['order_id']}/refunds", json={"fen": 5000, "reason": "greedy"}
        )
        assert problem(refused) == "refund-of-delivered"
        # the meter confirms; one refuses; of one nobody knows
        await end_command(world, given[0], "confirmed", sent=True, result=0)
        await end_command(world, given[1], "failed", sent=True, result=5)
        await end_command(world, given[2], "failed", sent=True, result=None)
        await shop.work(60)
        ended = [await shop.read(one) for one in orders[:3]]
        assert [one["delivery"] for one in ended] == ["delivered", "undeliverable", "doubtful"]
        assert ended[0]["delivered_at"] is not None
        assert [[r["state"] for r in one["refunds"]] for one in ended] == [[], ["asked"], []], (
            "a person agrees to what is given back"
        )
        assert (
            problem(
                await chief.post(
                    f"/payment-refunds/{ended[1]['refunds'][0]['refund_id']}/approve", json={"reason": "own"}
                )
            )
            == "own-refund"
        )
        # the meter's own word still counts
        await end_command(world, given[2], "confirmed", sent=True, result=0)
        await shop.work(7200)
        assert (await shop.read(orders[2]))["delivery"] == "delivered"
        lines = await balanced(world, world.a)
        assert lines["metered"] == -15_000 and lines["clearing"] == 15_000
