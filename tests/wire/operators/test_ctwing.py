# SPDX-License-Identifier: Apache-2.0
"""CTWing's words. Pushes are as its users publish them, with their bytes; calls are judged by an emulated platform that was written from the
documents and not from our codec."""

import base64
import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.emulator.operators.ctwing import EXPIRED, SAVED, EmulatedCtwing
from openmains.wire.errors import WireError
from openmains.wire.operators import ctwing
from openmains.wire.operators.model import (
    MOST_BODY,
    BadSignatureError,
    CommandState,
    Declined,
    Device,
    PlatformAnswer,
    PlatformRequest,
    Pushed,
    PushKind,
)
from tests.support.properties import counted

AT_MS = 1_650_554_828_842
TOKEN = {"token": "secret"}
CODEC = ctwing.Ctwing("dFI1lzE0EN2", "xQcjrfNLvQ", "15114816", "key", "secret")
DEVICE, IMEI = "40edca19b0124480864366de4621de99", "862592051651472"
REPORT = (  # synthetic from the layout of a push that a user of the platform published
    '{"upPacketSN":-1,"upDataSN":-1,"topic":"v1/up/ad","timestamp":1650554828842,"tenantId":"2000033629","serviceId":"","protocol":"lwm2m",'
    '"productId":"15114816","payload":{"APPdata":"AQFWMS4wAAAAACMAAAAH"},"messageType":"dataReport","deviceType":"",'
    f'"deviceId":"{DEVICE}","assocAssetId":"","IMSI":"undefined","IMEI":"{IMEI}"}}'
).encode()


def heard(body: bytes) -> list[Pushed]:
    return CODEC.heard_untrusted({}, TOKEN, body, AT_MS)


def told(kind: str, **more: object) -> bytes:
    return json.dumps(
        {"timestamp": AT_MS, "productId": "15114816", "messageType": kind, "deviceId": DEVICE, **more}
    ).encode()


def test_what_a_module_sent_is_its_bytes() -> None:
    data = base64.b64decode("AQFWMS4wAAAAACMAAAAH")
    assert heard(REPORT) == [Pushed(PushKind.UP, Device(IMEI, DEVICE), AT_MS, data)]


def test_presence_and_results_of_commands() -> None:
    assert heard(told("deviceOnlineOfflineReport", eventType=1, iccid="undefined")) == [
        Pushed(PushKind.ONLINE, Device("", DEVICE), AT_MS)
    ]
    assert heard(told("deviceOnlineOfflineReport", eventType="0"))[0].kind is PushKind.OFFLINE
    found = heard(told("commandResponse", taskId=1, result={"resultDetail": "", "resultCode": "DELIVERED"}))
    assert found == [Pushed(PushKind.COMMAND, Device("", DEVICE), AT_MS, item="1", state=CommandState.DELIVERED)]
    assert heard(told("commandResponse", taskId=7, result={"resultCode": "ASLEEP"}))[0].state is None
    assert heard(told("eventReport", serviceId=12))[0].kind is PushKind.OTHER


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "json"),
        (b"[]", "json"),
        (b"\xff", "json"),
        (REPORT.replace(b"15114816", b"15114817"), "another product"),
        (REPORT.replace(DEVICE.encode(), b""), "deviceId"),
        (REPORT.replace(b"AQFW", b"A!FW"), "APPdata"),
        (REPORT.replace(b"APPdata", b"time"), "no APPdata"),
        (told("deviceOnlineOfflineReport", eventType=2), "eventType"),
        (told("commandResponse", result={"resultCode": "SENT"}), "taskId"),
        (b'{"x":"' + b"a" * MOST_BODY + b'"}', "too long"),
        (told("dataReport", payload={"APPdata": base64.b64encode(bytes(3000)).decode()}), "too long"),
    ],
)
def test_what_it_never_says_is_refused_by_name(body: bytes, reason: str) -> None:
    with pytest.raises(WireError) as bad:
        heard(body)
    assert bad.value.reason == reason


def test_without_the_token_nothing_is_read() -> None:
    for query in ({}, {"token": ""}, {"token": "secret2"}):
        with pytest.raises(BadSignatureError):
            CODEC.heard_untrusted({}, query, b"\xff not even looked at", AT_MS)
        with pytest.raises(BadSignatureError):
            CODEC.checked_untrusted(query)
    with pytest.raises(BadSignatureError):
        replace(CODEC, token="").heard_untrusted({}, {"token": ""}, REPORT, AT_MS)
    assert CODEC.checked_untrusted(TOKEN) == b"ok"


@settings(max_examples=counted(200))
@given(st.binary(max_size=200), st.integers(0, len(REPORT) - 1), st.binary(max_size=3))
def test_garbage_and_what_is_nearly_right_raise_nothing_else(body: bytes, at: int, wrong: bytes) -> None:
    with contextlib.suppress(WireError):
        heard(REPORT[:at] + wrong + REPORT[at + 1 :])
    with contextlib.suppress(WireError):
        heard(body)


def test_the_signature_is_over_parameters_by_name_and_the_body() -> None:
    # synthetic from the documents: HMAC-SHA1 over the lines, made by another program (openssl dgst -sha1 -hmac)
    said = ctwing.signature_of("app", "secret", "1515752817580", {"productId": "1", "MasterKey": "k"}, b'{"a":1}')
    assert said == "FOsDFc78EcetU1mWWXBf0Vxpp2g="


class Talk:
    """Our codec against the emulated platform."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0
        self.cloud = EmulatedCtwing(lambda: self.now_s)
        self.codec = ctwing.Ctwing(
            self.cloud.application,
            self.cloud.app_secret,
            self.cloud.product,
            self.cloud.master_key,
            self.cloud.token,
            "http://cloud",
        )
        self.now_ms = int(self.now_s * 1000)

    def ask(self, asked: PlatformRequest) -> PlatformAnswer:
        reply = self.cloud.answer(asked.method, asked.url, asked.headers, asked.body)
        assert reply is not None
        return PlatformAnswer(*reply)

    def make(self, imei: str = IMEI) -> Device:
        made = self.codec.read_created(imei, self.ask(self.codec.creation(imei, "meter 1", self.now_ms)))
        assert isinstance(made, Device)
        return made

    def pushed(self) -> list[Pushed]:
        found: list[Pushed] = []
        while self.cloud.pushes:
            push = self.cloud.pushes.popleft()
            query: Mapping[str, str] = dict([push.query.split("=", 1)])
            found += self.codec.heard_untrusted(push.headers, query, push.body, self.now_ms)
        return found


def test_devices_commands_and_history_over_the_whole_api() -> None:
    talk = Talk()
    codec, cloud, now = talk.codec, talk.cloud, talk.now_ms
    assert codec.read_trial(talk.ask(codec.trial(now))) is None
    assert codec.read_found(IMEI, talk.ask(codec.search(IMEI, now))) is None
    device = talk.make()
    assert isinstance(codec.read_created(IMEI, talk.ask(codec.creation(IMEI, "again", now))), Declined)
    assert codec.read_found(IMEI, talk.ask(codec.search(IMEI, now))) == device

    item = codec.read_command(talk.ask(codec.command(device, b"\x01\xab", 3600, now)))
    assert isinstance(item, str)
    assert codec.read_state(talk.ask(codec.question(device, item, now))) is CommandState.SAVED
    got: list[tuple[str, bytes]] = []
    cloud.deliver = lambda imei, frame: got.append((imei, frame))
    cloud.uplink(IMEI, b"hello")
    assert got == [(IMEI, b"\x01\xab")]
    said = talk.pushed()
    assert [one.kind.value for one in said] == ["online", "up", "command", "command"]
    assert [one.state for one in said[2:]] == [CommandState.SENT, CommandState.DELIVERED] and said[2].item == item
    assert codec.read_state(talk.ask(codec.question(device, item, now))) is CommandState.DELIVERED
    refused = codec.read_cancelled(talk.ask(codec.cancellation(device, item, now) or codec.trial(now)))
    assert refused is not None and refused.code.startswith("-1:")

    other = codec.read_command(talk.ask(codec.command(device, b"\x02", 60, now)))
    assert isinstance(other, str)
    assert codec.read_cancelled(talk.ask(codec.cancellation(device, other, now) or codec.trial(now))) is None
    assert codec.read_state(talk.ask(codec.question(device, other, now))) is CommandState.CANCELLED

    third = codec.read_command(talk.ask(codec.command(device, b"\x03", 60, now)))
    assert isinstance(third, str) and cloud.held[third].state == SAVED
    talk.now_s += 61
    cloud.expire()
    assert cloud.held[third].state == EXPIRED and talk.pushed()[-1].state is CommandState.EXPIRED

    for count in range(100):
        cloud.uplink(IMEI, bytes([count]))
    found, part = list[bytes](), ""
    until = int(talk.now_s * 1000) + 10_000
    while True:
        asked = codec.history(device, now, until, part, int(talk.now_s * 1000))
        history = codec.read_history(device, talk.ask(asked))
        assert not isinstance(history, Declined)
        found += [one.payload for one in history.messages]
        part = history.following
        if not part:
            break
    assert sorted(found) == sorted([b"hello", *(bytes([count]) for count in range(100))])


def test_wrong_keys_a_wrong_clock_and_a_platform_that_is_away_are_told_apart() -> None:
    talk = Talk()
    wrong = replace(talk.codec, app_secret="other")
    told_so = wrong.read_trial(talk.ask(wrong.trial(talk.now_ms)))
    assert told_so is not None and "signature" in told_so.code and told_so.is_final
    late = talk.codec.read_trial(talk.ask(talk.codec.trial(talk.now_ms - 600_000)))
    assert late is not None and "timestamp" in late.code
    talk.cloud.mischief.busy = 1
    away = talk.codec.read_trial(talk.ask(talk.codec.trial(talk.now_ms)))
    assert away == Declined("HTTP 503", is_final=False)
    assert talk.codec.read_trial(PlatformAnswer(200, b"<html>")) == Declined("HTTP 200", is_final=False)
    with pytest.raises(WireError):
        talk.codec.command(Device(IMEI, DEVICE), b"", 60, talk.now_ms)
