# SPDX-License-Identifier: Apache-2.0
"""China Mobile's OneNET, devices of LwM2M, by its public documents: the classic NB-IoT API and its successor (Studio, 物联网开放平台).

A push is JSON with a message, a nonce and a signature: base64 of MD5 over token, nonce and the message **as it was sent**. Classic has the
message as
an object, so that the signature is over those very bytes of the body; the successor has it as a text. Their encrypted mode is not read. An
address is tried by ``GET ?msg=&nonce=&signature=`` and answers ``msg``.

    classic    type 1 data (``ds_id``, ``value``)    2 presence (``status``)    7 a cached command (``cmd_id``, ``send_status``,
    ``confirm_status``) successor  notify/property data (``params``)     lifeCycle (``status``)     results of cached commands are asked for

Commands are written to a resource of an object, in hexadecimal, and cached until ``expired_time`` (the platform's clock, Beijing). Calls
carry the product's key (classic: ``api-key``) or a token that is signed with the user's access key and runs out (successor).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote, urlencode

from openmains.wire.errors import WireError
from openmains.wire.json_text import json_value
from openmains.wire.operators.model import (
    MOST_BODY,
    BadSignatureError,
    CommandState,
    Declined,
    Device,
    History,
    PlatformAnswer,
    PlatformRequest,
    Pushed,
    PushKind,
    answer_of,
    declined,
    hex_of,
    imei_of,
    json_body,
    millis_of,
    object_of,
    part_of,
    word_of,
)

LAYER: Final = "onenet"
CLASSIC_URL: Final = "http://api.heclouds.com"
STUDIO_URL: Final = "https://iot-api.heclouds.com"
VERSION: Final = "2022-05-01"  # of tokens for a user's resources
TOKEN_S: Final = 600
LONGEST_S: Final = 7 * 86_400
MOST_FRAME: Final = 900  # 2 KB of text
PAGE: Final = 100
BEIJING: Final = timezone(timedelta(hours=8))
S = CommandState
SEND_STATES: Final[Mapping[int, CommandState]] = {
    1: S.SAVED, 2: S.CANCELLED, 3: S.SENT, 4: S.EXPIRED, 5: S.DELIVERED, 6: S.FAILED,
}  # fmt: skip
"""``send_status`` of a cached command."""
_space = json.JSONDecoder()


def push_signature(token: str, nonce: str, message: bytes) -> str:
    """Of a push, and of the try of an address."""
    digest = hashlib.md5(token.encode() + nonce.encode() + message, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def api_token(user: str, access_key: str, expires_s: int) -> str:
    """``Authorization`` of the successor's API, until ``expires_s``. Raises ``WireError`` for a key that is no base64."""
    resource, method = f"userid/{user}", "sha256"
    try:
        key = base64.b64decode(access_key, validate=True)
    except ValueError:
        raise WireError(LAYER, 0, "access key") from None
    text = f"{expires_s}\n{method}\n{resource}\n{VERSION}"
    sign = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode("ascii")
    said = {"version": VERSION, "res": resource, "et": str(expires_s), "method": method, "sign": sign}
    return urlencode(said, quote_via=quote, safe="")


def member_bytes(body: bytes, name: str) -> bytes | None:
    """The bytes of a member of the object that ``body`` is, as they stand there; None where there is none. ``body`` was read before."""
    text = body.decode("utf-8")
    at, found = _past_space(text, 0) + 1, None
    while True:
        at = _past_space(text, at)
        if text[at] == "}":
            return found
        key, at = _space.raw_decode(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        begin = at
        _, at = _space.raw_decode(text, at)
        if key == name:
            found = text[begin:at].encode()
        at = _past_space(text, at)
        at += text[at] == ","


def _past_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


@dataclass(frozen=True, slots=True)
class Onenet:
    """A product. ``up``, ``down``: object/instance/resource of what the module sends and is written; ``user`` "": the classic API, whose key
    ``key`` is; else the successor's, with the user's access key."""

    product: str
    key: str
    token: str
    user: str = ""
    base_url: str = ""
    up: str = "19/0/0"
    down: str = "19/1/0"

    # pushes

    def heard_untrusted(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now_ms: int
    ) -> list[Pushed]:
        del headers, query, now_ms  # no window for the instant is documented; what comes twice is known by what it says
        told = object_of(body, LAYER)
        message = self._proven(told, body)
        if self.user:
            return [self._studio(object_of(message, LAYER))]
        said = json_value(message, LAYER)
        messages = said if isinstance(said, list) else [said]
        if not messages or len(messages) > 500 or not all(isinstance(one, dict) for one in messages):
            raise WireError(LAYER, 0, "msg")
        return [self._classic(one) for one in messages]

    def _proven(self, told: Mapping[str, object], body: bytes) -> bytes:
        value, nonce = told.get("msg"), told.get("nonce")
        sign = told.get("signature" if self.user else "msg_signature")
        if not self.token or value is None or not isinstance(nonce, str) or not isinstance(sign, str):
            raise BadSignatureError("signature")
        message = value.encode("utf-8", "replace") if isinstance(value, str) else member_bytes(body, "msg") or b""
        right = push_signature(self.token, nonce, message)
        if len(body) > MOST_BODY or not hmac.compare_digest(sign.encode("utf-8", "replace"), right.encode()):
            raise BadSignatureError("signature")
        return message

    def checked_untrusted(self, query: Mapping[str, str]) -> bytes:
        message = query.get("msg", "").encode()
        right = push_signature(self.token, query.get("nonce", ""), message)
        told = query.get("signature", "").replace(" ", "+")  # a plus sign that nobody escaped
        if not self.token or not message or not hmac.compare_digest(told.encode(), right.encode()):
            raise BadSignatureError("signature")
        return message

    def _classic(self, told: Mapping[str, object]) -> Pushed:
        device = Device(imei_of(word_of(told, "imei", LAYER)), word_of(told, "dev_id", LAYER))
        at_ms, kind = millis_of(told, "at"), told.get("type")
        if not device.device_id:
            raise WireError(LAYER, 0, "dev_id")
        if kind == 1:
            if word_of(told, "ds_id", LAYER) != self.up.replace("/", "_"):
                return Pushed(PushKind.OTHER, device, at_ms)
            return Pushed(PushKind.UP, device, at_ms, hex_of(told.get("value"), LAYER, "value"))
        if kind == 2:
            return Pushed(PushKind.ONLINE if told.get("status") == 1 else PushKind.OFFLINE, device, at_ms)
        if kind == 7:
            item = word_of(told, "cmd_id", LAYER)
            if not item:
                raise WireError(LAYER, 0, "cmd_id")
            return Pushed(PushKind.COMMAND, device, at_ms, item=item, state=_state(told))
        return Pushed(PushKind.OTHER, device, at_ms)

    def _studio(self, told: Mapping[str, object]) -> Pushed:
        product = word_of(told, "productId", LAYER)
        if product and product != self.product:
            raise WireError(LAYER, 0, "another product")
        name = word_of(told, "deviceName", LAYER)
        device = Device(imei_of(word_of(told, "imei", LAYER)) or imei_of(name), name)
        if not device.device_id:
            raise WireError(LAYER, 0, "deviceName")
        data = part_of(told, "data", LAYER)
        kind = word_of(told, "messageType", LAYER)
        if kind == "lifeCycle":
            status = word_of(data, "status", LAYER)
            if status not in ("online", "offline"):
                raise WireError(LAYER, 0, "status")
            return Pushed(PushKind(status), device, millis_of(data, "time"))
        point = part_of(data, "params", LAYER).get(self.up.replace("/", "_")) if kind == "notify" else None
        if not isinstance(point, dict):
            return Pushed(PushKind.OTHER, device, millis_of(data, "id"))
        return Pushed(PushKind.UP, device, millis_of(point, "time"), hex_of(point.get("value"), LAYER, "value"))

    # calls

    def _request(
        self, method: str, path: str, now_ms: int, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> PlatformRequest:
        said = f"?{urlencode(query)}" if query else ""
        if self.user:
            key = {"authorization": api_token(self.user, self.key, now_ms // 1000 + TOKEN_S)}
            path = path.replace("/nbiot/", "/nb-iot/", 1)
        else:
            key = {"api-key": self.key}
        base = (self.base_url or (STUDIO_URL if self.user else CLASSIC_URL)).rstrip("/")
        return PlatformRequest(method, f"{base}{path}{said}", {**key, "Content-Type": "application/json"}, body)

    def trial(self, now_ms: int) -> PlatformRequest:
        if self.user:
            return self._request("GET", "/product/detail", now_ms, {"product_id": self.product})
        return self._request("GET", "/devices", now_ms, {"page": "1", "per_page": "1"})

    def read_trial(self, answer: PlatformAnswer) -> Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else None

    def creation(self, imei: str, name: str, now_ms: int) -> PlatformRequest:
        if self.user:
            wanted: dict[str, object] = {
                "product_id": self.product,
                "device_name": imei,
                "desc": name,
                "imei": imei,
                "imsi": imei,
            }
            return self._request("POST", "/device/create", now_ms, body=json_body(wanted))
        wanted = {"title": name, "protocol": "LWM2M", "auth_info": {imei: imei}, "obsv": True}
        return self._request("POST", "/devices", now_ms, body=json_body(wanted))

    def read_created(self, imei: str, answer: PlatformAnswer) -> Device | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        return self._named(told.get("data"), imei) or Declined("no device", is_final=False)

    def search(self, imei: str, now_ms: int) -> PlatformRequest:
        if self.user:
            return self._request("GET", "/device/detail", now_ms, {"product_id": self.product, "device_name": imei})
        return self._request("GET", "/devices/getbyimei", now_ms, {"imei": imei})

    def read_found(self, imei: str, answer: PlatformAnswer) -> Device | Declined | None:
        told = _result(answer)
        if isinstance(told, Declined):
            return None if told.is_final else told
        return self._named(told.get("data"), imei)

    def _named(self, row: object, imei: str) -> Device | None:
        """Classic names a device by a number, the successor by its name, which is the IMEI where we made it."""
        if not isinstance(row, dict):
            return None
        names = ("name", "device_name") if self.user else ("device_id", "id")
        name = next((str(row[key]) for key in names if row.get(key)), "")
        return Device(imei, name) if 0 < len(name) <= 128 else None

    def command(self, device: Device, frame: bytes, life_s: int, now_ms: int) -> PlatformRequest:
        if not frame or len(frame) > MOST_FRAME or not device.imei:
            raise WireError(LAYER, 0, "too long")
        thing, instance, resource = self.down.split("/")
        until = _at(now_ms + 1000 * max(60, min(life_s, LONGEST_S)))
        asked = {
            "imei": device.imei, "obj_id": thing, "obj_inst_id": instance, "mode": "1", "trigger_msg": "7",
            "expired_time": until.strftime("%Y-%m-%dT%H:%M:%S"),
        }  # fmt: skip
        body = json_body({"data": [{"res_id": int(resource), "type": 1, "val": frame.hex()}]})
        return self._request("POST", "/nbiot/offline", now_ms, asked, body)

    def read_command(self, answer: PlatformAnswer) -> str | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        data = told.get("data")
        item = str(data.get("uuid") or data.get("cmd_uuid") or "") if isinstance(data, dict) else ""
        return item[:128] or Declined("no uuid", is_final=False)

    def question(self, device: Device, item: str, now_ms: int) -> PlatformRequest:
        return self._request("GET", f"/nbiot/offline/history/{quote(item, safe='~')}", now_ms, {"imei": device.imei})

    def read_state(self, answer: PlatformAnswer) -> CommandState | Declined | None:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        data = told.get("data")
        return _state(data) if isinstance(data, dict) else None

    def cancellation(self, device: Device, item: str, now_ms: int) -> PlatformRequest | None:
        return self._request("PUT", f"/nbiot/offline/cancel/{quote(item, safe='~')}", now_ms, {"imei": device.imei})

    def read_cancelled(self, answer: PlatformAnswer) -> Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else None

    def history(self, device: Device, since_ms: int, until_ms: int, part: str, now_ms: int) -> PlatformRequest:
        stream = self.up.replace("/", "_")
        if self.user:
            asked = {
                "product_id": self.product, "device_name": device.device_id, "identifier": stream, "start_time": str(since_ms),
                "end_time": part or str(until_ms), "sort": "2", "limit": str(PAGE),
            }  # fmt: skip
            return self._request("GET", "/thingmodel/query-device-property-history", now_ms, asked)
        asked = {"datastream_id": stream, "start": _beijing(since_ms), "end": _beijing(until_ms), "limit": str(PAGE)}
        path = f"/devices/{quote(device.device_id, safe='~')}/datapoints"
        return self._request("GET", path, now_ms, asked | ({"cursor": part} if part else {}))

    def read_history(self, device: Device, answer: PlatformAnswer) -> History | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        data = told.get("data")
        if not isinstance(data, dict):
            return History(())
        if self.user:
            rows, instant = data.get("list"), "time"
        else:
            streams = data.get("datastreams")
            first = streams[0] if isinstance(streams, list) and streams else {}
            rows, instant = (first.get("datapoints") if isinstance(first, dict) else None), "at"
        found = []
        for row in rows if isinstance(rows, list) else []:
            try:
                if isinstance(row, dict):
                    at_ms = millis_of(row, instant) or _instant(row.get(instant))
                    found.append(Pushed(PushKind.UP, device, at_ms, hex_of(row.get("value"), LAYER, "value")))
            except WireError:
                continue
        if self.user:  # newest first: the next part ends before the oldest of this one
            is_more = isinstance(rows, list) and len(rows) >= PAGE and found
            return History(found, str(min(one.at_ms for one in found) - 1) if is_more else "")
        cursor = data.get("cursor")
        return History(found, str(cursor)[:128] if cursor and found else "")


def _state(told: Mapping[str, object]) -> CommandState | None:
    """``send_status`` and, once the device has answered, ``confirm_status`` (0: carried out)."""
    sent, confirmed = told.get("send_status"), told.get("confirm_status")
    state = SEND_STATES.get(int(str(sent))) if str(sent).isdigit() and len(str(sent)) < 4 else None
    return S.DONE if state is S.DELIVERED and str(confirmed) == "0" else state


def _result(answer: PlatformAnswer) -> Mapping[str, object] | Declined:
    """Classic says ``errno``, the successor ``code``."""
    told = answer_of(answer, LAYER)
    if isinstance(told, Declined):
        return told
    code = told.get("errno", told.get("code"))
    if code in (0, "0"):
        return told
    return declined(code if code is not None else f"HTTP {answer.status}", told.get("error") or told.get("msg"))


def _at(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC).astimezone(BEIJING) + timedelta(milliseconds=at_ms)


def _beijing(at_ms: int) -> str:
    return _at(at_ms).strftime("%Y-%m-%dT%H:%M:%S")


def _instant(text: object) -> int:
    """ms since 1970 of ``2018-01-01 12:00:00.123`` in Beijing; 0 for anything else."""
    try:
        found = datetime.strptime(str(text)[:23], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=BEIJING)
    except ValueError:
        return 0
    return max(int(found.timestamp()) * 1000 + found.microsecond // 1000, 0)
