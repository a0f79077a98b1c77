# SPDX-License-Identifier: Apache-2.0
"""China Telecom's CTWing (AEP), products of LwM2M with opaque payloads (透传), by its public API documents.

Calls are signed: HMAC-SHA1 by the application's secret over ``application``, ``timestamp`` and all parameters by name, a line each, then
the body; timestamp in ms, and theirs is not far from ours. Pushes are not signed at all, in any document that we found: what proves one is the
secret in the address that it was subscribed with (``token``), which nobody knows but the platform and us, over TLS.

    dataReport                  ``payload.APPdata``: base64 of what the module sent to /19/0/0
    deviceOnlineOfflineReport   ``eventType`` 1 came, 0 went
    commandResponse             ``taskId``: the command's name; ``result.resultCode``: how it stands
    eventReport, dataReportTupUnion and others: of products with a thing model; nothing follows from them

A command is cached for ``ttl`` s (0 … 864,000) and pushed to /19/1/0 when the device is heard.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from openmains.wire.errors import WireError
from openmains.wire.operators.model import (
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
    base64_of,
    declined,
    imei_of,
    json_body,
    millis_of,
    object_of,
    part_of,
    word_of,
)

LAYER: Final = "ctwing"
BASE_URL: Final = "https://ag-api.ctwing.cn"
LONGEST_S: Final = 864_000  # a command waits there at most
PAGE: Final = 40
MOST_FRAME: Final = 1024
S = CommandState
PUSHED_STATES: Final[Mapping[str, CommandState]] = {
    "SAVED": S.SAVED, "PENDING": S.SAVED, "SENT": S.SENT, "DELIVERED": S.DELIVERED, "SUCCESSFUL": S.DONE, "COMPLETED": S.DONE,
    "FAILED": S.FAILED, "TIMEOUT": S.FAILED, "EXPIRED": S.EXPIRED, "CANCELED": S.CANCELLED, "CANCELLED": S.CANCELLED,
}  # fmt: skip
"""``resultCode`` of a commandResponse."""
ASKED_STATES: Final[Mapping[str, CommandState]] = {
    "指令已保存": S.SAVED, "指令已发送": S.SENT, "指令已送达": S.DELIVERED, "指令已完成": S.DONE, "指令已取消": S.CANCELLED,
    "指令发送失败": S.FAILED, "指令已超时": S.FAILED, "指令已过期": S.EXPIRED,
}  # fmt: skip
"""``commandStatus`` of an answer; the last two are not in the documents, and told so by people."""
_VERSIONS: Final = {
    ("GET", "/aep_device_management/devices"): "20190507012134",
    ("POST", "/aep_device_management/device"): "20181031202117",
    ("POST", "/aep_device_command/command"): "20190712225145",
    ("GET", "/aep_device_command/command"): "20190712225241",
    ("PUT", "/aep_device_command/cancelCommand"): "20190615023142",
    ("POST", "/aep_device_status/getDeviceStatusHisInPage"): "20190928013337",
}


def signature_of(application: str, secret: str, timestamp: str, parameters: Mapping[str, str], body: bytes) -> str:
    """Of a call; ``parameters``: of the query, and MasterKey where it is sent."""
    lines = [f"application:{application}", f"timestamp:{timestamp}"]
    lines += [f"{name}:{parameters[name]}" for name in sorted(parameters)]
    text = "".join(f"{line}\n" for line in lines).encode() + (body + b"\n" if body else b"")
    return base64.b64encode(hmac.digest(secret.encode(), text, hashlib.sha1)).decode("ascii")


@dataclass(frozen=True, slots=True)
class Ctwing:
    """A product of an application. ``token``: secret of the address that pushes come to."""

    application: str
    app_secret: str
    product: str
    master_key: str
    token: str
    base_url: str = BASE_URL

    def heard_untrusted(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now_ms: int
    ) -> list[Pushed]:
        del headers, now_ms  # nothing is said in them that could be trusted
        self._prove(query)
        told = object_of(body, LAYER)
        return [self._pushed(told)]

    def checked_untrusted(self, query: Mapping[str, str]) -> bytes:
        self._prove(query)
        return b"ok"

    def _prove(self, query: Mapping[str, str]) -> None:
        if not self.token or not hmac.compare_digest(query.get("token", "").encode(), self.token.encode()):
            raise BadSignatureError("token")

    def _pushed(self, told: Mapping[str, object]) -> Pushed:
        product = word_of(told, "productId", LAYER)
        if product and product != self.product:
            raise WireError(LAYER, 0, "another product")
        device = Device(imei_of(word_of(told, "IMEI", LAYER)), word_of(told, "deviceId", LAYER))
        if not device.device_id:
            raise WireError(LAYER, 0, "deviceId")
        at_ms, kind = millis_of(told, "timestamp"), word_of(told, "messageType", LAYER)
        if kind == "dataReport":
            payload = part_of(told, "payload", LAYER)
            if "APPdata" not in payload:  # a product with a thing model: its values are no frame of the meter
                raise WireError(LAYER, 0, "no APPdata")
            return Pushed(PushKind.UP, device, at_ms, base64_of(payload["APPdata"], LAYER, "APPdata"))
        if kind == "deviceOnlineOfflineReport":
            came = {"1": PushKind.ONLINE, "0": PushKind.OFFLINE}.get(word_of(told, "eventType", LAYER))
            if came is None:
                raise WireError(LAYER, 0, "eventType")
            return Pushed(came, device, at_ms)
        if kind == "commandResponse":
            item = word_of(told, "taskId", LAYER)
            if not item:
                raise WireError(LAYER, 0, "taskId")
            code = word_of(part_of(told, "result", LAYER), "resultCode", LAYER)
            return Pushed(PushKind.COMMAND, device, at_ms, item=item, state=PUSHED_STATES.get(code))
        return Pushed(PushKind.OTHER, device, at_ms)

    def _request(
        self, method: str, path: str, now_ms: int, query: Mapping[str, str] | None = None, body: bytes = b"",
        *, with_key: bool = True,
    ) -> PlatformRequest:  # fmt: skip
        said = dict(query or {})
        key = {"MasterKey": self.master_key} if with_key else {}
        sign = signature_of(self.application, self.app_secret, str(now_ms), said | key, body)
        headers = {
            "application": self.application, "timestamp": str(now_ms), "version": _VERSIONS[method, path], "signature": sign,
            "Content-Type": "application/json; charset=UTF-8", **key,
        }  # fmt: skip
        url = self.base_url.rstrip("/") + path + (f"?{urlencode(said)}" if said else "")
        return PlatformRequest(method, url, headers, body)

    def trial(self, now_ms: int) -> PlatformRequest:
        asked = {"productId": self.product, "pageNow": "1", "pageSize": "1"}
        return self._request("GET", "/aep_device_management/devices", now_ms, asked)

    def read_trial(self, answer: PlatformAnswer) -> Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else None

    def creation(self, imei: str, name: str, now_ms: int) -> PlatformRequest:
        wanted = {
            "deviceName": name, "deviceSn": "", "imei": imei, "operator": "openmains", "productId": int(self.product),
            "other": {"autoObserver": 0, "imsi": "", "pskValue": ""},
        }  # fmt: skip
        return self._request("POST", "/aep_device_management/device", now_ms, body=json_body(wanted))

    def read_created(self, imei: str, answer: PlatformAnswer) -> Device | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        return _named(told.get("result"), imei) or Declined("no deviceId", is_final=False)

    def search(self, imei: str, now_ms: int) -> PlatformRequest:
        asked = {"productId": self.product, "searchValue": imei, "pageNow": "1", "pageSize": "10"}
        return self._request("GET", "/aep_device_management/devices", now_ms, asked)

    def read_found(self, imei: str, answer: PlatformAnswer) -> Device | Declined | None:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        result = told.get("result")
        rows = result.get("list") if isinstance(result, dict) else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and str(row.get("imei") or row.get("imeiCode") or "") == imei:
                return _named(row, imei)
        return None

    def command(self, device: Device, frame: bytes, life_s: int, now_ms: int) -> PlatformRequest:
        if not frame or len(frame) > MOST_FRAME:
            raise WireError(LAYER, 0, "too long")
        wanted = {
            "content": {"dataType": 2, "payload": frame.hex().upper()}, "deviceId": device.device_id, "operator": "openmains",
            "productId": int(self.product), "ttl": max(0, min(life_s, LONGEST_S)), "level": 1,
        }  # fmt: skip
        return self._request("POST", "/aep_device_command/command", now_ms, body=json_body(wanted))

    def read_command(self, answer: PlatformAnswer) -> str | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        result = told.get("result")
        item = str(result.get("commandId") or "") if isinstance(result, dict) else ""
        return item[:128] or Declined("no commandId", is_final=False)

    def question(self, device: Device, item: str, now_ms: int) -> PlatformRequest:
        asked = {"commandId": item, "productId": self.product, "deviceId": device.device_id}
        return self._request("GET", "/aep_device_command/command", now_ms, asked)

    def read_state(self, answer: PlatformAnswer) -> CommandState | Declined | None:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        result = told.get("result")
        return ASKED_STATES.get(str(result.get("commandStatus"))) if isinstance(result, dict) else None

    def cancellation(self, device: Device, item: str, now_ms: int) -> PlatformRequest | None:
        wanted = {"commandId": item, "deviceId": device.device_id, "productId": int(self.product)}
        return self._request("PUT", "/aep_device_command/cancelCommand", now_ms, body=json_body(wanted))

    def read_cancelled(self, answer: PlatformAnswer) -> Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else None

    def history(self, device: Device, since_ms: int, until_ms: int, part: str, now_ms: int) -> PlatformRequest:
        wanted = {
            "productId": self.product, "deviceId": device.device_id, "begin_timestamp": str(since_ms),
            "end_timestamp": str(until_ms), "page_size": PAGE, **({"page_timestamp": part} if part else {}),
        }  # fmt: skip
        path = "/aep_device_status/getDeviceStatusHisInPage"
        return self._request("POST", path, now_ms, body=json_body(wanted), with_key=False)

    def read_history(self, device: Device, answer: PlatformAnswer) -> History | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        rows = told.get("deviceStatusList")
        found = []
        for row in rows if isinstance(rows, list) else []:
            try:
                if isinstance(row, dict) and "APPdata" in row:
                    data = base64_of(row["APPdata"], LAYER, "APPdata")
                    found.append(Pushed(PushKind.UP, device, millis_of(row, "timestamp"), data))
            except WireError:
                continue  # the next ones are no worse for it
        following = told.get("page_timestamp")
        is_more = bool(found) and len(rows or ()) >= PAGE if isinstance(rows, list) else False
        return History(found, str(following)[:40] if following and is_more else "")


def _result(answer: PlatformAnswer) -> Mapping[str, object] | Declined:
    told = answer_of(answer, LAYER)
    if isinstance(told, Declined):
        return told
    code = told.get("code")
    if code in (0, "0"):
        return told
    return declined(code if code is not None else f"HTTP {answer.status}", told.get("msg") or told.get("desc"))


def _named(row: object, imei: str) -> Device | None:
    name = row.get("deviceId") if isinstance(row, dict) else None
    return Device(imei, name) if isinstance(name, str) and 0 < len(name) <= 128 else None
