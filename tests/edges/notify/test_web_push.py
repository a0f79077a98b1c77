# SPDX-License-Identifier: Apache-2.0
"""Browser push to a push service on a real socket that takes it, fails, is slow or talks nonsense; the browser opens what it got with its own
key. The browser of the tests is held to the example of RFC 8291 appendix A first."""

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from openmains.app.notice.browsers import BrowserDraft, draft_faults, joined
from openmains.app.notice.shapes.talk import Accepted, Letter, Outcome, Refused
from openmains.app.notice.shapes.web_push import MOST_PLAIN, place_of, plain
from openmains.app.notice.vapid import new_vapid_key
from openmains.edges.notify.guard import AddressGuard, networks_of
from openmains.edges.notify.http import Http
from openmains.edges.notify.web_push import PushAddresses, WebPush
from tests.support.push_browser import Browser, b64, signed_claims, unb64
from tests.support.receiver import Answer, Receiver, receiver

NOW_US = 1_764_400_000_000_000
LOCAL = AddressGuard(networks_of("127.0.0.0/8"))
LETTER = Letter(
    "7:500:raised:0:1:11",
    "【紧急】爆管 12345678",
    "供水公司：爆管\n地址 人民路 1 号\n请在控制台确认。",
    "",
    "critical",
    {"event": "爆管", "alarm": "4711", "order": ""},
)
PUBLIC, PRIVATE = new_vapid_key()
SETTINGS = {"contact": "ops@water.example", "public_key": PUBLIC}


async def send(
    browser: Browser, receiving: Receiver, letter: Letter = LETTER, whole_s: float = 10.0, guard: AddressGuard = LOCAL
) -> Outcome:
    http = Http(guard, whole_s)
    own = browser.subscription(f"{receiving.url}/push/SECRET-ENDPOINT")
    try:
        return await WebPush(http)(SETTINGS, {"private_key": PRIVATE, **own}, letter, NOW_US)
    finally:
        await http.close()


def test_the_browser_opens_the_example_of_the_rfc() -> None:
    """RFC 8291 appendix A: "When I grow up, I want to be a watermelon"."""
    scalar = int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(ec.derive_private_key(scalar, ec.SECP256R1()), unb64("BTBZMqHH6r4Tts7J_aSIgg"))
    assert (
        b64(browser.point) == "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.opened(body) == b"When I grow up, I want to be a watermelon"


async def test_the_browser_reads_it_and_the_service_sees_who_signed() -> None:
    browser = Browser()
    async with receiver(lambda got: (201, b"")) as receiving:
        assert isinstance(await send(browser, receiving), Accepted)
        assert isinstance(await send(browser, receiving), Accepted)
        first, second = receiving.got
    notice = browser.read(first)
    assert notice == {
        "key": LETTER.key, "title": LETTER.subject, "body": LETTER.text, "severity": "critical", "url": "/alarms/4711", "lang": "zh",
    }  # fmt: skip
    for word in ("爆管", "人民路", "4711", "SECRET"):
        assert word.encode() not in first.body
    claims = signed_claims(first, PUBLIC)
    assert claims == {"aud": receiving.url, "exp": NOW_US // 1_000_000 + 12 * 3600, "sub": "mailto:ops@water.example"}
    assert (first.headers["ttl"], first.headers["urgency"]) == ("86400", "high")
    assert (
        len(first.headers["topic"]) == 32 and first.headers["topic"] == second.headers["topic"]
    )  # a repeat takes its place
    assert first.body != second.body and browser.read(second) == notice
    with pytest.raises(InvalidTag):
        Browser().opened(first.body)
    with pytest.raises(InvalidTag):
        replace(browser, auth=bytes(16)).opened(first.body)


@pytest.mark.parametrize(
    ("answer", "is_final", "status"),
    [
        ((503, b"later"), False, 503),
        ((429, b"{}"), False, 429),
        ((404, b"<html>"), True, 404),
        ((410, b"gone"), True, 410),
        ((403, b"another key"), True, 403),
        ((413, b"too long"), True, 413),
        ((302, b""), True, 302),  # nobody is followed anywhere
        ((200, b"<html>\xff sign in to this network"), False, 200),
        ("close", False, None),
        ("noise", False, None),
        ("silent", False, None),
    ],
)
async def test_failures_slowness_and_nonsense_are_no_acceptance(
    answer: Answer, is_final: bool, status: int | None
) -> None:
    async with receiver(lambda got: answer) as receiving:
        receiving.headers = {"Retry-After": "120", "Location": "http://127.0.0.1:1/"}
        told = await send(Browser(), receiving, whole_s=0.3 if answer == "silent" else 10.0)
    assert isinstance(told, Refused) and (told.is_final, told.status) == (is_final, status), told
    assert "SECRET-ENDPOINT" not in told.reason and PRIVATE not in told.reason
    if status in (429, 503):
        assert told.wait_s == 120


async def test_a_place_of_our_own_network_is_not_called() -> None:
    async with receiver(lambda got: (201, b"")) as receiving:
        told = await send(Browser(), receiving, guard=AddressGuard())
        assert isinstance(told, Refused) and told.is_final and receiving.got == []
    closed = PushAddresses(AddressGuard())
    for url in (
        "https://127.0.0.1/push", "https://10.1.2.3/push", "https://[::1]/push", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/x",
    ):  # fmt: skip
        assert await closed(url) == "own-network", url
    assert await closed("http://93.184.216.34/push") == "not-encrypted"
    assert await closed("https://93.184.216.34/push") is None
    assert await PushAddresses(LOCAL)(receiving.url + "/push") is None
    own = AddressGuard(networks_of("127.0.0.0/8"), [receiving.port])
    assert await PushAddresses(own)(receiving.url + "/push") == "own-port"


def test_a_long_text_is_cut_and_a_click_opens_what_it_is_about() -> None:
    long = replace(LETTER, text="爆" * 5000, subject="管" * 900)
    assert len(plain(long)) <= MOST_PLAIN and "爆" * 100 in plain(long).decode() and "…" in plain(long).decode()
    assert plain(replace(long, text="")).decode().count("管") == 200
    places = {
        "/alarms/7": {"event": "x", "alarm": "7"},
        "/work-orders/9": {"event": "", "order": "9"},
        "/alarms": {"event": "x", "alarm": "7", "count": "5"},  # several at once, or a group
        "/inbox": {"event": ""},
    }
    for place, facts in places.items():
        assert place_of(replace(LETTER, facts=facts)) == place


def test_a_subscription_is_looked_at_whole() -> None:
    good = BrowserDraft(**Browser().subscription("https://push.example/x"))
    assert draft_faults(good) == ()
    bad = BrowserDraft("ftp://push.example/x", b64(b"\x04" + bytes(64)), b64(bytes(15)), "x")
    assert draft_faults(bad) == (
        ("/endpoint", "wrong-format"), ("/p256dh", "wrong-format"), ("/auth", "wrong-format"),
    )  # fmt: skip
    assert draft_faults(replace(good, auth="!!"))[0][0] == "/auth"


def test_of_several_browsers_the_best_counts() -> None:
    gone, later, never = Refused("browser-gone", True, status=410), Refused("503", wait_s=9), Refused("403", True)
    assert joined([gone, later, Accepted()]) == Accepted()
    assert joined([gone, never, later, Refused("429", wait_s=60)]) == Refused("503", wait_s=60)
    assert joined([gone, never]) == never and joined([gone]) == gone
