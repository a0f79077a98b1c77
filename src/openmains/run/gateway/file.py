# SPDX-License-Identifier: Apache-2.0
"""The gateway's configuration file: TOML, each name checked, what is not known refused."""

import re
import ssl
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from openmains.edges.mqtt.client import Broker
from openmains.gateway.config import GatewayConfig
from openmains.run.engines.child import StartError
from openmains.wire.gateway.messages import topic

LEAST_PASSWORD: Final = 12
MQTT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
SPEEDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_CORE: Final[Mapping[str, type]] = {
    "number": str, "network": int, "channels": list, "relays": list, "cycle_s": int, "slice_s": int, "tries": int, "timeout_ms": int,
    "probe_s": int, "report_s": int, "log_level": str,
    "command_windows": int, "utc_offset_min": int, "trusts_box": bool, "kept_days": int, "most_kept": int,
}  # fmt: skip
_OWN: Final[Mapping[str, type]] = {
    "key": str, "key_file": str, "folder": str, "south": str, "north": str, "user": str, "password": str, "password_file": str, "ca": str,
    "page": str, "page_password": str, "page_password_file": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class South:
    """Where the radio is. ``kind``: tcp (``host``, ``port``), serial (``path``, ``speed``), emulated (``meters``)."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    speed: int = 0
    meters: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Where the gateway's own page is served."""

    host: str
    port: int
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GatewayFile:
    """All that the program needs."""

    config: GatewayConfig
    folder: Path
    south: South
    broker: Broker
    page: Page | None = None


def read(path: Path, south: str = "", north: str = "") -> GatewayFile:
    """``south``, ``north``: in place of the file's. Raises StartError with the file and the name that will not do."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StartError(f"无法读取 {path}:{error.strerror}", f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path} 不是有效的 TOML:{error}", f"{path} is not valid TOML: {error}") from error
    for name, value in told.items():
        wanted = _CORE.get(name) or _OWN.get(name)
        if wanted is None:
            raise StartError(f"{path}: {name}:没有这项配置。", f"{path}: {name}: there is no such entry.")
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise StartError(f"{path}: {name}:类型不符。", f"{path}: {name}: it is to be of type {wanted.__name__}.")
    for name in ("number", "network", "folder"):
        if name not in told:
            raise StartError(f"{path}: 缺少 {name}。", f"{path}: {name} is missing.")
    config = _config(path, told)
    folder = Path(told["folder"])
    return GatewayFile(
        config,
        folder,
        _south(path, south or told.get("south", "")),
        _broker(path, told, north or told.get("north", ""), config),
        _page(path, told),
    )


def _config(path: Path, told: Mapping[str, Any]) -> GatewayConfig:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items() if name in _CORE
    }
    for name in ("channels", "relays"):
        if any(not isinstance(value, int) or isinstance(value, bool) for value in given.get(name, ())):
            raise StartError(f"{path}: {name}:应为整数列表。", f"{path}: {name}: it is to be a list of integers.")
    text = _secret(path, told, "key")
    if not re.fullmatch(r"([0-9a-fA-F]{2})*", text):
        raise StartError(f"{path}: 网关密钥应为十六进制。", f"{path}: the gateway's key is to be hexadecimal.")
    try:
        return GatewayConfig(key=bytes.fromhex(text), **given)
    except ValueError as error:
        raise StartError(f"{path}: 配置不符:{error}", f"{path}: {error}") from error


def _secret(path: Path, told: Mapping[str, Any], name: str) -> str:
    """From the file, or from another one that nobody else can read."""
    file = told.get(f"{name}_file", "")
    if not file:
        return str(told.get(name, ""))
    try:
        mode = Path(file).stat().st_mode
        text = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(
            f"{path}: {name}_file 不可读:{error}", f"{path}: {name}_file cannot be read: {error}"
        ) from error
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        raise StartError(f"{file} 可被他人读取:请 chmod 600。", f"{file} can be read by others: chmod 600 it.")
    return text


def _south(path: Path, text: str) -> South:
    parts = urlsplit(text)
    try:
        port = parts.port or 0
    except ValueError:
        port = 0
    if parts.scheme == "tcp" and parts.hostname and port and parts.path in ("", "/"):
        return South("tcp", host=parts.hostname, port=port)
    if parts.scheme == "serial" and parts.path and not parts.netloc:
        speed = parse_qs(parts.query).get("speed", ["115200"])[0]
        if speed.isdigit() and int(speed) in SPEEDS:
            return South("serial", path=parts.path, speed=int(speed))
    if text == "emulated" or (text.startswith("emulated:") and text[9:].isdigit() and 0 < int(text[9:]) <= 1000):
        return South("emulated", meters=int(text[9:] or 20))
    raise StartError(
        f"{path}: south 应为 tcp://主机:端口、serial:///dev/ttyUSB0?speed=115200 或 emulated:数量,而不是 {text!r}。",
        f"{path}: south is tcp://host:port, serial:///dev/ttyUSB0?speed=115200 or emulated:COUNT, not {text!r}.",
    )


def _page(path: Path, told: Mapping[str, Any]) -> Page | None:
    text = told.get("page", "")
    if not text:
        return None
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and 0 <= int(port) <= 65_535):
        raise StartError(f"{path}: page 应为 127.0.0.1:8080 的形式。", f"{path}: page is to be like 127.0.0.1:8080.")
    password = _secret(path, told, "page_password")
    if len(password) < LEAST_PASSWORD:
        raise StartError(
            f"{path}: page_password 至少 {LEAST_PASSWORD} 个字符。",
            f"{path}: page_password has {LEAST_PASSWORD} letters or more.",
        )
    return Page(host, int(port), password)


def _broker(path: Path, told: Mapping[str, Any], text: str, config: GatewayConfig) -> Broker:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if (
        parts.scheme not in MQTT_PORTS
        or not parts.hostname
        or port == 0
        or parts.path not in ("", "/")
        or parts.username
    ):
        raise StartError(
            f"{path}: north 应为 mqtts://主机:8883 或 mqtt://主机:1883,不带用户名,而不是 {text!r}。",
            f"{path}: north is mqtts://host:8883 or mqtt://host:1883, without a user, not {text!r}.",
        )
    tls = None
    if parts.scheme == "mqtts":
        try:
            tls = ssl.create_default_context(cafile=told.get("ca") or None)
        except (OSError, ssl.SSLError) as error:
            raise StartError(f"{path}: ca 不可用:{error}", f"{path}: ca will not do: {error}") from error
    return Broker(
        parts.hostname, port or MQTT_PORTS[parts.scheme], told.get("user", ""), _secret(path, told, "password"),
        f"openmains-gateway-{config.number}", [topic(config.number, "down")], tls,
    )  # fmt: skip
