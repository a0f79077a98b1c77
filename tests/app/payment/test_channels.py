# SPDX-License-Identifier: Apache-2.0
"""Both providers by one suite: our adapters over the emulated providers, which look at requests and sign as the real ones do (synthetic,
from the
providers' published rules)."""

import pytest

from openmains.app.payment.channels import alipay, signing, wechat
from openmains.app.payment.channels.port import (
    ChannelKeyUnreadableError,
    Declined,
    Heard,
    Notice,
    OrderToPlace,
    Placed,
    RefundHeard,
    StatementLine,
    Unclear,
)
from openmains.domain.payment.callback import CallbackFault, fault
from openmains.domain.payment.compare import MoneyKind
from openmains.emulator.pay.alipay import EmulatedAlipay
from openmains.emulator.pay.trades import KeyPair, Mischief
from openmains.emulator.pay.wechat import EmulatedWechat
from tests.support.providers import Emulated, channel_to

NOW = 1_795_910_400  # 2026-11-29 08:00 in Beijing
DAY = "2026-11-29"


@pytest.fixture(scope="module", params=[EmulatedWechat, EmulatedAlipay])
def provider(request: pytest.FixtureRequest) -> Emulated:
    made: Emulated = request.param(lambda: NOW)
    return made


def order(number: str, fen: int = 5000, **more: str) -> OrderToPlace:
    return OrderToPlace(number, fen, "水费 Water", NOW + 1800, "https://utility.example/cb", **more)  # type: ignore[arg-type]


async def test_an_order_is_placed_paid_asked_for_and_given_back(provider: Emulated) -> None:
    channel = channel_to(provider, lambda: NOW)
    placed = await channel.place(order("A-1"))
    assert isinstance(placed, Placed) and placed.code
    invoked = await channel.place(order("A-2", scene="jsapi", payer="oUpF8uMuAJO"))
    assert isinstance(invoked, Placed) and invoked.invoke
    assert isinstance(await channel.place(order("A-1", 5001)), Declined), "a number with another amount"
    assert await channel.ask("A-1") == Heard("open")
    assert await channel.ask("A-0") == Heard("gone")

    trade = provider.book.pay("A-1", NOW)
    heard = await channel.ask("A-1")
    assert heard == Heard("paid", channel.held("A-1", 5000), trade.transaction)
    assert (await channel.close("A-1")) == heard, "paid meanwhile"
    assert await channel.close("A-2") == Heard("closed")
    assert await channel.ask("A-2") == Heard("closed")

    assert isinstance(await channel.refund("A-1", "R-0", 5001, 5000, "too much"), Declined)
    back = await channel.refund("A-1", "R-1", 2000, 5000, "moved")
    assert isinstance(back, RefundHeard) and (back.state, back.fen) == ("done", 2000)
    assert await channel.refund("A-1", "R-1", 2000, 5000, "moved") == back, "the same number is the same refund"
    asked = await channel.ask_refund("A-1", "R-1")
    assert isinstance(asked, RefundHeard) and (asked.state, asked.fen) == ("done", 2000)
    assert await channel.ask_refund("A-1", "R-9") == RefundHeard("gone")
    assert (await channel.ask("A-1")) == heard, "what was given back was paid all the same"

    lines = await channel.statement(DAY)
    assert isinstance(lines, list)
    assert {(line.kind, line.number, line.fen) for line in lines} >= {
        (MoneyKind.PAYMENT, "A-1", 5000),
        (MoneyKind.REFUND, "R-1", 2000),
    }
    assert await channel.statement("2026-01-01") == []


async def test_what_is_lost_or_wrongly_signed_is_unknown_and_never_a_no(provider: Emulated) -> None:
    channel = channel_to(provider, lambda: NOW)
    for mischief in (Mischief(lost_calls=1), Mischief(lost_answers=1), Mischief(wrong_signature=True)):
        provider.book.mischief = mischief
        try:
            assert isinstance(await channel.place(order("B-1")), Unclear)
            provider.book.mischief = Mischief()
        finally:
            provider.book.mischief = Mischief()
    assert await channel.ask("B-1") == Heard("open"), "the second arrived though its answer was lost"
    assert isinstance(await channel.place(order("B-1")), Placed)


async def test_a_callback_is_read_only_with_its_own_signature_time_and_secret(provider: Emulated) -> None:
    channel = channel_to(provider, lambda: NOW)
    await channel.place(order("C-1"))
    trade = provider.book.pay("C-1", NOW)
    held = channel.held("C-1", 5000)

    _, headers, body = provider.callback(trade)
    notice = channel.read(headers, body)
    assert isinstance(notice, Notice) and notice.heard is not None and notice.heard.claim is not None
    assert fault(notice.heard.claim, held) is None
    assert notice.heard.transaction == trade.transaction

    for mischief, why in (
        (Mischief(wrong_signature=True), CallbackFault.SIGNATURE),
        (Mischief(late_s=301), CallbackFault.STALE),
        (Mischief(late_s=-301), CallbackFault.STALE),  # the provider's clock is not ours
    ):
        provider.book.mischief = mischief
        _, wrong_headers, wrong_body = provider.callback(trade)
        assert channel.read(wrong_headers, wrong_body) is why
    for mischief, why in (
        (Mischief(other_merchant=True), CallbackFault.MERCHANT),
        (Mischief(other_amount=1), CallbackFault.AMOUNT),
        (Mischief(other_order="C-2"), CallbackFault.ORDER),
    ):
        provider.book.mischief = mischief
        _, wrong_headers, wrong_body = provider.callback(trade)
        read = channel.read(wrong_headers, wrong_body)
        assert isinstance(read, Notice) and read.heard is not None and read.heard.claim is not None
        assert fault(read.heard.claim, held) is why
    provider.book.mischief = Mischief()

    for spoilt in (b"", b"{}", b"[]", b"\xff\xfe", b"a=1&a=2", body[:-1], body + b" ", body.replace(b"5", b"6", 1)):
        assert isinstance(channel.read(headers, spoilt), CallbackFault), spoilt[:20]
    assert isinstance(channel.read({}, body), CallbackFault) or isinstance(provider, EmulatedAlipay)


def test_two_keys_of_the_platform_are_good_while_they_are_changed() -> None:
    provider = EmulatedWechat(lambda: NOW)
    channel = channel_to(provider, lambda: NOW)
    for which in (0, 1):
        provider.signing_with = which
        assert isinstance(
            channel.read(*provider.sealed("u", "EV-1", "REFUND.SUCCESS", {"out_trade_no": "x"})[1:]), Notice
        )
    provider.book.mischief = Mischief(unknown_key=True)
    assert channel.read(*provider.sealed("u", "EV-1", "REFUND.SUCCESS", {})[1:]) is CallbackFault.UNKNOWN_KEY
    provider.book.mischief = Mischief()
    provider.api_key = "0" * 32
    assert channel.read(*provider.sealed("u", "EV-1", "TRANSACTION.SUCCESS", {})[1:]) is CallbackFault.SECRET


def test_no_error_shows_a_key() -> None:
    pair = KeyPair()
    text = pair.private_pem.replace("A", "B", 3)
    settings = EmulatedAlipay(lambda: NOW, merchant_key=pair, platform=pair).settings()
    for act in (
        lambda: alipay.keys_of(settings, {"private_key": text[:800]}),
        lambda: alipay.keys_of(settings | {"platform_key": text}, {"private_key": pair.private_pem}),
        lambda: wechat.keys_of({"merchant": "1"}, {"api_key": "short", "private_key": text}),
        lambda: signing.private_key("private_key", "x" * 400),
    ):
        with pytest.raises(ChannelKeyUnreadableError) as caught:
            act()
        whole = repr(caught.value) + repr(caught.value.__cause__) + str(caught.value.args)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert not any(line and line in whole for line in text.splitlines())


def test_a_bill_that_is_cut_short_is_no_bill() -> None:
    provider = EmulatedWechat(lambda: NOW)
    whole = provider.bill(DAY)
    assert wechat.statement_lines(whole, provider.merchant) == []
    assert isinstance(wechat.statement_lines(whole.splitlines(keepends=True)[0], provider.merchant), Unclear)
    assert isinstance(wechat.statement_lines(b"", provider.merchant), Unclear)
    assert isinstance(alipay.statement_lines(b"PK"), Unclear)
    assert (
        alipay.statement_lines(EmulatedAlipay(lambda: NOW, merchant_key=KeyPair(), platform=KeyPair()).bill(DAY)) == []
    )
    assert StatementLine(MoneyKind.PAYMENT, "a", "b", 1)
