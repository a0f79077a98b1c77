# SPDX-License-Identifier: Apache-2.0
"""Each channel against a receiver on a real socket that takes it, refuses it, fails, is slow or talks nonsense; addresses that may not be
called; signatures as their makers document them."""

import base64
import hashlib
import hmac
from email import message_from_string
from typing import Any

import pytest

from openmains.app.notice.channel_fields import FIELDS, sort_values, url_fault
from openmains.app.notice.shapes.sms import acs3, tc3
from openmains.app.notice.shapes.talk import Accepted, ChannelAnswer, ChannelRequest, Letter, Outcome, Refused
from openmains.app.notice.shapes.webhook import signature
from openmains.domain.period import utc
from openmains.edges.notify.guard import AddressGuard, AddressRefusedError, networks_of
from openmains.edges.notify.http import Http
from openmains.edges.notify.senders import AppriseSender, Spoken
from openmains.edges.notify.smtp import Mailer
from tests.support.receiver import Answer, Got, MailServer, Receiver, mail_server, receiver

NOW_US = 1_764_400_000_000_000
LOCAL = AddressGuard(networks_of("127.0.0.0/8"))
LETTER = Letter(
    "7:500:raised:0:1:11",
    "【紧急】爆管 12345678",
    "供水公司：爆管\n请在控制台确认。",
    "+8613800138000",
    "critical",
    {"event": "爆管", "number": "12345678", "address": "人民路 1 号"},
)
YES = {
    "webhook": b"",
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "feishu": b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
    "sms_aliyun": b'{"Code":"OK","Message":"OK","BizId":"9006","RequestId":"F6"}',
    "sms_tencent": b'{"Response":{"SendStatusSet":[{"SerialNo":"50","Code":"Ok","Message":"send success"}],"RequestId":"a"}}',
    "wechat": b'{"errcode":0,"errmsg":"ok","msgid":200228332,"access_token":"TOKEN"}',
}
NO = {  # answers 200 and says no: for good, and for now
    "wecom": (
        b'{"errcode":93000,"errmsg":"invalid webhook url"}',
        b'{"errcode":45009,"errmsg":"api freq out of limit"}',
    ),
    "dingtalk": (b'{"errcode":310000,"errmsg":"sign not match"}', b'{"errcode":130101,"errmsg":"send too fast"}'),
    "feishu": (b'{"code":19021,"msg":"sign match fail"}', b'{"code":11232,"msg":"frequency limited"}'),
    "sms_aliyun": (b'{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}', b'{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"m"}'),
    "sms_tencent": (
        b'{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"m"}}}',
        b'{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}',
    ),
    "wechat": (b'{"errcode":40013,"errmsg":"invalid appid"}', b'{"errcode":-1,"errmsg":"system error"}'),
}


async def send(kind: str, receiving: Receiver, letter: Letter = LETTER, whole_s: float = 10.0) -> Outcome:
    http = Http(LOCAL, whole_s)
    url = f"{receiving.url}/hook?key=SECRET-KEY"
    settings = {"url": receiving.url + "/" if kind.startswith("sms") or kind == "wechat" else url}
    settings |= {
        "key_id": "AK",
        "sign_name": "供水",
        "template": "T1",
        "fields": "event,number",
        "app_id": "1400",
        "region": "ap-x",
    }
    if kind == "wechat":
        settings["fields"] = "first=event,keyword1=number"
    try:
        return await Spoken(http, kind)(settings, {"url": url, "secret": "SEC-RET"}, letter, NOW_US)
    finally:
        await http.close()


@pytest.mark.parametrize("kind", YES)
async def test_a_receiver_that_takes_it_is_believed_by_its_own_number_only(kind: str) -> None:
    async with receiver(lambda got: (200, YES[kind])) as receiving:
        assert isinstance(await send(kind, receiving), Accepted)
        assert receiving.got
        for refused, is_final in zip(NO.get(kind, ()), (True, False), strict=False):
            receiving.answer = lambda got, body=refused: (200, body)  # type: ignore[misc]
            told = await send(kind, receiving)
            assert isinstance(told, Refused) and told.is_final is is_final and told.reason, (told, refused)


@pytest.mark.parametrize("kind", YES)
@pytest.mark.parametrize(
    ("answer", "is_final"),
    [
        ((503, b"later"), False),
        ((429, b"{}"), False),
        ((404, b"<html>"), True),
        ((302, b""), True),  # nobody is followed anywhere
        ((200, b"<html>\xff welcome"), False),
        ((200, b"[1]"), False),
        ((200, b'{"errcode":"0","code":null,"Code":7,"Response":3}'), False),
        ("close", False),
        ("noise", False),
        ("silent", False),
    ],
)
@pytest.mark.usefixtures("takes_seconds")
async def test_failures_slowness_and_nonsense_are_no_acceptance(kind: str, answer: Answer, is_final: bool) -> None:
    async with receiver(lambda got: answer) as receiving:
        receiving.headers = {"Retry-After": "120", "Location": "http://127.0.0.1:1/"}
        told = await send(kind, receiving, whole_s=0.3 if answer == "silent" else 10.0)
    if kind == "webhook" and isinstance(answer, tuple) and answer[0] == 200:
        assert isinstance(told, Accepted)  # any 2xx is a webhook's yes
        return
    assert isinstance(told, Refused) and told.is_final is is_final, told
    assert "SECRET-KEY" not in told.reason and "SEC-RET" not in told.reason
    if isinstance(answer, tuple) and answer[0] in (429, 503):
        assert told.wait_s == 120


async def test_nobody_listens() -> None:
    async with receiver() as receiving:
        pass
    told = await send("wecom", receiving)
    assert isinstance(told, Refused) and not told.is_final and "SECRET" not in told.reason


async def test_what_each_says_is_what_its_maker_reads() -> None:
    async with receiver() as receiving:

        async def asked(kind: str) -> Got:
            receiving.got.clear()
            receiving.answer = lambda got: (200, YES[kind])
            await send(kind, receiving)
            return receiving.got[-1]

        hook = await asked("webhook")
        assert hook.json["subject"] == LETTER.subject and hook.headers["idempotency-key"] == LETTER.key
        mac = hmac.new(b"SEC-RET", b"1764400000." + hook.body, hashlib.sha256).hexdigest()
        assert (
            hook.headers["x-openmains-signature"]
            == f"t=1764400000,v1={mac}"
            == signature("SEC-RET", hook.body, 1764400000)
        )
        wecom = await asked("wecom")
        assert wecom.json == {"msgtype": "text", "text": {"content": f"{LETTER.subject}\n{LETTER.text}"}}
        ding = await asked("dingtalk")
        digest = hmac.new(b"SEC-RET", b"1764400000000\nSEC-RET", hashlib.sha256).digest()
        assert (ding.query["timestamp"], ding.query["sign"]) == ("1764400000000", base64.b64encode(digest).decode())
        feishu = (await asked("feishu")).json
        digest = hmac.new(b"1764400000\nSEC-RET", b"", hashlib.sha256).digest()
        assert (feishu["timestamp"], feishu["sign"]) == ("1764400000", base64.b64encode(digest).decode())
        aliyun = (await asked("sms_aliyun")).query
        assert (aliyun["PhoneNumbers"], aliyun["TemplateCode"]) == ("13800138000", "T1")
        assert aliyun["TemplateParam"] == '{"event":"爆管","number":"12345678"}'
        tencent = (await asked("sms_tencent")).json
        assert (tencent["PhoneNumberSet"], tencent["TemplateParamSet"]) == (["+8613800138000"], ["爆管", "12345678"])
        wechat = await asked("wechat")
        assert wechat.path == "/cgi-bin/message/template/send?access_token=TOKEN"
        assert wechat.json["data"] == {"first": {"value": "爆管"}, "keyword1": {"value": "12345678"}}
        assert wechat.json["client_msg_id"] == hashlib.sha256(LETTER.key.encode()).hexdigest()[:32]


async def test_a_long_text_is_cut_where_wecom_would_refuse_it_and_never_within_a_sign() -> None:
    async with receiver(lambda got: (200, YES["wecom"])) as receiving:
        await send("wecom", receiving, Letter("k", "爆" * 600, "管" * 600))
        content = receiving.got[0].json["text"]["content"]
    assert len(content.encode()) <= 2048 and content.endswith("…") and "�" not in content


def test_signatures_are_those_of_the_makers_documents() -> None:
    # Source: help.aliyun.com "V3 版本请求体&签名机制", the example of RunInstances
    call = acs3(
        "https://ecs.cn-shanghai.aliyuncs.com/",
        "RunInstances",
        "2014-05-26",
        {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
        "YourAccessKeyId",
        "YourAccessKeySecret",
        1698315752,
        "3156853299f313e23d1673dc12e1703d",
    )
    assert utc(1698315752).isoformat() == "2023-10-26T10:22:32+00:00"
    assert call.headers["Authorization"].endswith("06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
    # Synthetic from cloud.tencent.com "签名方法 v3": the steps done by hand, for the maker's example hides its secret
    sent = tc3(
        "https://sms.tencentcloudapi.com/", "sms", "SendSms", "2021-01-11", "ap-x", b"{}", "ID", "KEY", 1551113065
    )
    key = b"TC3KEY"
    for part in (b"2019-02-25", b"sms", b"tc3_request"):
        key = hmac.new(key, part, hashlib.sha256).digest()
    head = "content-type:application/json; charset=utf-8\nhost:sms.tencentcloudapi.com\nx-tc-action:sendsms\n"
    request = f"POST\n/\n\n{head}\ncontent-type;host;x-tc-action\n{hashlib.sha256(b'{}').hexdigest()}"
    text = f"TC3-HMAC-SHA256\n1551113065\n2019-02-25/sms/tc3_request\n{hashlib.sha256(request.encode()).hexdigest()}"
    assert sent.headers["Authorization"].endswith(hmac.new(key, text.encode(), hashlib.sha256).hexdigest())


MAIL = {"host": "127.0.0.1", "safety": "none", "sender": "alarm@utility.test"}


async def mailed(server: MailServer, whole_s: float = 10.0, **settings: str) -> Outcome:
    mailer = Mailer(LOCAL, whole_s=whole_s)
    letter = Letter(LETTER.key, LETTER.subject, LETTER.text, "ann@utility.test", "critical")
    try:
        return await mailer({**MAIL, "port": str(server.port), **settings}, {"password": "SEC-RET"}, letter, NOW_US)
    finally:
        mailer.close()


async def test_a_letter_arrives_as_it_was_written_and_twice_with_one_message_id() -> None:
    async with mail_server() as server:
        assert [await mailed(server), await mailed(server)] == [Accepted(), Accepted()]
    first, second = (message_from_string(letter) for letter in server.letters)
    assert first["Message-ID"] == second["Message-ID"] and first["To"] == "ann@utility.test"
    payload = first.get_payload(decode=True)
    assert isinstance(payload, bytes) and payload.decode().replace("\r\n", "\n").strip() == LETTER.text


@pytest.mark.parametrize(
    ("answers", "is_final"),
    [
        ({"RCPT": "550 no such user"}, True),
        ({"RCPT": "451 try later"}, False),
        ({"DATA": "554 no"}, True),
        ({"END": "452 no room"}, False),
        ({"CONNECT": "421 busy"}, False),
        ({"CONNECT": "\x01\x02 what"}, False),
        ({"CONNECT": ""}, False),
        ({"MAIL": ""}, False),
    ],
)
@pytest.mark.usefixtures("takes_seconds")
async def test_a_mail_server_that_refuses_is_slow_or_talks_nonsense(answers: dict[str, str], is_final: bool) -> None:
    async with mail_server(**answers) as server:
        told = await mailed(server, whole_s=0.4 if "" in answers.values() else 10.0)
    assert isinstance(told, Refused) and told.is_final is is_final, told


async def test_a_server_without_encryption_gets_no_password() -> None:
    async with mail_server() as server:
        told = await mailed(server, safety="starttls", user="ann")
    assert isinstance(told, Refused) and told.is_final and server.letters == []


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of a service that is not used here
async def test_apprise_speaks_telegram_and_believes_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.telegram import NotifyTelegram

    async with receiver(lambda got: (200, b'{"ok":true,"result":{}}')) as receiving:
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{receiving.url}/bot")
        secrets = {"url": "tgram://123456789:abcdefg_hijklmnop/12315544/"}
        assert await AppriseSender()({}, secrets, LETTER, NOW_US) == Accepted()
        assert receiving.got[0].path == "/bot123456789:abcdefg_hijklmnop/sendMessage"
        receiving.answer = lambda got: (500, b"<nonsense>")
        told = await AppriseSender()({}, secrets, LETTER, NOW_US)
        assert isinstance(told, Refused) and "abcdefg" not in told.reason
    other = await AppriseSender()({}, {"url": "json://127.0.0.1/"}, LETTER, NOW_US)
    assert isinstance(other, Refused) and other.is_final


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0.0.0.0",  # noqa: S104
        "10.0.0.5", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "fd00::1", "2130706433", "0x7f.1", "224.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_no_address_of_our_own_networks_is_called(host: str) -> None:
    with pytest.raises(AddressRefusedError, match="own-network"):
        AddressGuard().look(host, 443, True)


def test_networks_of_the_premises_are_let_in_but_never_our_engines_nor_anything_in_the_clear_outside() -> None:
    guard = AddressGuard(networks_of("127.0.0.0/8, 10.2.0.0/16"), [5432])
    assert guard.look("127.0.0.1", 8443, False) == ["127.0.0.1"]
    with pytest.raises(AddressRefusedError, match="own-port"):
        guard.look("127.0.0.1", 5432, True)
    with pytest.raises(AddressRefusedError, match="own-network"):
        guard.look("10.3.0.1", 443, True)
    assert guard.look("1.1.1.1", 443, True) == ["1.1.1.1"]
    with pytest.raises(AddressRefusedError, match="not-encrypted"):
        guard.look("1.1.1.1", 80, False)
    with pytest.raises(ValueError, match="wrong"):
        networks_of("wrong")


async def test_a_refused_address_is_a_final_answer_that_names_it() -> None:
    http = Http(AddressGuard())
    for url in ("http://127.0.0.1:9/x", "https://127.0.0.1:9/x"):
        told = await http.call(ChannelRequest(url, b""))
        assert not isinstance(told, ChannelAnswer) and told.is_final and "own-network" in told.reason
    await http.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/b",
        "https://",
        "https://user:pw@host/",
        "https://ho st/",
        "https://host:0/",
        "https://host:x/",
        "https://ho\nst/",
        "//host",
    ],
)
def test_urls_that_are_none_are_refused(url: str) -> None:
    assert url_fault(url) == "wrong-format"


@pytest.mark.parametrize("kind", FIELDS)
def test_a_channel_without_its_values_is_refused_with_every_place(kind: str) -> None:
    missing = {place for place, code in sort_values(kind, {}).faults if code == "required"}
    assert missing == {
        f"/settings/{name}"
        for name, entry in FIELDS[kind].items()
        if entry.is_needed and not (entry.otherwise and not entry.is_secret)
    }
    assert ("/settings/colour", "unknown-field") in sort_values(kind, {"colour": "red"}).faults


def test_what_is_secret_is_never_among_the_settings() -> None:
    values: dict[str, Any] = {"url": "https://oapi.dingtalk.com/robot/send?access_token=x", "secret": "SEC"}
    sorted_ = sort_values("dingtalk", values)
    assert (sorted_.settings, sorted_.faults) == ({}, ()) and set(sorted_.secrets) == {"url", "secret"}
    assert sort_values("apprise", {"url": "file:///etc/passwd"}).faults == (("/settings/url", "unknown-service"),)
    assert sort_values("webhook", {"url": "https://a.test", "secret": ""}, frozenset({"secret"})).faults == ()
