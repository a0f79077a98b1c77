# SPDX-License-Identifier: Apache-2.0
"""The gateway's own page (R5.2, local management): how it stands and which meters it has, for whoever stands in front of the box with its
password.

It shows and changes nothing, so there is no form and nothing to forge. HTTP in clear: by default on the box's own address only; over a network
put a proxy with TLS before it. A wrong password costs a second, and few connections are served at once.
"""

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, Final

from openmains.gateway.core import Gateway

USER: Final = "gateway"
MOST_HEADER: Final = 8_192
REQUEST_S, WRONG_S = 5.0, 1.0
MOST_AT_ONCE: Final = 8
MOST_METERS: Final = 1_000
_FRONT: Final = (
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\nConnection: close\r\n"
)
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#1f2933;max-width:60em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border:1px solid #cbd2d9;padding:.3em .7em;text-align:left}th{background:#f0f3f6}.bad{color:#b42318;font-weight:600}"
)
_WORDS: Final = {  # zh, en
    "title": ("网关", "Gateway"), "clock": ("时钟", "Clock"), "power": ("供电", "Power"), "kept": ("待上报", "Items kept"),
    "dropped": ("已丢弃", "Given up"), "commands": ("待下发命令", "Commands waiting"), "north": ("平台连接", "Platform"), "meters": ("表具",
    "Meters"), "number": ("表号", "Number"), "logical": ("逻辑标识", "Logical id"), "slice": ("时隙", "Slice"), "channel": ("信道", "Channel"),
    "via": ("中继", "Relay"), "heard": ("距上次通信（秒）", "Heard (s ago)"), "kind": ("方式", "Kind"), "active": ("主动", "active"),
    "passive": ("被动", "passive"), "silent": ("失联", "silent"), "yes": ("已连接", "connected"), "no": ("未连接", "not connected"),
    "more": ("仅显示前 1000 只", "the first 1,000 are shown"), "platform": ("平台", "the platform"), "box": ("盒子自身", "the box"),
    "none": ("未知", "not known"), "mains": ("市电", "mains"), "battery": ("电池", "battery"), "time": ("时间来源", "Time from"),
    "parameters": ("参数（平台可远程设置）", "Parameters, which the platform may set"),
}  # fmt: skip


def state_of(core: Gateway, mono_ms: int, *, is_connected: bool) -> dict[str, Any]:
    """What both forms of the page show."""
    meters = [
        {
            "number": member.kept.number, "logical": member.kept.logical, "slice": member.kept.slice_index, "channel": member.kept.channel,
            "via": member.kept.via, "is_active": member.kept.is_active, "heard_s": (mono_ms - member.heard_ms) // 1000,
            "is_silent": member.is_silent,
        }
        for member in core.members
    ]  # fmt: skip
    return {
        "number": core.config.number, "at_ms": core.clock.utc_ms(mono_ms), "clock": str(core.clock.source), "power": core.power,
        "waiting": core.store.waiting(), "dropped": core.store.dropped(), "commands": core.commands.count, "is_connected": is_connected,
        "parameters": core.config.parameters,
        "meters": sorted(meters, key=lambda each: int(each["logical"])), "counters": dict(sorted(core.counters.items())),
    }  # fmt: skip


def html_of(state: dict[str, Any], language: str) -> str:
    """``language``: zh or en."""

    def word(name: str) -> str:
        return _WORDS[name][0 if language == "zh" else 1]

    facts = [
        ("time", word(state["clock"])), ("power", word(state["power"])), ("north", word("yes" if state["is_connected"] else "no")),
        ("kept", state["waiting"]), ("dropped", state["dropped"]), ("commands", state["commands"]), ("meters", len(state["meters"])),
    ]  # fmt: skip

    def lines() -> Iterator[str]:
        title = f"{word('title')} {escape(state['number'])}"
        yield f"<!doctype html><html lang={language}><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1><table>"
        yield from (f"<tr><th>{word(name)}<td>{escape(str(value))}" for name, value in facts)
        yield f"</table><h2>{word('parameters')}</h2><table>"
        yield from (f"<tr><th>{escape(name)}<td>{escape(_plain(value))}" for name, value in state["parameters"].items())
        yield f"</table><h2>{word('meters')}</h2><table><tr>"
        yield from (f"<th>{word(name)}" for name in ("number", "logical", "kind", "slice", "channel", "via", "heard"))
        for each in state["meters"][:MOST_METERS]:
            kind = word("active" if each["is_active"] else "passive")
            heard = (
                f"<td class=bad>{each['heard_s']} {word('silent')}" if each["is_silent"] else f"<td>{each['heard_s']}"
            )
            cells = (escape(each["number"]), each["logical"], kind, each["slice"], each["channel"], each["via"] or "—")
            yield "<tr>" + "".join(f"<td>{cell}" for cell in cells) + heard
        yield "</table>"
        if len(state["meters"]) > MOST_METERS:
            yield f"<p>{word('more')}"

    return "\n".join(lines())


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class LocalPage:
    """``state()``: as ``state_of`` has it."""

    def __init__(self, password: str, state: Callable[[], dict[str, Any]]) -> None:
        self._wanted = f"{USER}:{password}".encode()
        self._state = state
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        self._open += 1
        try:
            if self._open > MOST_AT_ONCE:
                return
            async with asyncio.timeout(REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
            status, answer = self.answer_untrusted(request)
            if status == 401:
                await asyncio.sleep(WRONG_S)
            writer.write(answer)
            async with asyncio.timeout(REQUEST_S):
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            with contextlib.suppress(OSError):
                writer.close()

    def answer_untrusted(self, request: bytes) -> tuple[int, bytes]:
        """Status and bytes. Never raises for what is asked."""
        first, *rest = request.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        method, _, target = first.partition(" ")
        path = target.partition(" ")[0].partition("?")[0]
        if not self._is_right(headers.get("authorization", "")):
            return _answer(
                401, "text/plain", b"password?\n", 'WWW-Authenticate: Basic realm="gateway", charset="UTF-8"\r\n'
            )
        if method not in ("GET", "HEAD"):
            return _answer(405, "text/plain", b"GET only\n", "Allow: GET, HEAD\r\n")
        if path == "/state.json":
            return _answer(200, "application/json", json.dumps(self._state()).encode(), head=method == "HEAD")
        if path == "/":
            language = "zh" if headers.get("accept-language", "").lower().startswith("zh") else "en"
            return _answer(200, "text/html", html_of(self._state(), language).encode(), head=method == "HEAD")
        return _answer(404, "text/plain", b"not here\n")

    def _is_right(self, told: str) -> bool:
        kind, _, value = told.partition(" ")
        try:
            given = base64.b64decode(value.encode("latin-1"), validate=True)
        except (binascii.Error, ValueError):
            given = b""
        return hmac.compare_digest(given, self._wanted) and kind.lower() == "basic"


def _answer(status: int, kind: str, body: bytes, more: str = "", *, head: bool = False) -> tuple[int, bytes]:
    reason = {200: "OK", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}[status]
    front = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n{more}{_FRONT}\r\n"
    return status, front.encode() + (b"" if head else body)
