# SPDX-License-Identifier: Apache-2.0
"""What the demo does as its people would, over the API: for what only the core can answer, such as a look at past values."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from openmains.app.identity.model import Actor
from openmains.app.identity.tokens import create_token, revoke_token
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store


class TokenGoneError(Exception):
    """The token is no more: whoever changes a password ends the person's tokens with it."""


class NotNowError(OSError):
    """The platform has no time or no engine at the moment; whether a change was kept is not known."""


class OverApi:
    """As one person, with a token of the moment that is revoked when it has done its work."""

    def __init__(self, store: Store, actor: Actor, http_port: int, reason: str) -> None:
        self._store, self._actor, self._port, self._reason = store, actor, http_port, reason
        self._secret = ""

    async def __aenter__(self) -> Self:
        await self._take_token()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await revoke_token(self._store, self._actor, self._token.token_id, self._reason)
        except Problem as problem:
            if problem.code != "already-done":
                raise

    async def _take_token(self) -> None:
        self._token, self._secret = await create_token(
            self._store, self._actor, name="demo", role=self._actor.role, valid_days=1, now=datetime.now(UTC), reason=self._reason
        )  # fmt: skip

    async def get(self, path: str) -> Any:
        """Raises ``OSError`` where nobody listens yet or it cannot be done now, ``RuntimeError`` with what a refusal says."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same."""
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return await asyncio.to_thread(self._call, method, path, body)
        except TokenGoneError:  # nothing was done: the first password of a demo is changed while it works
            await self._take_token()
        try:
            return await asyncio.to_thread(self._call, method, path, body)
        except TokenGoneError as error:
            raise NotNowError(f"{path}: 401") from error

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status == 401:
            raise TokenGoneError(path)
        if answer.status in (429, 503):
            raise NotNowError(f"{path}: {answer.status}")
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {told[:500]!r}")
        return json.loads(told)
