# SPDX-License-Identifier: Apache-2.0
"""CTWing (AEP) as its public API documents describe it: a product of LwM2M with opaque payloads. Calls are looked at as the real one does – the
signature over parameters and body, the clock –, written from the documents and not from our codec."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openmains.emulator.operators.platform import Cloud, Held, Module, Push

SAVED, SENT, DELIVERED, DONE, CANCELLED, FAILED = (
    "指令已保存", "指令已发送", "指令已送达", "指令已完成", "指令已取消", "指令发送失败",
)  # fmt: skip
EXPIRED = "指令已过期"
CLOCK_MS = 300_000
Reply = tuple[int, bytes]


@dataclass
class EmulatedCtwing(Cloud):
    """One product. ``push_query``: of the address that was subscribed."""

    application: str = "fjI4ORmV7d7"
    app_secret: str = "JA5Lf9g7Kh"  # noqa: S105 - of nobody
    product: str = "10087620"
    master_key: str = "b30d2e85500f4e2496f126438e2318f2"
    token: str = "a-token-of-the-subscription"  # noqa: S105

    def settings(self, base_url: str, push_base: str) -> dict[str, str]:
        """As a utility fills them in."""
        return {"application": self.application, "product": self.product, "push_base": push_base, "base_url": base_url}

    def secrets(self) -> dict[str, str]:
        return {"app_secret": self.app_secret, "master_key": self.master_key, "token": self.token}

    # what is asked of it

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The reply; None: none came, though the call was carried out."""
        if self.mischief.busy:
            self.mischief.busy -= 1
            return 503, b""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        said = {name.lower(): value for name, value in headers.items()}
        wrong = self._wrong(said, query, body, needs_key=not parts.path.startswith("/aep_device_status/"))
        if wrong:
            return 401, _json({"code": 401, "msg": wrong})
        given = json.loads(body) if body else {}
        reply = self._do(method, parts.path, query, given)
        if self.mischief.silent:
            self.mischief.silent -= 1
            return None
        return 200, _json(reply)

    def _wrong(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, *, needs_key: bool) -> str:
        timestamp = headers.get("timestamp", "")
        if headers.get("application") != self.application or not timestamp.isdigit() or not headers.get("version"):
            return "Unauthorized"
        if abs(int(timestamp) - self.now_s() * 1000) > CLOCK_MS:
            return "timestamp is expired"
        named = dict(query)
        if needs_key:
            if headers.get("masterkey") != self.master_key:
                return "MasterKey is wrong"
            named["MasterKey"] = headers["masterkey"]
        text = f"application:{self.application}\ntimestamp:{timestamp}\n"
        text += "".join(f"{name}:{named[name]}\n" for name in sorted(named))
        signed = text.encode() + (body + b"\n" if body else b"")
        mac = base64.b64encode(hmac.new(self.app_secret.encode(), signed, hashlib.sha1).digest()).decode()
        return "" if hmac.compare_digest(mac, headers.get("signature", "")) else "signature is wrong"

    def _do(self, method: str, path: str, query: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
        product = str(query.get("productId") or given.get("productId"))
        if product != self.product:
            return {"code": 1000, "msg": "product not found", "result": None}
        match method, path:
            case "GET", "/aep_device_management/devices":
                found = [
                    one
                    for one in self.modules.values()
                    if query.get("searchValue", "") in ("", one.imei, one.device_id)
                ]
                rows = [
                    {"deviceId": one.device_id, "imei": one.imei, "deviceStatus": int(one.is_online)} for one in found
                ]
                return {
                    "code": 0,
                    "msg": "ok",
                    "result": {"pageNum": 1, "pageSize": 10, "total": len(rows), "list": rows},
                }
            case "POST", "/aep_device_management/device":
                return self._create(given)
            case "POST", "/aep_device_command/command":
                return self._command(given)
            case "GET", "/aep_device_command/command":
                held = self.held.get(query.get("commandId", ""))
                if held is None or held.device_id != query.get("deviceId"):
                    return {"code": 1401, "msg": "command not found", "result": None}
                return {"code": 0, "msg": "ok", "result": {"commandId": held.item, "commandStatus": held.state}}
            case "PUT", "/aep_device_command/cancelCommand":
                held = self.held.get(given.get("commandId", ""))
                if held is None or held.state != SAVED:
                    return {"code": -1, "msg": "指令取消失败，服务端响应错误", "result": None}
                held.state = CANCELLED
                return {"code": 0, "msg": "指令取消成功", "result": None}
            case "POST", "/aep_device_status/getDeviceStatusHisInPage":
                return self._history(given)
        return {"code": 404, "msg": "Api not found"}

    def _create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        imei = str(given["imei"])
        if self.of_imei(imei) is not None:
            return {"code": 1306, "msg": "设备已存在", "result": None}
        device_id = hashlib.md5(imei.encode(), usedforsecurity=False).hexdigest()
        self.modules[device_id] = Module(device_id, imei)
        return {
            "code": 0,
            "msg": "ok",
            "result": {"deviceId": device_id, "deviceName": given["deviceName"], "productId": int(self.product)},
        }

    def _command(self, given: Mapping[str, Any]) -> dict[str, Any]:
        module = self.modules.get(given.get("deviceId", ""))
        ttl = given.get("ttl", 7200)
        if module is None or not 0 <= ttl <= 864_000 or given["content"]["dataType"] != 2:
            return {"code": 1410, "msg": "device not found" if module is None else "parameter error", "result": None}
        frame = bytes.fromhex(given["content"]["payload"])
        now = self.now_s()
        held = Held(self.next_item(), module.device_id, frame, now, now + ttl, SAVED)
        self.held[held.item] = held
        return {
            "code": 0,
            "msg": "ok",
            "result": {"commandId": held.item, "commandStatus": SAVED, "deviceId": module.device_id},
        }

    def _history(self, given: Mapping[str, Any]) -> dict[str, Any]:
        module = self.modules.get(given.get("deviceId", ""))
        since, until = int(given["begin_timestamp"]), int(given["end_timestamp"])
        rows = [] if module is None else [(at, data) for at, data in module.history if since <= at <= until]
        rows.sort(reverse=True)
        before = int(given.get("page_timestamp") or until + 1)
        shown = [(at, data) for at, data in rows if at < before][: given.get("page_size", 10)]
        listed = [{"APPdata": base64.b64encode(data).decode(), "timestamp": at} for at, data in shown]
        return {"code": 0, "page_timestamp": str(shown[-1][0]) if shown else "", "deviceStatusList": listed}

    # what modules do

    def adopt(self, imei: str) -> None:
        """A device that somebody else made."""
        self._create({"imei": imei, "deviceName": imei})

    def uplink(self, imei: str, payload: bytes) -> None:
        """A module says something: it is pushed, and what waits for it goes down."""
        module = self.there(imei)
        if not module.is_online:
            self.arrive(imei)
        at_ms = int(self.now_s() * 1000)
        if module.history and module.history[-1][0] >= at_ms:
            at_ms = module.history[-1][0] + 1
        module.history.append((at_ms, payload))
        told = {
            "upPacketSN": -1, "upDataSN": -1, "topic": "v1/up/ad", "timestamp": at_ms, "tenantId": "2000033629", "serviceId": "",
            "protocol": "lwm2m", "productId": self.product, "payload": {"APPdata": base64.b64encode(payload).decode()},
            "messageType": "dataReport", "deviceType": "", "deviceId": module.device_id, "assocAssetId": "", "IMSI": "undefined",
            "IMEI": module.imei,
        }  # fmt: skip
        self.say(self._push(told))
        self._hand_down(module)

    def _presence(self, imei: str, is_online: bool) -> None:
        module = self.there(imei)
        module.is_online = is_online
        self.say(self._push({
            "timestamp": int(self.now_s() * 1000), "tenantId": "2000033629", "protocol": "lwm2m", "productId": self.product,
            "messageType": "deviceOnlineOfflineReport", "iccid": "undefined", "eventType": int(is_online), "deviceId": module.device_id,
        }))  # fmt: skip

    def _hand_down(self, module: Module) -> None:
        self.expire()
        for held in list(self.held.values()):
            if held.device_id == module.device_id and held.state == SAVED:
                held.state = SENT
                self._result(held, "SENT")
                held.state = DELIVERED
                self._result(held, "DELIVERED")
                self.deliver(module.imei, held.frame)

    def expire(self) -> None:
        """What waited too long is taken away."""
        for held in self.held.values():
            if held.state == SAVED and held.expires_s <= self.now_s():
                held.state = EXPIRED
                self._result(held, "EXPIRED")

    def _result(self, held: Held, code: str) -> None:
        told = {
            "timestamp": int(self.now_s() * 1000), "tenantId": "2000033629", "taskId": int(held.item),
            "result": {"resultDetail": "", "resultCode": code}, "protocol": "lwm2m", "productId": self.product,
            "messageType": "commandResponse", "deviceId": held.device_id,
        }  # fmt: skip
        self.say(self._push(told), is_result=True)

    def _push(self, told: Mapping[str, Any]) -> Push:
        return Push(_json(told), {"Content-Type": "application/json;charset=UTF-8"}, f"token={self.token}")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
