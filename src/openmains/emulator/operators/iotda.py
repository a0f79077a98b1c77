# SPDX-License-Identifier: Apache-2.0
"""Huawei Cloud IoTDA (v5) as its API reference describes it: a product whose codec plug-in is opaque. Calls are looked at as the real one
does –
the signature of the canonical request, plain or derived –, written from the documents and not from our codec. A push that fails is kept, and
after ten failures the receiver is on the black list for three minutes."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from openmains.emulator.operators.platform import Cloud, Held, Module, Push

PENDING, SENT, DELIVERED, SUCCESSFUL, EXPIRED = "PENDING", "SENT", "DELIVERED", "SUCCESSFUL", "EXPIRED"
CLOCK_S = 900
Reply = tuple[int, bytes]


@dataclass
class EmulatedIotda(Cloud):
    """One product."""

    project: str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    product: str = "5f111a5a29c62ac7edc88828"
    access_key: str = "HPUA0ABCDEFGHIJKLMNO"
    secret_key: str = "sk-of-nobody-at-all"  # noqa: S105
    token: str = "push-token"  # noqa: S105
    region: str = "cn-north-4"

    def settings(self, base_url: str, push_base: str) -> dict[str, str]:
        """As a utility fills them in."""
        return {
            "base_url": base_url, "project": self.project, "product": self.product, "region": self.region, "push_base": push_base,
        }  # fmt: skip

    def secrets(self) -> dict[str, str]:
        return {"access_key": self.access_key, "secret_key": self.secret_key, "token": self.token}

    # what is asked of it

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The reply; None: none came, though the call was carried out."""
        if self.mischief.busy:
            self.mischief.busy -= 1
            return 429, _json({"error_code": "IOTDA.000006", "error_msg": "too many requests"})
        said = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(url)
        if not self._is_signed(method, parts.path, parts.query, said, body):
            return 401, _json(
                {
                    "error_code": "APIGW.0301",
                    "error_msg": "Incorrect IAM authentication information: verify aksk signature fail",
                }
            )
        prefix = f"/v5/iot/{self.project}"
        if not parts.path.startswith(prefix):
            return 403, _json({"error_code": "IOTDA.000004", "error_msg": "Invalid access token."})
        given = json.loads(body) if body else {}
        reply = self._do(method, parts.path[len(prefix) :], dict(parse_qsl(parts.query)), given)
        if self.mischief.silent:
            self.mischief.silent -= 1
            return None
        return reply

    def _is_signed(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            scheme, _, rest = headers["authorization"].partition(" ")
            told = dict(part.split("=", 1) for part in rest.split(", "))
            names = told["SignedHeaders"].split(";")
            date = headers["x-sdk-date"]
            at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except (KeyError, ValueError):
            return False
        if abs(at - self.now_s()) > CLOCK_S or not {"host", "x-sdk-date"} <= set(names):
            return False
        path = path if path.endswith("/") else path + "/"
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
        lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names)
        text = f"{method}\n{path}\n{asked}\n{lines}\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self.region:
            info = f"{date[:8]}/{self.region}/iotdm"
            if scheme != "V11-HMAC-SHA256" or told.get("Credential") != f"{self.access_key}/{info}":
                return False
            prk = hmac.new(self.access_key.encode(), self.secret_key.encode(), hashlib.sha256).digest()
            key = hmac.new(prk, info.encode() + bytes([1]), hashlib.sha256).hexdigest()
            signed = f"{scheme}\n{date}\n{info}\n{digest}"
        else:
            if scheme != "SDK-HMAC-SHA256" or told.get("Access") != self.access_key:
                return False
            key, signed = self.secret_key, f"{scheme}\n{date}\n{digest}"
        right = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(right, told.get("Signature", ""))

    def _do(self, method: str, path: str, query: Mapping[str, str], given: Mapping[str, Any]) -> Reply:
        match method, path.strip("/").split("/"):
            case "GET", ["devices"]:
                wanted = query.get("node_id")
                found = [_row(one) for one in self.modules.values() if wanted in (None, one.imei)]
                return 200, _json({"devices": found, "page": {"count": len(found), "marker": ""}})
            case "POST", ["devices"]:
                return self._create(given)
            case "POST", ["devices", device_id, "async-commands"]:
                return self._command(device_id, given)
            case "GET", ["devices", device_id, "async-commands", item]:
                held = self.held.get(item)
                if held is None or held.device_id != device_id:
                    return 404, _json({"error_code": "IOTDA.014111", "error_msg": "The command does not exist."})
                return 200, _json({"device_id": device_id, "command_id": item, "status": held.state})
            case "GET", ["devices", device_id, "shadow"]:
                return self._shadow(device_id)
        return 404, _json(
            {"error_code": "APIGW.0101", "error_msg": "The API does not exist or has not been published."}
        )

    def _create(self, given: Mapping[str, Any]) -> Reply:
        if given.get("product_id") != self.product:
            return 404, _json({"error_code": "IOTDA.014000", "error_msg": "The product does not exist."})
        imei = given["node_id"]
        if self.of_imei(imei) is not None:
            return 400, _json({"error_code": "IOTDA.014016", "error_msg": "The device already exists."})
        module = Module(f"{self.product}_{imei}", imei)
        self.modules[module.device_id] = module
        return 201, _json(_row(module) | {"status": "INACTIVE", "auth_info": {"auth_type": "SECRET"}})

    def _command(self, device_id: str, given: Mapping[str, Any]) -> Reply:
        module = self.modules.get(device_id)
        if module is None:
            return 404, _json({"error_code": "IOTDA.014000", "error_msg": "The device does not exist."})
        if (
            not 1 <= given["expire_time"] <= 172_800
            or given["send_strategy"] != "delay"
            or given["service_id"] != "Raw"
        ):
            return 400, _json({"error_code": "IOTDA.000006", "error_msg": "Invalid input data."})
        now = self.now_s()
        item = str(uuid.uuid5(uuid.NAMESPACE_OID, self.next_item()))
        self.held[item] = Held(
            item, device_id, bytes.fromhex(given["paras"]["data"]), now, now + given["expire_time"], PENDING
        )
        return 200, _json({"device_id": device_id, "command_id": item, "status": PENDING, "send_strategy": "delay"})

    def _shadow(self, device_id: str) -> Reply:
        module = self.modules.get(device_id)
        if module is None or not module.history:
            return 200, _json({"device_id": device_id, "shadow": []})
        at_ms, data = module.history[-1]
        reported = {"properties": {"data": data.hex()}, "event_time": _stamp(at_ms)}
        return 200, _json(
            {"device_id": device_id, "shadow": [{"service_id": "Raw", "reported": reported, "version": 1}]}
        )

    # what modules do

    def adopt(self, imei: str) -> None:
        """A device that somebody else made."""
        self._create({"product_id": self.product, "node_id": imei})

    def uplink(self, imei: str, payload: bytes) -> None:
        """A module says something: the plug-in makes a property of it, it is pushed, and one command goes down."""
        module = self.there(imei)
        if not module.is_online:
            self.arrive(imei)
        at_ms = int(self.now_s()) * 1000  # the platform's stamps are whole seconds
        if module.history and module.history[-1][0] >= at_ms:
            at_ms = module.history[-1][0] + 1000
        module.history.append((at_ms, payload))
        service = {"service_id": "Raw", "properties": {"data": payload.hex()}, "event_time": _stamp(at_ms)}
        self.say(self._push("device.property", "report", module, {"services": [service]}))
        self._hand_down(module)

    def _presence(self, imei: str, is_online: bool) -> None:
        module = self.there(imei)
        module.is_online = is_online
        self.say(self._push("device.status", "update", module, {"status": "ONLINE" if is_online else "OFFLINE"}))

    def _hand_down(self, module: Module) -> None:
        self.expire()
        for held in list(self.held.values()):
            if held.device_id == module.device_id and held.state == PENDING:
                for state in (SENT, DELIVERED):
                    held.state = state
                    self._result(held)
                self.deliver(module.imei, held.frame)

    def expire(self) -> None:
        """What waited too long is taken away."""
        for held in self.held.values():
            if held.state == PENDING and held.expires_s <= self.now_s():
                held.state = EXPIRED
                self._result(held)

    def _result(self, held: Held) -> None:
        told = {
            "command_id": held.item,
            "status": held.state,
            "result": None,
            "created_time": _stamp(int(held.created_s * 1000)),
        }
        self.say(self._push("device.command.status", "update", self.modules[held.device_id], told), is_result=True)

    def _push(self, resource: str, event: str, module: Module, inner: Mapping[str, Any]) -> Push:
        now_ms = int(self.now_s() * 1000)
        header = {
            "app_id": "8d4a34e5363a49bfa809c6bd788e6ffa", "device_id": module.device_id, "node_id": module.imei,
            "product_id": self.product, "gateway_id": module.device_id, "tags": [],
        }  # fmt: skip
        told = {
            "resource": resource,
            "event": event,
            "event_time": _stamp(now_ms),
            "notify_data": {"header": header, "body": inner},
        }
        self.count += 1
        timestamp, nonce = str(now_ms), f"nonce{self.count}"
        sign = hashlib.sha256("".join(sorted([self.token, timestamp, nonce])).encode()).hexdigest()
        headers = {"Content-Type": "application/json", "timestamp": timestamp, "nonce": nonce, "signature": sign}
        return Push(_json(told), headers)


def _row(module: Module) -> dict[str, Any]:
    return {
        "device_id": module.device_id,
        "node_id": module.imei,
        "status": "ONLINE" if module.is_online else "OFFLINE",
    }


def _stamp(at_ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).strftime("%Y%m%dT%H%M%SZ")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
