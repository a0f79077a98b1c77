# SPDX-License-Identifier: Apache-2.0
"""The operators' side of an edge put together: pushes out of the spool, commands into the platforms' caches (ADR 0064).

One edge at a time has the turn; another takes over when it ends. Platforms that were changed are made anew within a second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from openmains.app.link.link_reports import LinkReports
from openmains.app.link.operators.codecs import codec_of
from openmains.app.link.operators.commands import OperatorCommands
from openmains.app.link.operators.hear_push import purpose
from openmains.app.link.operators.ports import WorkedPlatform
from openmains.app.link.operators.receiver import OperatorReceiver
from openmains.app.link.operators.rounds import OperatorRounds
from openmains.app.notice.sealing import KeyUnreadableError, Sealer
from openmains.app.notice.shapes.talk import ChannelRequest, Refused
from openmains.app.security.refusals import RefusalStage
from openmains.domain.ids import TenantId
from openmains.edges.notify.http import Http
from openmains.edges.postgres.db import Pool, connect
from openmains.edges.postgres.fleet.operators import PostgresOperatorWork
from openmains.edges.signer.switch import CachedStopSwitch, FileSwitch
from openmains.run.roles.edge_context import EdgeContext
from openmains.run.roles.notify import guard_of, sealer_of
from openmains.run.roles.process import every, now_us
from openmains.wire.operators.model import OperatorCodec, PlatformAnswer, PlatformRequest

log = logging.getLogger("openmains.run")
EVERY_S = 0.25
ROUNDS_EVERY_S = 5.0
FORGET_EVERY_S = 3_600.0
MOST_ANSWER = 1024 * 1024


class PlatformCalls:
    """``PlatformCall`` over the guarded HTTP of notices: public addresses by TLS only, own networks where the settings let them in."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def __call__(self, asked: PlatformRequest) -> PlatformAnswer | None:
        told = await self._http.call(ChannelRequest(asked.url, asked.body, asked.headers, asked.method))
        return None if isinstance(told, Refused) else PlatformAnswer(told.status, told.body, told.headers)


@dataclass(slots=True)
class KeptCodecs:
    """``Codecs``: of the platforms that are on, made anew when their row changed; one whose keys do not open has none, and the log says so
    once."""

    sealer: Sealer
    made: dict[int, tuple[int, OperatorCodec | None]] = field(default_factory=dict)

    def of(self, platform_id: int) -> OperatorCodec | None:
        found = self.made.get(platform_id)
        return None if found is None else found[1]

    def ids(self) -> list[int]:
        return [key for key, (_, codec) in self.made.items() if codec is not None]

    async def learn(self, platforms: list[WorkedPlatform]) -> None:
        """These are all that are on."""
        known = {platform.platform_id for platform in platforms}
        self.made = {key: made for key, made in self.made.items() if key in known}
        for platform in platforms:
            before = self.made.get(platform.platform_id)
            if before is None or before[0] != platform.changed_us:
                self.made[platform.platform_id] = platform.changed_us, await self._make(platform)

    async def _make(self, platform: WorkedPlatform) -> OperatorCodec | None:
        try:
            of = purpose(platform.platform_id)
            secrets = {} if platform.sealed is None else await self.sealer.open(platform.tenant_id, of, platform.sealed)
            return codec_of(platform.kind, platform.settings, secrets)
        except (KeyUnreadableError, KeyError) as error:
            log.error("operator platform %d: its keys do not open: %s", platform.platform_id, type(error).__name__)
            return None


@dataclass(slots=True)
class OperatorSide:
    """The operators' side of an edge."""

    work: PostgresOperatorWork
    http: Http
    codecs: KeptCodecs
    receiver: OperatorReceiver
    commands: OperatorCommands
    rounds: OperatorRounds
    platforms: list[WorkedPlatform] = field(default_factory=list)
    has_turn: bool = False

    @property
    def counters(self) -> dict[str, int]:
        """By name. ``operators.platforms``: that this edge works for now."""
        counted = {**self.receiver.counters, **self.commands.counters, **self.rounds.counters}
        return counted | {"operators.platforms": len(self.platforms) if self.has_turn else 0}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        await asyncio.gather(
            every(1.0, "operator platforms", self._follow, stop),
            every(EVERY_S, "operator pushes", self._turn(self._pushes), stop),
            every(EVERY_S, "operator commands", self._turn(self.commands.turn), stop),
            every(ROUNDS_EVERY_S, "operator questions", self._turn(self.commands.ask), stop),
            every(ROUNDS_EVERY_S, "operator devices", self._turn(self.rounds.make_known), stop),
            every(ROUNDS_EVERY_S, "operator gaps", self._turn(self._gaps), stop),
            every(FORGET_EVERY_S, "operator pushes of before", self._turn(self.receiver.forget), stop),
        )

    async def close(self) -> None:
        """No call after this; the turn is another's."""
        await self.http.close()
        await self.work.close()

    def _turn(self, do: Callable[[], Awaitable[None]]) -> Callable[[], Coroutine[Any, Any, None]]:
        async def turn() -> None:
            if self.has_turn and self.platforms:
                await do()

        return turn

    async def _follow(self) -> None:
        self.has_turn = await self.work.hold()
        if self.has_turn:
            platforms = await self.work.platforms()
            await self.codecs.learn(platforms)
            self.platforms = platforms

    async def _pushes(self) -> None:
        while await self.receiver.turn():
            await asyncio.sleep(0)

    async def _gaps(self) -> None:
        await self.rounds.fill_gaps(self.platforms)


def operator_side(context: EdgeContext, pool: Pool) -> OperatorSide:
    """Not at work yet."""
    settings, access, clock = context.settings, context.access, context.clock
    urls = settings.urls()
    work = PostgresOperatorWork(pool, lambda: connect(urls.postgres_pipeline, application="openmains operators"))
    http = Http(guard_of(settings), most=MOST_ANSWER)
    codecs, call = KeptCodecs(sealer_of(settings, pool)), PlatformCalls(http)
    commands = OperatorCommands(
        work=work,
        codecs=codecs,
        call=call,
        clock=clock,
        words=LinkReports(settings.node, clock, context.batcher.add),
        stopped=CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped,
        driver_of=context.admission.driver_for,
    )

    def note(tenant_id: TenantId, name: str, reason: str, detail: str) -> None:
        access.refusals.note(
            name, None, RefusalStage.REGISTRATION, reason, f"operator {detail}", "", now_us(), tenant_id
        )

    receiver = OperatorReceiver(
        node=settings.node,
        work=work,
        admission=context.admission,
        batcher=context.batcher,
        shedding=context.shedding,
        clock=clock,
        words=commands,
        note=note,
        is_blocked=access.cache.is_blocked,
    )
    commands.left = receiver.left
    return OperatorSide(work, http, codecs, receiver, commands, OperatorRounds(work, codecs, call, clock))
