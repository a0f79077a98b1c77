# SPDX-License-Identifier: Apache-2.0
"""HTTP to channels and receivers, through ``httpcore``: no redirects, no proxies of the environment, bounded in time and size.

A reason of a failure names what failed, never the URL: it may hold a key.
"""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from openmains.app.notice.shapes.talk import MOST_ANSWER, ChannelAnswer, ChannelRequest, Outcome, Refused, Talk
from openmains.edges.notify.guard import AddressGuard, AddressRefusedError

TIMEOUTS = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 15.0}
WHOLE_S = 20.0


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the address that was looked at, by the name of the URL for TLS."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception = httpcore.ConnectError("no address")
        for address in await self._guard.addresses(host, port, is_encrypted=True):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class Http:
    """One pool for all calls; close it. ``whole_s``: of one call, however slowly its answer drips; ``most``: bytes of an answer that are
    read."""

    def __init__(self, guard: AddressGuard, whole_s: float = WHOLE_S, most: int = MOST_ANSWER) -> None:
        self._most = most
        self._guard = guard
        self._whole_s = whole_s
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=15.0,
            network_backend=_GuardedNetwork(guard),
        )

    async def close(self) -> None:
        """No call after this."""
        await self._pool.aclose()

    async def call(self, call: ChannelRequest) -> ChannelAnswer | Refused:
        """The reply; ``Refused`` for now where none came, for good where the address may not be called."""
        parts = urlsplit(call.url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            if parts.scheme != "https":
                await self._guard.addresses(host, port, is_encrypted=False)
            return await asyncio.wait_for(self._ask(call), self._whole_s)
        except AddressRefusedError as error:
            return Refused(str(error), is_final=error.code != "no-address")
        except (TimeoutError, httpcore.TimeoutException):
            return Refused(f"timeout: {host}")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return Refused(f"{type(error).__name__}: {host}")
        except (httpcore.UnsupportedProtocol, ValueError, UnicodeError):
            return Refused(f"wrong-url: {host}", is_final=True)

    async def _ask(self, call: ChannelRequest) -> ChannelAnswer:
        headers = [(name.encode(), value.encode()) for name, value in call.headers.items() if name.lower() != "host"]
        headers += [(b"Host", urlsplit(call.url).netloc.encode()), (b"User-Agent", b"OpenMains")]
        async with self._pool.stream(
            call.method, call.url, headers=headers, content=call.body, extensions={"timeout": TIMEOUTS}
        ) as response:
            body = bytearray()
            async for part in response.aiter_stream():
                body += part
                if len(body) >= self._most:
                    break
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return ChannelAnswer(response.status, bytes(body[: self._most]), found)

    async def converse(self, talk: Talk) -> Outcome:
        """A talk to its end; a call without a reply ends it."""
        try:
            call = next(talk)
            while True:
                reply = await self.call(call)
                if isinstance(reply, Refused):
                    return reply
                call = talk.send(reply)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        finally:
            talk.close()
