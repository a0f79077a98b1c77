# SPDX-License-Identifier: Apache-2.0
"""Huawei Cloud IoTDA (v5), products of LwM2M, by its public API reference.

Calls are signed with an access key: ``SDK-HMAC-SHA256`` over the canonical request; standard and enterprise instances want the derived form
``V11-HMAC-SHA256`` of a region. A push with a token carries ``timestamp``, ``nonce`` and ``signature``, the SHA-256 of the three sorted and
joined: it proves who pushes and when, not what; the body is protected by TLS alone.

The platform hands every message of a module to a codec plug-in of the product, which makes properties of it. Ours is to be opaque: one service
with one property that holds the bytes in hexadecimal, and one command with one parameter that holds a frame.

    device.property report          ``services[].properties.<property>``: what the module sent to /19/0/0
    device.status update            ONLINE, OFFLINE
    device.command.status update    ``command_id``, ``status``: PENDING SENT DELIVERED SUCCESSFUL FAILED TIMEOUT EXPIRED

A command is cached (``delay``) for 1 … 172,800 s, one at a time to a device. None can be called back. Of the past only the newest message of a
device is kept (its shadow); pushes that failed are kept a day and said again.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from openmains.wire.errors import WireError
from openmains.wire.operators.model import (
    WINDOW_S,
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
    object_of,
    part_of,
    word_of,
)

LAYER: Final = "iotda"
LONGEST_S: Final = 172_800
MOST_FRAME: Final = 1024
SERVICE_NAME: Final = "iotdm"  # of the derived signature
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
S = CommandState
STATES: Final[Mapping[str, CommandState]] = {
    "PENDING": S.SAVED, "SENT": S.SENT, "DELIVERED": S.DELIVERED, "SUCCESSFUL": S.DONE, "FAILED": S.FAILED, "TIMEOUT": S.FAILED,
    "EXPIRED": S.EXPIRED,
}  # fmt: skip


def push_signature(token: str, timestamp: str, nonce: str) -> str:
    """Of a push."""
    return hashlib.sha256("".join(sorted([token, timestamp, nonce])).encode()).hexdigest()


def instant_of(text: str) -> int:
    """ms since 1970 of ``20151212T121212Z`` or ``2015-12-12T12:12:12.000Z``; 0 for anything else."""
    for form in ("%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return max(int(found.timestamp()) * 1000 + found.microsecond // 1000, 0)
    return 0


def authorization(
    access_key: str, secret_key: str, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Of a call; all ``headers`` are signed, ``Host`` and ``X-Sdk-Date`` among them. ``region`` "": not derived."""
    parts = urlsplit(url)
    path = "/".join(quote(part, safe="~") for part in parts.path.split("/"))
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    names = ";".join(sorted(lower))
    lines = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower))
    canonical = "\n".join(
        [method, path if path.endswith("/") else path + "/", query, lines, names, hashlib.sha256(body).hexdigest()]
    )
    digest, date = hashlib.sha256(canonical.encode()).hexdigest(), lower["x-sdk-date"]
    if not region:
        text = f"SDK-HMAC-SHA256\n{date}\n{digest}"
        sign = hmac.digest(secret_key.encode(), text.encode(), hashlib.sha256).hex()
        return f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={names}, Signature={sign}"
    info = f"{date[:8]}/{region}/{SERVICE_NAME}"
    key = derived_key(access_key, secret_key, info)
    sign = hmac.digest(key.encode(), f"V11-HMAC-SHA256\n{date}\n{info}\n{digest}".encode(), hashlib.sha256).hex()
    return f"V11-HMAC-SHA256 Credential={access_key}/{info}, SignedHeaders={names}, Signature={sign}"


def derived_key(access_key: str, secret_key: str, info: str) -> str:
    """HKDF-SHA256 (RFC 5869) of the secret key with the access key as salt; 32 bytes in hexadecimal."""
    extracted = hmac.digest(access_key.encode(), secret_key.encode(), hashlib.sha256)
    return hmac.digest(extracted, info.encode() + b"\x01", hashlib.sha256).hex()


@dataclass(frozen=True, slots=True)
class Iotda:
    """A product of a resource space. ``service``, ``data``, ``command_name``: of the product's model; ``data`` is the property upwards and the
    parameter downwards."""

    base_url: str
    project: str
    product: str
    access_key: str
    secret_key: str
    token: str
    region: str = ""
    instance: str = ""
    service: str = "Raw"
    data: str = "data"
    command_name: str = "Down"

    def heard_untrusted(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now_ms: int
    ) -> list[Pushed]:
        del query
        self._prove(headers, now_ms)
        told = object_of(body, LAYER)
        resource, event = word_of(told, "resource", LAYER), word_of(told, "event", LAYER)
        notified = part_of(told, "notify_data", LAYER)
        header, inner = part_of(notified, "header", LAYER), part_of(notified, "body", LAYER)
        device = Device(imei_of(word_of(header, "node_id", LAYER)), word_of(header, "device_id", LAYER))
        product = word_of(header, "product_id", LAYER)
        if product and product != self.product:
            raise WireError(LAYER, 0, "another product")
        if not device.device_id:
            raise WireError(LAYER, 0, "device_id")
        at_ms = instant_of(word_of(told, "event_time_ms", LAYER)) or instant_of(word_of(told, "event_time", LAYER))
        if (resource, event) == ("device.property", "report"):
            return self._reports(device, at_ms, inner)
        if (resource, event) == ("device.status", "update"):
            kind = PushKind.ONLINE if word_of(inner, "status", LAYER) == "ONLINE" else PushKind.OFFLINE
            return [Pushed(kind, device, at_ms)]
        if (
            resource in ("device.command.status", "device.commmad.status") and event == "update"
        ):  # as the guide spells it
            item = word_of(inner, "command_id", LAYER)
            if not item:
                raise WireError(LAYER, 0, "command_id")
            return [
                Pushed(PushKind.COMMAND, device, at_ms, item=item, state=STATES.get(word_of(inner, "status", LAYER)))
            ]
        return [Pushed(PushKind.OTHER, device, at_ms)]

    def checked_untrusted(self, query: Mapping[str, str]) -> bytes:
        del query
        raise BadSignatureError("signature")  # this platform tries no address

    def _prove(self, headers: Mapping[str, str], now_ms: int) -> None:
        timestamp, nonce = headers.get("timestamp", ""), headers.get("nonce", "")
        right = push_signature(self.token, timestamp, nonce)
        if not self.token or not hmac.compare_digest(headers.get("signature", "").lower().encode(), right.encode()):
            raise BadSignatureError("signature")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) in (10, 13)):
            raise BadSignatureError("stale")
        said_ms = int(timestamp) * (1000 if len(timestamp) == 10 else 1)
        if abs(said_ms - now_ms) > WINDOW_S * 1000:
            raise BadSignatureError("stale")

    def _reports(self, device: Device, at_ms: int, inner: Mapping[str, object]) -> list[Pushed]:
        services = inner.get("services")
        if not isinstance(services, list) or len(services) > 100:
            raise WireError(LAYER, 0, "services")
        found, others = [], 0
        for service in services:
            if not isinstance(service, dict):
                raise WireError(LAYER, 0, "services")
            properties = part_of(service, "properties", LAYER)
            if service.get("service_id") != self.service or self.data not in properties:
                others += 1
                continue
            said = instant_of(word_of(service, "event_time", LAYER)) or at_ms
            found.append(Pushed(PushKind.UP, device, said, hex_of(properties[self.data], LAYER, "data")))
        return found or [Pushed(PushKind.OTHER, device, at_ms)]

    def _request(self, method: str, path: str, now_ms: int, query: str = "", body: bytes = b"") -> PlatformRequest:
        url = f"{self.base_url.rstrip('/')}/v5/iot/{self.project}{path}" + (f"?{query}" if query else "")
        date = (EPOCH + timedelta(milliseconds=now_ms)).strftime("%Y%m%dT%H%M%SZ")
        signed = {"Host": urlsplit(url).netloc, "X-Sdk-Date": date, "Content-Type": "application/json"}
        if self.instance:
            signed["Instance-Id"] = self.instance
        sign = authorization(self.access_key, self.secret_key, self.region, method, url, signed, body)
        return PlatformRequest(method, url, {**signed, "Authorization": sign}, body)

    def trial(self, now_ms: int) -> PlatformRequest:
        return self._request("GET", "/devices", now_ms, f"limit=1&product_id={quote(self.product, safe='~')}")

    def read_trial(self, answer: PlatformAnswer) -> Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else None

    def creation(self, imei: str, name: str, now_ms: int) -> PlatformRequest:
        wanted = {"node_id": imei, "device_name": name, "product_id": self.product}
        return self._request("POST", "/devices", now_ms, body=json_body(wanted))

    def read_created(self, imei: str, answer: PlatformAnswer) -> Device | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        return _named(told, imei) or Declined("no device_id", is_final=False)

    def search(self, imei: str, now_ms: int) -> PlatformRequest:
        return self._request("GET", "/devices", now_ms, f"node_id={imei}&product_id={quote(self.product, safe='~')}")

    def read_found(self, imei: str, answer: PlatformAnswer) -> Device | Declined | None:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        rows = told.get("devices")
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and row.get("node_id") == imei:
                return _named(row, imei)
        return None

    def command(self, device: Device, frame: bytes, life_s: int, now_ms: int) -> PlatformRequest:
        if not frame or len(frame) > MOST_FRAME:
            raise WireError(LAYER, 0, "too long")
        wanted = {
            "service_id": self.service, "command_name": self.command_name, "paras": {self.data: frame.hex()},
            "expire_time": max(1, min(life_s, LONGEST_S)), "send_strategy": "delay",
        }  # fmt: skip
        return self._request("POST", f"/devices/{_quoted(device)}/async-commands", now_ms, body=json_body(wanted))

    def read_command(self, answer: PlatformAnswer) -> str | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        item = told.get("command_id")
        return item[:128] if isinstance(item, str) and item else Declined("no command_id", is_final=False)

    def question(self, device: Device, item: str, now_ms: int) -> PlatformRequest:
        return self._request("GET", f"/devices/{_quoted(device)}/async-commands/{quote(item, safe='~')}", now_ms)

    def read_state(self, answer: PlatformAnswer) -> CommandState | Declined | None:
        told = _result(answer)
        return told if isinstance(told, Declined) else STATES.get(str(told.get("status")))

    def cancellation(self, device: Device, item: str, now_ms: int) -> PlatformRequest | None:
        del device, item, now_ms
        return None

    def read_cancelled(self, answer: PlatformAnswer) -> Declined | None:
        del answer
        return Declined("not offered")

    def history(self, device: Device, since_ms: int, until_ms: int, part: str, now_ms: int) -> PlatformRequest:
        del since_ms, until_ms, part
        return self._request("GET", f"/devices/{_quoted(device)}/shadow", now_ms)

    def read_history(self, device: Device, answer: PlatformAnswer) -> History | Declined:
        told = _result(answer)
        if isinstance(told, Declined):
            return told
        shadow = told.get("shadow")
        found = []
        for one in shadow if isinstance(shadow, list) else []:
            try:
                if isinstance(one, dict) and one.get("service_id") == self.service:
                    reported = part_of(one, "reported", LAYER)
                    data = hex_of(part_of(reported, "properties", LAYER).get(self.data), LAYER, "data")
                    found.append(Pushed(PushKind.UP, device, instant_of(word_of(reported, "event_time", LAYER)), data))
            except WireError:
                continue
        return History(found)


def _quoted(device: Device) -> str:
    return quote(device.device_id, safe="~")


def _result(answer: PlatformAnswer) -> Mapping[str, object] | Declined:
    told = answer_of(answer, LAYER)
    if isinstance(told, Declined):
        return told
    if 200 <= answer.status < 300 and "error_code" not in told:
        return told
    return declined(told.get("error_code", f"HTTP {answer.status}"), told.get("error_msg"))


def _named(row: Mapping[str, object], imei: str) -> Device | None:
    name = row.get("device_id")
    return Device(imei, name) if isinstance(name, str) and 0 < len(name) <= 128 else None
