# SPDX-License-Identifier: Apache-2.0
"""No request waits for an engine that stands still: it is answered 503 and told when to come again.

A stopped server keeps its connections, so what waits for it waits for ever, and so may what would end the waiting: a driver that is
cancelled first asks the server to cancel. Therefore nothing here awaits the end of what it gives up. Slow is not still: a long report
goes on as long as all engines answer the watch (``SystemView.standing_still``), however long it takes.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any, TypeVar

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from openmains.app.problems import Problem

T = TypeVar("T")
PATIENCE_S = 3.0  # of a request, while an engine stands still
_LOOK_EVERY_S = 0.5
_COME_AGAIN_S = 5


async def answered(work: Coroutine[Any, Any, T], within_s: float) -> T:
    """What ``work`` gives. Raises ``TimeoutError`` when it does not within ``within_s``: it is cancelled then, and not waited for."""
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=within_s)
    except asyncio.CancelledError:
        _give_up(task)
        raise
    if not done:
        _give_up(task)
        raise TimeoutError
    return task.result()


def _give_up(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    task.add_done_callback(
        lambda ended: None if ended.cancelled() else ended.exception()
    )  # nobody asks for it any more


class Deadline(ASGIMiddleware):
    """Around everything that a request does, the guard's look at its credential too, until the first word of the answer."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, standing_still: Callable[[], Collection[str]]) -> None:
        self._standing_still = standing_still

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Raises ``engine-away`` for a request that would wait on."""
        begun = given_up = False

        async def say(message: Message) -> None:
            nonlocal begun
            if given_up:
                raise ConnectionError("answered already")
            begun = True
            await send(message)

        loop = asyncio.get_running_loop()
        since = loop.time()
        task = asyncio.ensure_future(next_app(scope, receive, say))
        try:
            while not begun:
                if (await asyncio.wait({task}, timeout=_LOOK_EVERY_S))[0]:
                    break
                if not begun and loop.time() - since >= PATIENCE_S and (still := self._standing_still()):
                    given_up = True
                    _give_up(task)
                    raise Problem("engine-away", retry_after_s=_COME_AGAIN_S, engines=", ".join(still))
            await task
        except asyncio.CancelledError:
            _give_up(task)
            raise
