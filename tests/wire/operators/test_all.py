# SPDX-License-Identifier: Apache-2.0
"""Rules that each platform's codec keeps, against an emulated platform that was written from the documents and not from the codec: calls are
signed as they want it, what they push is read and nothing else is, and a push with one other byte of what is signed is refused."""

import base64
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.link.operators.codecs import KINDS, codec_of, faults_of
from openmains.emulator.operators.ctwing import EmulatedCtwing
from openmains.emulator.operators.iotda import EmulatedIotda
from openmains.emulator.operators.onenet import EmulatedOnenet
from openmains.emulator.operators.platform import Push
from openmains.wire.errors import WireError
from openmains.wire.operators import iotda, onenet
from openmains.wire.operators.model import (
    BadSignatureError,
    CommandState,
    Declined,
    Device,
    OperatorCodec,
    PlatformAnswer,
    PlatformRequest,
    Pushed,
    PushKind,
)
from tests.support.properties import counted

IMEI = "862592051651472"
CLOUDS: dict[str, Callable[[Callable[[], float]], Any]] = {
    "ctwing": EmulatedCtwing,
    "iotda": EmulatedIotda,
    "iotda, not derived": lambda now_s: EmulatedIotda(now_s, region=""),
    "onenet": EmulatedOnenet,
    "onenet_studio": lambda now_s: EmulatedOnenet(now_s, user="528332"),
}


class Talk:
    """A codec, made as the platform's settings say, and the emulated platform."""

    def __init__(self, name: str) -> None:
        self.now_s = 1_700_000_000.5
        self.kind = name.partition(",")[0]
        self.cloud = CLOUDS[name](lambda: self.now_s)
        self.codec: OperatorCodec = codec_of(
            self.kind, self.cloud.settings("http://cloud/x", "http://us"), self.cloud.secrets()
        )

    @property
    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def ask(self, asked: PlatformRequest | None) -> PlatformAnswer:
        assert asked is not None
        url = asked.url.replace("http://cloud/x", "http://cloud")
        if self.kind == "iotda":  # the path is signed: the platform stands at the root
            url = asked.url
        reply = self.cloud.answer(asked.method, url, asked.headers, asked.body)
        assert reply is not None
        return PlatformAnswer(*reply)

    def hear(self, push: Push) -> list[Pushed]:
        headers = {name.lower(): value for name, value in push.headers.items()}
        return self.codec.heard_untrusted(headers, dict(parse_qsl(push.query)), push.body, self.now_ms)

    def heard(self) -> list[Pushed]:
        found: list[Pushed] = []
        while self.cloud.pushes:
            found += self.hear(self.cloud.pushes.popleft())
        return found


@pytest.fixture(params=sorted(CLOUDS))
def talk(request: pytest.FixtureRequest) -> Talk:
    made = Talk(request.param)
    if made.kind == "iotda":
        made.codec = codec_of("iotda", made.cloud.settings("http://cloud", "http://us"), made.cloud.secrets())
    return made


def test_all_of_the_api(talk: Talk) -> None:
    codec, cloud = talk.codec, talk.cloud
    assert codec.read_trial(talk.ask(codec.trial(talk.now_ms))) is None
    assert codec.read_found(IMEI, talk.ask(codec.search(IMEI, talk.now_ms))) is None
    device = codec.read_created(IMEI, talk.ask(codec.creation(IMEI, "一号表", talk.now_ms)))
    assert isinstance(device, Device) and device.device_id
    again = codec.read_created(IMEI, talk.ask(codec.creation(IMEI, "again", talk.now_ms)))
    assert isinstance(again, Declined) and again.is_final
    assert codec.read_found(IMEI, talk.ask(codec.search(IMEI, talk.now_ms))) == device

    item = codec.read_command(talk.ask(codec.command(device, b"\x01\xab", 3600, talk.now_ms)))
    assert isinstance(item, str)
    assert codec.read_state(talk.ask(codec.question(device, item, talk.now_ms))) is CommandState.SAVED
    got = []
    cloud.deliver = lambda imei, frame: got.append((imei, frame))
    cloud.uplink(IMEI, b"hello")
    assert got == [(IMEI, b"\x01\xab")]
    said = talk.heard()
    assert [one.kind for one in said[:2]] == [PushKind.ONLINE, PushKind.UP] and said[1].payload == b"hello"
    assert {one.device.device_id for one in said} == {device.device_id}
    if talk.kind != "onenet_studio":
        assert [(one.item, one.state) for one in said[2:]] == [
            (item, CommandState.SENT),
            (item, CommandState.DELIVERED),
        ]
    assert codec.read_state(talk.ask(codec.question(device, item, talk.now_ms))) is CommandState.DELIVERED
    cloud.leave(IMEI)
    assert [one.kind for one in talk.heard()] == [PushKind.OFFLINE]

    other = codec.read_command(talk.ask(codec.command(device, b"\x02", 3600, talk.now_ms)))
    assert isinstance(other, str)
    called_back = codec.cancellation(device, other, talk.now_ms)
    if talk.kind == "iotda":
        assert called_back is None
    else:
        assert codec.read_cancelled(talk.ask(called_back)) is None
        assert codec.read_state(talk.ask(codec.question(device, other, talk.now_ms))) is CommandState.CANCELLED
        late = codec.cancellation(device, item, talk.now_ms)
        assert isinstance(codec.read_cancelled(talk.ask(late)), Declined)
    third = codec.read_command(talk.ask(codec.command(device, b"\x03", 60, talk.now_ms)))
    assert isinstance(third, str)
    talk.now_s += 61
    cloud.expire()
    assert codec.read_state(talk.ask(codec.question(device, third, talk.now_ms))) is CommandState.EXPIRED
    unknown = codec.read_state(talk.ask(codec.question(device, "0", talk.now_ms)))
    assert unknown is None or isinstance(unknown, Declined)


def test_what_was_pushed_is_found_again_in_what_was_kept(talk: Talk) -> None:
    codec, cloud, began = talk.codec, talk.cloud, talk.now_ms
    device = codec.read_created(IMEI, talk.ask(codec.creation(IMEI, "meter", talk.now_ms)))
    assert isinstance(device, Device)
    for count in range(230):
        cloud.uplink(IMEI, bytes([count]))
        talk.now_s += 1
    pushed = {(one.at_ms, one.payload) for one in talk.heard() if one.kind is PushKind.UP}
    assert len(pushed) == 230
    found, part = set(), ""
    for _ in range(20):
        asked = codec.history(device, began, talk.now_ms, part, talk.now_ms)
        told = codec.read_history(device, talk.ask(asked))
        assert not isinstance(told, Declined)
        found |= {(one.at_ms, one.payload) for one in told.messages}
        part = told.following
        if not part:
            break
    assert found == pushed if talk.kind != "iotda" else found == {max(pushed)}


def test_wrong_keys_and_a_platform_that_is_away_are_told_apart(talk: Talk) -> None:
    wrong = {name: base64.b64encode(value.encode()[::-1]).decode() for name, value in talk.cloud.secrets().items()}
    other = codec_of(talk.kind, talk.cloud.settings("http://cloud", "http://us"), wrong)
    refused = other.read_trial(talk.ask(other.trial(talk.now_ms)))
    assert refused is not None and refused.is_final
    talk.cloud.mischief.busy = 1
    away = talk.codec.read_trial(talk.ask(talk.codec.trial(talk.now_ms)))
    assert away is not None and not away.is_final
    for answer in (PlatformAnswer(200, b"<html>"), PlatformAnswer(200, b"[]"), PlatformAnswer(502, b"")):
        assert isinstance(talk.codec.read_trial(answer), Declined)
        assert isinstance(talk.codec.read_created(IMEI, answer), Declined)
        assert isinstance(talk.codec.read_command(answer), Declined)
        assert isinstance(talk.codec.read_state(answer), Declined)
        assert isinstance(talk.codec.read_history(Device(IMEI, "1"), answer), Declined)
    for frame in (b"", bytes(3000)):
        with pytest.raises(WireError):
            talk.codec.command(Device(IMEI, "1"), frame, 60, talk.now_ms)


def test_one_other_byte_of_what_is_signed_is_refused(talk: Talk) -> None:
    talk.cloud.adopt(IMEI)
    talk.cloud.uplink(IMEI, b"hello")
    push = talk.cloud.pushes[1]
    assert talk.hear(push)[0].payload == b"hello"
    changed = []
    if push.query:
        changed = [Push(push.body, push.headers, push.query[:-1] + "x")]
    elif "signature" in push.headers:
        changed = [
            Push(push.body, {**push.headers, name: push.headers[name][:-1] + "x"})
            for name in ("timestamp", "nonce", "signature")
        ]
        talk.now_s += 1_000  # said again much later
        changed.append(push)
    else:
        at = push.body.index(b"hello".hex().encode())
        changed = [Push(push.body[:at] + b"7" + push.body[at + 1 :]), Push(push.body.replace(b"nonce", b"nonse"))]
        changed += [Push(push.body.replace(b'": ', b'":'))] if b'": ' in push.body else []
    for one in changed:
        with pytest.raises(BadSignatureError):
            talk.hear(one)
    with pytest.raises((BadSignatureError, WireError)):
        talk.hear(Push(b"{}"))


@pytest.mark.parametrize("name", sorted(CLOUDS))
def test_garbage_in_a_proven_push_raises_nothing_else(name: str) -> None:
    talk = Talk(name)
    talk.cloud.adopt(IMEI)
    talk.cloud.uplink(IMEI, b"hello")
    push, token = talk.cloud.pushes[1], talk.cloud.token

    @settings(max_examples=counted(150))
    @given(
        st.integers(0, len(push.body) - 1),
        st.binary(max_size=3),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda one: (
                st.lists(one, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "msg",
                            "data",
                            "params",
                            "19_0_0",
                            "value",
                            "type",
                            "dev_id",
                            "notify_data",
                            "body",
                            "header",
                            "services",
                        ]
                    ),
                    one,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ),
    )
    def tried(at: int, wrong: bytes, other: object) -> None:
        for body in (push.body[:at] + wrong + push.body[at + 1 :], json.dumps(other).encode()):
            signed = body
            if talk.kind.startswith("onenet"):
                signed = json.dumps(
                    {"msg": body.decode("utf-8", "replace"), "nonce": "n", "signature": "", "msg_signature": ""}
                ).encode()
                sign = onenet.push_signature(token, "n", json.loads(signed)["msg"].encode("utf-8", "replace"))
                signed = signed.replace(b'ignature": ""', b'ignature": "' + sign.encode() + b'"')
            with contextlib.suppress(WireError, BadSignatureError):
                talk.hear(Push(signed, push.headers, push.query))

    tried()


def test_an_address_is_tried_as_onenet_does_it() -> None:
    codec = codec_of("onenet", {"product": "1"}, {"api_key": "k", "token": "t"})
    sign = onenet.push_signature("t", "n1", b"hi")
    assert codec.checked_untrusted({"msg": "hi", "nonce": "n1", "signature": sign}) == b"hi"
    assert codec.checked_untrusted({"msg": "hi", "nonce": "n1", "signature": sign.replace("+", " ")}) == b"hi"
    for query in ({"msg": "ho", "nonce": "n1", "signature": sign}, {"msg": "hi"}, {}):
        with pytest.raises(BadSignatureError):
            codec.checked_untrusted(query)
    assert sign == "j6WOqAmoDb1J9BdnCdqoQA=="  # by openssl dgst -md5


def test_the_signed_part_of_a_body_is_its_own_bytes() -> None:
    body = b' {"a":[1, {"msg": 2}],\n "msg" : {"x": 1.0, "y": "\\u0041"} ,"nonce":"n"}'
    assert onenet.member_bytes(body, "msg") == b'{"x": 1.0, "y": "\\u0041"}'
    assert onenet.member_bytes(body, "none") is None
    assert onenet.member_bytes(b"{}", "msg") is None


def test_a_key_is_derived_as_rfc_5869_has_it() -> None:
    info = "20260101/cn-north-4/iotdm"
    right = HKDF(SHA256(), 32, b"access", info.encode()).derive(b"secret").hex()
    assert iotda.derived_key("access", "secret", info) == right


def test_instants_of_a_platform() -> None:
    assert iotda.instant_of("20151212T121212Z") == iotda.instant_of("2015-12-12T12:12:12.000Z") == 1_449_922_332_000
    assert iotda.instant_of("yesterday") == 0


def test_settings_are_refused_by_name() -> None:
    for kind, rules in KINDS.items():
        assert {pointer for pointer, _ in faults_of(kind, {"x": "1"}, {"y": "1"})} >= {
            "/settings/x", "/secrets/y", *(f"/secrets/{name}" for name in rules.secrets),
            *(f"/settings/{name}" for name, needed in rules.settings.items() if needed),
        }  # fmt: skip
    good = {"product": "1", "push_base": "https://us/api/v1", "up": "19/0/0"}
    assert faults_of("onenet", good, {"api_key": "k", "token": "abc"}) == []
    assert faults_of("onenet", good | {"up": "19_0"}, {"api_key": "k", "token": "abc"}) == [
        ("/settings/up", "wrong-format")
    ]
    assert replace(onenet.Onenet("1", "k", "t"), up="3200/0/5750").up == "3200/0/5750"
