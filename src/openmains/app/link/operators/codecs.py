# SPDX-License-Identifier: Apache-2.0
"""Which settings and secrets a connection has by its kind, and the codec made of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from openmains.app.link.operators.model import PlatformKind
from openmains.wire.errors import WireError
from openmains.wire.operators import ctwing, iotda, onenet
from openmains.wire.operators.model import OperatorCodec

MOST = 400
SCHEMES = frozenset({"https", "http"})  # the second for a platform or a proxy on the premises
RESOURCE = re.compile(r"\d{1,5}/\d{1,5}/\d{1,5}", re.ASCII)  # object/instance/resource
URLS = ("base_url", "push_base")


@dataclass(frozen=True, slots=True)
class KindOfPlatform:
    """``settings``: by name, whether each is needed; ``digits``: those that are whole numbers."""

    settings: Mapping[str, bool]
    secrets: tuple[str, ...]
    make: Callable[[Mapping[str, str], Mapping[str, str]], OperatorCodec]
    digits: tuple[str, ...] = ()


def _ctwing(settings: Mapping[str, str], secrets: Mapping[str, str]) -> OperatorCodec:
    return ctwing.Ctwing(
        settings["application"], secrets["app_secret"], settings["product"], secrets["master_key"], secrets["token"],
        settings.get("base_url") or ctwing.BASE_URL,
    )  # fmt: skip


def _iotda(settings: Mapping[str, str], secrets: Mapping[str, str]) -> OperatorCodec:
    named = {name: settings[name] for name in ("service", "data", "command_name") if settings.get(name)}
    return iotda.Iotda(
        settings["base_url"], settings["project"], settings["product"], secrets["access_key"], secrets["secret_key"], secrets["token"],
        settings.get("region", ""), settings.get("instance", ""), **named,
    )  # fmt: skip


def _onenet(settings: Mapping[str, str], secrets: Mapping[str, str]) -> OperatorCodec:
    named = {name: settings[name] for name in ("user", "base_url", "up", "down") if settings.get(name)}
    key = secrets["access_key"] if settings.get("user") else secrets["api_key"]
    return onenet.Onenet(settings["product"], key, secrets["token"], **named)


KINDS: Mapping[PlatformKind, KindOfPlatform] = {
    "ctwing": KindOfPlatform(
        {"application": True, "product": True, "push_base": True, "base_url": False},
        ("app_secret", "master_key", "token"), _ctwing, ("product",),
    ),
    "iotda": KindOfPlatform(
        {
            "base_url": True, "project": True, "product": True, "push_base": True, "region": False, "instance": False, "service": False,
            "data": False, "command_name": False,
        },
        ("access_key", "secret_key", "token"), _iotda,
    ),
    "onenet": KindOfPlatform(
        {"product": True, "push_base": True, "base_url": False, "up": False, "down": False}, ("api_key", "token"), _onenet
    ),
    "onenet_studio": KindOfPlatform(
        {"product": True, "user": True, "push_base": True, "base_url": False, "up": False, "down": False}, ("access_key", "token"), _onenet
    ),
}  # fmt: skip


def codec_of(kind: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> OperatorCodec:
    """Raises ``KeyError`` where a setting, a secret or the kind itself lacks."""
    return {str(name): rules for name, rules in KINDS.items()}[kind].make(settings, secrets)


def faults_of(kind: PlatformKind, settings: Mapping[str, str], secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    """(JSON pointer, code) of what is wrong; ``secrets``: all that would be kept."""
    rules = KINDS[kind]
    wrong = [(f"/settings/{name}", "not-accepted") for name in settings if name not in rules.settings]
    wrong += [
        (f"/settings/{name}", "required")
        for name, needed in rules.settings.items()
        if needed and not settings.get(name, "").strip()
    ]
    wrong += [(f"/settings/{name}", "out-of-range") for name, value in settings.items() if len(value) > MOST]
    wrong += [(f"/secrets/{name}", "not-accepted") for name in secrets if name not in rules.secrets]
    wrong += [(f"/secrets/{name}", "required") for name in rules.secrets if not secrets.get(name, "").strip()]
    for name in rules.digits:
        text = settings.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
            wrong.append((f"/settings/{name}", "wrong-format"))
    for name in URLS:
        text = settings.get(name, "").strip()
        if text and not _is_url(text):
            wrong.append((f"/settings/{name}", "wrong-format"))
    wrong += [
        (f"/settings/{name}", "wrong-format")
        for name in ("up", "down")
        if settings.get(name, "").strip() and not RESOURCE.fullmatch(settings[name].strip())
    ]
    if "token" in rules.secrets and 0 < len(secrets.get("token", "").strip()) < 3:
        wrong.append(("/secrets/token", "too-short"))
    if not wrong:
        try:
            codec_of(kind, settings, secrets).trial(0)
        except WireError:  # a key that is none of its kind
            wrong.append(("/secrets/access_key", "wrong-format"))
    return wrong


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in SCHEMES and bool(parts.hostname) and not parts.query and parts.port != 0
    except ValueError:
        return False
