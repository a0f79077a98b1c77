# SPDX-License-Identifier: Apache-2.0
"""The running system: health, metrics, processes, the live view, the texts of problems."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import PathParameter
from msgspec import Struct

from openmains.app.alarm.seen import within_reach
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.system.model import Metric, SystemSnapshot
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deadline import answered
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.guard import is_still_allowed
from openmains.edges.http.permissions import PUBLIC, SIGNED_IN, may
from openmains.edges.http.problem_texts import PROBLEMS

CHECK_EVERY_S = 2.0  # with the wait below 5 s: so long a live view may outlast its credential
CHECK_WAIT_S = 2.0
ENDED = 4401  # of the range that RFC 6455 7.4.2 leaves to applications
TRY_LATER = 1013
ALARM_KINDS = frozenset({"alarm", "alarm_news"})
_encode = msgspec.json.Encoder().encode


class Health(Struct, frozen=True):
    """``ok`` or what is missing."""

    status: str


class ProblemText(Struct, frozen=True):
    """What a problem type means and what to do next."""

    code: str
    status: int
    title_zh: str
    detail_zh: str
    title_en: str
    detail_en: str


@get("/health", operation_id="health", tags=["system"], opt=PUBLIC)
async def health() -> Health:
    """The process answers."""
    return Health("ok")


@get("/ready", operation_id="ready", tags=["system"], opt=PUBLIC)
async def ready(request: Request[Any, Any, Any]) -> Health:
    """It can serve: its engines answer and its disks take what is written. 503 otherwise, within seconds."""
    missing = await deps_of(request).system.not_ready()
    if missing:
        raise Problem("not-ready", retry_after_s=2, why=", ".join(missing))
    return Health("ok")


@get("/problems/{code:str}", operation_id="describe_problem", tags=["system"], opt=PUBLIC)
async def describe_problem(code: Annotated[str, PathParameter(max_length=60)]) -> ProblemText:
    """What the ``type`` of an error means, in both languages."""
    text = PROBLEMS.get(code)
    if text is None:
        raise Problem("not-found")
    return ProblemText(code, text.status, text.zh_title, text.zh, text.en_title, text.en)


@get("/system", operation_id="read_system", tags=["system"], opt=may(Permission.SEE_SYSTEM))
async def read_system(request: Request[Any, Any, Any]) -> SystemSnapshot:
    """Processes, stream lag, counters, engines, storage; for a tenant that does not run the platform its own counters."""
    return await deps_of(request).system.snapshot(actor_of(request).tenant_id)


@get("/metrics", operation_id="read_metrics", tags=["system"], media_type="text/plain", opt=may(Permission.SEE_SYSTEM))
async def read_metrics(request: Request[Any, Any, Any]) -> Response[str]:
    """Prometheus text, for an operator's token: of the whole platform for the tenant that runs it, else of the tenant alone.

    With the setting ``open_metrics`` also without a token, for who connects from this machine itself and through no proxy.
    """
    actor: Actor | None = request.scope["state"].get("actor")  # the guard let in without one: ``open_metrics``
    found = await deps_of(request).system.metrics(None if actor is None else actor.tenant_id)
    return Response(render_metrics(found), media_type="text/plain; version=0.0.4; charset=utf-8")


def render_metrics(metrics: list[Metric]) -> str:
    """Prometheus exposition format 0.0.4; samples of one name stand together."""
    by_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_name.setdefault(metric.name, []).append(metric)
    lines = []
    for name, samples in sorted(by_name.items()):
        lines.append(f"# HELP {name} {samples[0].help}")
        lines.append(f"# TYPE {name} {samples[0].kind}")
        for sample in samples:
            labels = ",".join(f'{key}="{_escape(value)}"' for key, value in sorted(sample.labels.items()))
            lines.append(f"{name}{{{labels}}} {sample.value:g}" if labels else f"{name} {sample.value:g}")
    return "\n".join(lines) + "\n"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@websocket("/live", name="watch_live", opt=SIGNED_IN)
async def watch_live(socket: WebSocket[Any, Any, Any]) -> None:
    """Counters and alarms as they come, as JSON ``{kind, data}``; a slow reader loses the oldest.

    ``applied`` counts the tenant's own messages; ``counters`` are those of whole processes, for who runs the platform. Closed within
    5 s of the end of its credential with 4401, and with 1013 where that cannot be known; a session does not last longer by it.
    """
    deps, actor = deps_of(socket), actor_of(socket)
    runs_platform = await deps.system.runs_platform(actor.tenant_id)
    hidden = (frozenset() if runs_platform else frozenset({"counters"})) | (
        frozenset() if actor.may(Permission.SEE_ALARMS) else ALARM_KINDS
    )
    if not actor.reach.is_whole:
        hidden |= {"applied", "counters"}  # of all meters together
    await socket.accept()
    async with deps.live.subscribe(actor.tenant_id) as events:

        async def send() -> None:
            async for event in events:
                if event.kind in hidden:  # of the platform, or of alarms that this person may not see
                    continue
                seen = event if actor.reach.is_whole else await within_reach(deps.store, actor.tenant_id, event)
                if seen is not None:
                    await socket.send_data(_encode(seen), mode="text")

        async def until_gone() -> None:
            with suppress(WebSocketDisconnect):
                while True:  # what a client says is of no interest, that it left is
                    await socket.receive_data(mode="text")

        async def until_ended() -> int:
            while True:
                try:
                    if not await answered(is_still_allowed(socket, deps, actor), CHECK_WAIT_S):
                        return ENDED
                except Exception:  # the database is away: whether the credential stands is not known
                    return TRY_LATER
                await asyncio.sleep(CHECK_EVERY_S)

        ended = asyncio.create_task(until_ended())
        tasks = [asyncio.create_task(send()), asyncio.create_task(until_gone()), ended]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if not ended.cancelled():  # and only then: a server that is still asked to receive sends no close
        with suppress(Exception):  # it may be gone by itself meanwhile
            await asyncio.wait_for(socket.close(code=ended.result()), CHECK_WAIT_S)


HANDLERS: list[Any] = [health, ready, describe_problem, read_system, watch_live]
