# SPDX-License-Identifier: Apache-2.0
"""An emulated operator's platform wired to ours: its calls without sockets or over HTTP, its pushes by whoever carries them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import httpx

from openmains.emulator.operators.platform import Cloud, Push
from openmains.wire.operators.model import PlatformAnswer, PlatformRequest
from tests.support.receiver import Answer, Got, Receiver, receiver


class EmulatedPlatform(Protocol):
    """What all of them are to a test."""

    def settings(self, base_url: str, push_base: str) -> dict[str, str]: ...
    def secrets(self) -> dict[str, str]: ...
    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None: ...


def call_to(platform: EmulatedPlatform) -> Callable[[PlatformRequest], Awaitable[PlatformAnswer | None]]:
    """Sends requests to an emulated platform."""

    async def call(asked: PlatformRequest) -> PlatformAnswer | None:
        told = platform.answer(asked.method, asked.url, asked.headers, asked.body)
        return None if told is None else PlatformAnswer(*told)

    return call


@asynccontextmanager
async def served(platform: EmulatedPlatform) -> AsyncIterator[Receiver]:
    """The platform's API on a socket."""

    def answer(got: Got) -> Answer:
        told = platform.answer(got.method, got.path, got.headers, got.body)
        return "close" if told is None else told

    async with receiver(answer) as made:
        yield made


async def pump(cloud: Cloud, client: httpx.AsyncClient, url: str) -> list[int]:
    """All that the platform has to say, in order, to who stands at the API's prefix; the answers."""
    path, said = url[url.index("/operator-pushes") :], []
    while cloud.pushes:
        push: Push = cloud.pushes.popleft()
        answer = await client.post(f"{path}?{push.query}", content=push.body, headers=dict(push.headers))
        cloud.pushed(push, answer.status_code)
        said.append(answer.status_code)
    return said
