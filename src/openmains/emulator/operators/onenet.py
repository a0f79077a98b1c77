# SPDX-License-Identifier: Apache-2.0
"""OneNET as its public documents describe it: the classic NB-IoT API, and its successor (Studio) where ``user`` is set. Keys and tokens are
looked at, written from the documents and not from our codec."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from openmains.emulator.operators.platform import Cloud, Held, Module, Push

WAIT, CANCELLED, SENT, EXPIRED, OK, FAILED = "1", "2", "3", "4", "5", "6"
STREAM = "19_0_0"
BEIJING = timezone(timedelta(hours=8))
Reply = tuple[int, bytes]


@dataclass
class EmulatedOnenet(Cloud):
    """One product."""

    product: str = "C6z4Zk012B"
    api_key: str = "master-key-of-nobody="
    token: str = "tokenOfThePush"  # noqa: S105
    user: str = ""
    access_key: str = field(default_factory=lambda: base64.b64encode(b"access key of nobody at all").decode())

    def settings(self, base_url: str, push_base: str) -> dict[str, str]:
        """As a utility fills them in."""
        more = {"user": self.user} if self.user else {}
        return {"product": self.product, "base_url": base_url, "push_base": push_base, **more}

    def secrets(self) -> dict[str, str]:
        return {
            "access_key" if self.user else "api_key": self.access_key if self.user else self.api_key,
            "token": self.token,
        }

    # what is asked of it

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The reply; None: none came, though the call was carried out."""
        if self.mischief.busy:
            self.mischief.busy -= 1
            return 503, b"busy"
        said = {name.lower(): value for name, value in headers.items()}
        if not self._is_let_in(said):
            return 200, self._told(401 if self.user else 3, "auth failed")
        parts = urlsplit(url)
        given = json.loads(body) if body else {}
        code, text, data = self._do(method, parts.path.strip("/").split("/"), dict(parse_qsl(parts.query)), given)
        if self.mischief.silent:
            self.mischief.silent -= 1
            return None
        return 200, self._told(code, text, data)

    def _is_let_in(self, headers: Mapping[str, str]) -> bool:
        if not self.user:
            return headers.get("api-key") == self.api_key
        told = {
            name: unquote(value)
            for name, _, value in (part.partition("=") for part in headers.get("authorization", "").split("&"))
        }
        if (
            told.get("res") != f"userid/{self.user}"
            or not told.get("et", "").isdigit()
            or int(told["et"]) < self.now_s()
        ):
            return False
        text = "\n".join([told["et"], told.get("method", ""), told["res"], told.get("version", "")])
        right = hmac.new(base64.b64decode(self.access_key), text.encode(), told.get("method", "")).digest()
        return hmac.compare_digest(base64.b64encode(right).decode(), told.get("sign", ""))

    def _told(self, code: int, text: str, data: object = None) -> bytes:
        if self.user:
            return _json({"code": code, "msg": text, "request_id": "a1", "data": data})
        return _json({"errno": code, "error": text, "data": data})

    def _do(
        self, method: str, path: list[str], query: Mapping[str, str], given: Mapping[str, Any]
    ) -> tuple[int, str, Any]:
        offline = [part.replace("nb-iot", "nbiot") for part in path]
        match method, offline:
            case "GET", ["product", "detail"] if self.user:
                return (
                    (0, "succ", {"pid": self.product})
                    if query["product_id"] == self.product
                    else (10403, "no product", None)
                )
            case "GET", ["devices"] if not self.user:
                return 0, "succ", {"total_count": len(self.modules), "devices": []}
            case "POST", ["devices"] if not self.user:
                return self._create(next(iter(given["auth_info"])))
            case "POST", ["device", "create"] if self.user:
                return self._create(given["imei"])
            case "GET", ["devices", "getbyimei"] if not self.user:
                found = self.of_imei(query["imei"])
                return (3, "device not exists", None) if found is None else (0, "succ", {"id": found.device_id})
            case "GET", ["device", "detail"] if self.user:
                found = self.modules.get(query["device_name"])
                return (
                    (10410, "device not exists", None)
                    if found is None
                    else (0, "succ", {"name": found.device_id, "imei": found.imei})
                )
            case "POST", ["nbiot", "offline"]:
                return self._command(query, given)
            case "GET", ["nbiot", "offline", "history", item]:
                held = self.held.get(item)
                if held is None or self.modules[held.device_id].imei != query["imei"]:
                    return 3, "command not exists", None
                return 0, "succ", {"uuid": item, "send_status": int(held.state), "confirm_status": None}
            case "PUT", ["nbiot", "offline", "cancel", item]:
                held = self.held.get(item)
                if held is None or held.state != WAIT:
                    return 3, "command is not waiting", None
                held.state = CANCELLED
                return 0, "succ", None
            case "GET", ["devices", device_id, "datapoints"] if not self.user:
                return self._points(device_id, query)
            case "GET", ["thingmodel", "query-device-property-history"] if self.user:
                return self._properties(query)
        return 404, "not found", None

    def _create(self, imei: str) -> tuple[int, str, Any]:
        if self.of_imei(imei) is not None:
            return 6, "device already exists", None
        device_id = imei if self.user else str(500_000_000 + len(self.modules))
        self.modules[device_id] = Module(device_id, imei)
        return 0, "succ", {"name": device_id, "did": "77"} if self.user else {"device_id": device_id}

    def _command(self, query: Mapping[str, str], given: Mapping[str, Any]) -> tuple[int, str, Any]:
        module = self.of_imei(query["imei"])
        if module is None:
            return 3, "device not exists", None
        until = _instant(query["expired_time"])
        (one,) = given["data"]
        if until <= self.now_s() or (query["obj_id"], query["obj_inst_id"], one["res_id"]) != ("19", "1", 0):
            return 3, "invalid parameter", None
        item = str(uuid.uuid5(uuid.NAMESPACE_OID, self.next_item()))
        self.held[item] = Held(item, module.device_id, bytes.fromhex(one["val"]), self.now_s(), until, WAIT)
        return 0, "succ", {"uuid": item}

    def _points(self, device_id: str, query: Mapping[str, str]) -> tuple[int, str, Any]:
        module = self.modules.get(device_id)
        if module is None or query["datastream_id"] != STREAM:
            return 3, "device not exists", None
        since, until = (_instant(query[name]) * 1000 for name in ("start", "end"))
        rows = [(at, data) for at, data in module.history if since <= at <= until + 999]
        first = int(query.get("cursor", 0))
        shown = rows[first : first + int(query["limit"])]
        points = [{"at": _beijing(at), "value": data.hex()} for at, data in shown]
        more = {"cursor": str(first + len(shown))} if first + len(shown) < len(rows) else {}
        return (
            0,
            "succ",
            {"count": len(shown), "datastreams": [{"id": STREAM, "datapoints": points}] if points else [], **more},
        )

    def _properties(self, query: Mapping[str, str]) -> tuple[int, str, Any]:
        module = self.modules.get(query["device_name"])
        if module is None or query["identifier"] != STREAM:
            return 10410, "device not exists", None
        rows = [(at, data) for at, data in module.history if int(query["start_time"]) <= at <= int(query["end_time"])]
        shown = sorted(rows, reverse=True)[: int(query["limit"])]
        return 0, "succ", {"list": [{"time": str(at), "value": data.hex()} for at, data in shown]}

    # what modules do

    def adopt(self, imei: str) -> None:
        """A device that somebody else made."""
        self._create(imei)

    def uplink(self, imei: str, payload: bytes) -> None:
        """A module says something: it is pushed, and what waits for it goes down."""
        module = self.there(imei)
        if not module.is_online:
            self.arrive(imei)
        at_ms = int(self.now_s() * 1000)
        if module.history and module.history[-1][0] >= at_ms:
            at_ms = module.history[-1][0] + 1
        module.history.append((at_ms, payload))
        if self.user:
            point = {"time": at_ms, "value": payload.hex()}
            data = {"id": str(at_ms), "version": "1.0", "params": {STREAM: point}}
            self._say(module, {"messageType": "notify", "notifyType": "property", "imei": module.imei, "data": data})
        else:
            self._say(module, {"at": at_ms, "type": 1, "ds_id": STREAM, "value": payload.hex()})
        self._hand_down(module)

    def _presence(self, imei: str, is_online: bool) -> None:
        module, at_ms = self.there(imei), int(self.now_s() * 1000)
        module.is_online = is_online
        if self.user:
            data = {"status": "online" if is_online else "offline", "time": at_ms}
            self._say(module, {"messageType": "lifeCycle", "data": data})
        else:
            self._say(module, {"at": at_ms, "type": 2, "login_type": 10, "status": int(is_online)})

    def _hand_down(self, module: Module) -> None:
        self.expire()
        for held in list(self.held.values()):
            if held.device_id == module.device_id and held.state == WAIT:
                for state in (SENT, OK):
                    held.state = state
                    self._result(held)
                self.deliver(module.imei, held.frame)

    def expire(self) -> None:
        """What waited too long is taken away."""
        for held in self.held.values():
            if held.state == WAIT and held.expires_s <= self.now_s():
                held.state = EXPIRED
                self._result(held)

    def _result(self, held: Held) -> None:
        """The successor pushes none."""
        if not self.user:
            told = {"at": int(self.now_s() * 1000), "type": 7, "cmd_id": held.item, "send_status": int(held.state)}
            self._say(self.modules[held.device_id], told, is_result=True)

    def _say(self, module: Module, told: Mapping[str, Any], *, is_result: bool = False) -> None:
        self.count += 1
        nonce = f"n{self.count}"
        if self.user:
            text = _json({"productId": self.product, "deviceId": 77, "deviceName": module.device_id, **told}).decode()
            body = _json(
                {
                    "msg": text,
                    "nonce": nonce,
                    "signature": self._sign(nonce, text),
                    "time": int(self.now_s() * 1000),
                    "id": nonce,
                }
            )
        else:
            text = json.dumps(
                {"imei": module.imei, "dev_id": int(module.device_id), **told}
            )  # with its spaces: what is signed is what is sent
            body = f'{{"msg":{text},"msg_signature":"{self._sign(nonce, text)}","nonce":"{nonce}"}}'.encode()
        self.say(Push(body, {"Content-Type": "application/json"}), is_result=is_result)

    def _sign(self, nonce: str, text: str) -> str:
        digest = hashlib.md5(f"{self.token}{nonce}{text}".encode(), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()


def _instant(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=BEIJING).timestamp()


def _beijing(at_ms: int) -> str:
    return (datetime(1970, 1, 1, 8, tzinfo=BEIJING) + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%d %H:%M:%S.%f")[
        :-3
    ]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
