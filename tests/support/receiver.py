# SPDX-License-Identifier: Apache-2.0
"""Receivers on real sockets for what we send out: they answer as they are told, fail, are slow, or talk nonsense."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}


Answer = tuple[int, bytes] | str
"""Status and body; ``silent``: nothing, ever; ``close``: the connection ends; ``noise``: bytes that are no HTTP."""


@dataclass(slots=True)
class Receiver:
    """``answer``: what to say to a request; every request is kept in ``got``."""

    answer: Callable[[Got], Answer] = lambda got: (200, b"{}")
    got: list[Got] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
                }
                method, path, _ = first.split(" ")
                got = Got(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
                self.got.append(got)
                told = self.answer(got)
                if told == "silent":
                    await reader.read()  # until the caller has gone
                    return
                if told == "close":
                    return
                if told == "noise":
                    writer.write(b"\x00\x01 what?\r\n\r\n")
                    return
                assert isinstance(told, tuple)
                status, body = told
                more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiver(answer: Callable[[Got], Answer] | None = None) -> AsyncIterator[Receiver]:
    """Listening until the end of the block."""
    made = Receiver() if answer is None else Receiver(answer)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@dataclass(slots=True)
class MailServer:
    """``answers``: by command (``RCPT``, ``DATA`` …) what to say instead of yes; '' never answers."""

    answers: dict[str, str] = field(default_factory=dict)
    letters: list[str] = field(default_factory=list)
    port: int = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._say(reader, writer, "CONNECT", "220 mail ready")
            while line := (await reader.readline()).decode():
                word = line.split()[0].upper() if line.split() else ""
                if word == "DATA":
                    await self._say(reader, writer, word, "354 go on")
                    if "DATA" in self.answers:
                        continue
                    text = ""
                    while (part := (await reader.readline()).decode()) != ".\r\n":
                        text += part
                    self.letters.append(text)
                    await self._say(reader, writer, "END", "250 taken")
                else:
                    await self._say(reader, writer, word, "250 yes" if word != "QUIT" else "221 bye")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: str, otherwise: str) -> None:
        told = self.answers.get(word, otherwise)
        if told == "":
            await reader.read()  # until the caller has gone
            raise ConnectionError
        writer.write(f"{told}\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def mail_server(**answers: str) -> AsyncIterator[MailServer]:
    """Listening until the end of the block."""
    made = MailServer(answers)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
