# SPDX-License-Identifier: Apache-2.0
"""Customers in WeChat (ADR 0066), against the emulated WeChat: bound after the phone was proved, signed in by WeChat's code alone, paid in
WeChat by what the merchant signed; a code is good once, a number that is another's now lets nobody in, and no openid stands in clear."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from openmains.app.portal.sign_in import US
from openmains.edges.http.limiter import Limiter
from openmains.emulator.pay.wechat import EmulatedWechat
from tests.edges.http.test_announcements import household
from tests.edges.http.test_customer_pages import PHONE, STRANGER, Phones, phones
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import OWN, World
from tests.support.providers import caller_to

__all__ = ["phones"]  # a fixture


@asynccontextmanager
async def wechat_of(phones: Phones, world: World, **more: str) -> AsyncIterator[tuple[EmulatedWechat, int]]:
    """The utility's channel at an emulated WeChat, and its number; ``more``: secrets besides the merchant's."""
    phones.clock.us = world.deps.now_us()
    provider = EmulatedWechat(lambda: phones.clock.us // US)
    world.deps.provider_call = caller_to(provider)
    body = {
        "provider": "wechat", "name": "main", "reason": "contract",
        "settings": provider.settings() | {"notify_base": "https://utility.example/api/v1"},
        "secrets": provider.secrets() | (more or {"app_secret": provider.app_secret}),
    }  # fmt: skip
    try:
        yield provider, (await made(phones.staff, "/payment-channels", body))["channel_id"]
    finally:
        world.deps.provider_call = None


async def code_of(client: httpx.AsyncClient, phones: Phones, provider: EmulatedWechat, openid: str) -> str:
    """As the page gets one: by the link that the platform names, and back."""
    offered = (await client.get("/my/wechat", params={"tenant": phones.utility.code})).json()
    asked = {
        "appid": offered["application"], "redirect_uri": "https://utility.example/my/sign-in", "response_type": "code",
        "scope": "snsapi_base", "state": "s",
    }  # fmt: skip
    back = provider.people.authorised(
        f"{offered['authorize_url']}?{urlencode(asked)}#wechat_redirect".partition("#")[0], openid
    )
    return parse_qs(urlsplit(back).query)["code"][0]


async def test_who_proved_the_phone_signs_in_by_wechat_and_pays_there(phones: Phones, world: World) -> None:
    utility, staff = phones.utility, phones.staff
    mine = await household(world, utility, staff, phone=PHONE)
    account = await world.owner.fetchval("SELECT account_id FROM account_holder WHERE customer_id = $1", mine)
    async with wechat_of(phones, world) as (provider, channel):
        me, other = provider.people.person(), provider.people.person()
        enter: dict[str, Any] = {"tenant": utility.code}
        pay = {"key": secrets.token_hex(8), "channel_id": channel, "fen": 5000, "in_wechat": True}
        async with phones.signed_in() as client:
            offered = await client.get("/my/wechat", params={"tenant": utility.code})
            assert offered.json() == {
                "application": provider.application, "authorize_url": "https://open.weixin.qq.com/connect/oauth2/authorize",
            }  # fmt: skip
            async with world.client() as page:
                unbound = await page.post("/my/wechat/session", json=enter | {"code": provider.people.code(me)})
                assert problem(unbound) == "wechat-not-bound" and not page.cookies
            assert problem(await client.post(f"/my/homes/{account}/payments", json=pay)) == "wechat-not-bound"
            assert problem(await client.delete("/my/wechat")) == "wechat-not-bound"
            assert (await client.get("/my/session")).json()["is_wechat"] is False
            code = await code_of(client, phones, provider, me)
            async with world.client() as page:
                assert (
                    problem(await page.post("/my/wechat", json={"code": code}, headers=OWN))
                    == "customer-sign-in-needed"
                )
            bound = await client.post("/my/wechat", json={"code": code})
            assert bound.status_code == 200 and bound.json()["is_wechat"] is True, bound.text
            assert problem(await client.post("/my/wechat", json={"code": code})) == "wechat-code-refused", "once"
        async with world.client() as client:
            entered = await client.post(
                "/my/wechat/session", json=enter | {"code": await code_of(client, phones, provider, me)}
            )
            assert entered.status_code == 201 and entered.json()["is_wechat"] is True, entered.text
            client.headers.update(OWN)
            assert (await client.get("/my/session")).json() == entered.json()
            (home,) = (await client.get("/my/homes")).json()
            assert home["account_id"] == account
            (way,) = (await client.get("/my/channels")).json()
            assert way["in_wechat"] is True
            order = await made(client, f"/my/homes/{account}/payments", pay)
            assert (await made(client, f"/my/homes/{account}/payments", pay))["order_id"] == order["order_id"]
            assert (order["state"], order["code"]) == ("open", "") and order["invoke"]["appId"] == provider.application
            for wrong in ({"package": "prepay_id=wxOM0"}, {"paySign": "AA=="}, {"timeStamp": "1"}, {"signType": "MD5"}):
                assert provider.invoked(order["invoke"] | wrong, me) == "get_brand_wcpay_request:fail"
            assert provider.invoked(order["invoke"], other) == "get_brand_wcpay_request:fail", (
                "placed for another person"
            )
            assert provider.invoked(order["invoke"], me) == "get_brand_wcpay_request:ok"
            paid = (await client.post(f"/my/payments/{order['order_id']}/ask")).json()
            assert (paid["state"], paid["invoke"]) == ("paid", {})
            (home,) = (await client.get("/my/homes")).json()
            assert home["credit_fen"] == 5000
            # unbound: nobody enters by it, and the session pays no more there
            assert (await client.delete("/my/wechat")).status_code == 204
            assert (await client.get("/my/session")).json()["is_wechat"] is False
            again = pay | {"key": secrets.token_hex(8)}
            assert problem(await client.post(f"/my/homes/{account}/payments", json=again)) == "wechat-not-bound"
            code = await code_of(client, phones, provider, me)
            assert problem(await client.post("/my/wechat/session", json=enter | {"code": code})) == "wechat-not-bound"
    kept = await world.owner.fetch("SELECT to_jsonb(a)::text AS t FROM audit a WHERE tenant_id = $1", utility.tenant_id)
    kept += await world.owner.fetch(
        "SELECT to_jsonb(o)::text AS t FROM payment_order o WHERE tenant_id = $1", utility.tenant_id
    )
    assert not any(me in row["t"] or provider.app_secret in row["t"] for row in kept)
    actions = await world.owner.fetch(
        "SELECT action FROM audit WHERE tenant_id = $1 AND actor LIKE '%(customer)' ORDER BY audit_id",
        utility.tenant_id,
    )
    told = [row["action"] for row in actions]
    assert told == ["ask_for_code", "sign_in", "bind_wechat", "sign_in", "make_payment_order", "unbind_wechat"]


async def test_a_wechat_is_one_phones_and_a_number_given_out_again_lets_nobody_in(phones: Phones, world: World) -> None:
    utility, staff = phones.utility, phones.staff
    mine = await household(world, utility, staff, phone=PHONE)
    other = await household(world, utility, staff, phone=STRANGER)
    async with wechat_of(phones, world) as (provider, _):
        me = provider.people.person()

        async def bind(phone: str) -> None:
            async with phones.signed_in(phone) as client:
                answer = await client.post("/my/wechat", json={"code": provider.people.code(me)})
                assert answer.status_code == 200, answer.text

        async def entered() -> list[str] | str:
            async with world.client() as page:
                told = await page.post(
                    "/my/wechat/session", json={"tenant": utility.code, "code": provider.people.code(me)}
                )
                return told.json()["customers"] if told.status_code == 201 else problem(told)

        names = {
            number: await world.owner.fetchval("SELECT code FROM customer WHERE customer_id = $1", number)
            for number in (mine, other)
        }
        await bind(PHONE)
        assert await entered() == [names[mine]]
        await bind(STRANGER)
        assert await entered() == [names[other]], "proved anew: the other phone is another's now"
        await bind(PHONE)
        for customer, phone, told in ((mine, "13700137000", "moved"), (other, PHONE, "a number given out again")):
            row = (await staff.get(f"/customers/{customer}")).json()
            changed = await staff.patch(
                f"/customers/{customer}", json={"phone": phone, "reason": told}, headers={"If-Match": f'"{row["revision"]}"'}
            )  # fmt: skip
            assert changed.status_code == 200, changed.text
            assert await entered() == "wechat-not-bound"
        assert (
            await world.owner.fetchval("SELECT count(*) FROM customer_wechat WHERE tenant_id = $1", utility.tenant_id)
            == 0
        )


async def test_wechat_that_refuses_or_is_silent_lets_nobody_in(phones: Phones, world: World) -> None:
    await household(world, phones.utility, phones.staff, phone=PHONE)
    enter = {"tenant": phones.utility.code, "code": "0123456789abcdef"}
    async with world.client() as page:
        assert problem(await page.get("/my/wechat", params={"tenant": phones.utility.code})) in (
            "not-offered",
            "wechat-off",
        )
    before = world.deps.guess_limiter
    async with wechat_of(phones, world, app_secret="0" * 32) as (provider, _), world.client() as page:
        told = await page.post(
            "/my/wechat/session", json=enter | {"code": provider.people.code(provider.people.person())}
        )
        assert problem(told) == "wechat-unclear" and "40125" in told.text, (
            "the utility's own secret is wrong: not the customer's fault"
        )
        provider.book.mischief.lost_calls = 1
        assert problem(await page.post("/my/wechat/session", json=enter)) == "wechat-unclear"
        assert (await page.post("/my/wechat/session", json=enter | {"code": "<x>"})).status_code == 400
        channel = (await phones.staff.get("/payment-channels")).json()[0]
        body = {
            "name": "main", "is_on": True, "reason": "right now", "settings": channel["settings"],
            "secrets": provider.secrets() | {"app_secret": provider.app_secret},
        }  # fmt: skip
        changed = await phones.staff.put(f"/payment-channels/{channel['channel_id']}", json=body)
        assert changed.status_code == 200, changed.text
        try:
            world.deps.guess_limiter = Limiter(0.001, 2)
            told_all = [problem(await page.post("/my/wechat/session", json=enter)) for _ in range(3)]
            assert told_all == ["wechat-code-refused", "wechat-code-refused", "too-many-requests"], (
                "as wrong guesses are"
            )
        finally:
            world.deps.guess_limiter = before
        off = body | {"secrets": provider.secrets()}
        assert (await phones.staff.put(f"/payment-channels/{channel['channel_id']}", json=off)).status_code == 200
        assert problem(await page.get("/my/wechat", params={"tenant": phones.utility.code})) == "wechat-off"


@pytest.mark.parametrize(
    "url", ["/connect/oauth2/authorize?response_type=token", "/connect/oauth2/authorize?response_type=code&scope=x"]
)
def test_the_emulated_page_refuses_what_wechat_refuses(url: str) -> None:
    with pytest.raises(ValueError, match="refuses"):
        EmulatedWechat(lambda: 0).people.authorised(url, "o")
