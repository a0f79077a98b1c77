# SPDX-License-Identifier: Apache-2.0
"""Keys and terminals put together for the roles: what an edge, the pipeline, the API and the worker need of them."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from openmains.app.job.ports import Handler
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.keys.cache import KeyCache
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.jobs import key_handlers
from openmains.app.security.keys.vault import Vault
from openmains.app.security.refusals import Refusals
from openmains.app.security.registration import GateRates, Rate, RegistrationGate
from openmains.app.security.score import AccessJudge, default_judge
from openmains.app.security.unknown import UnknownTerminals
from openmains.domain.security.findings import State
from openmains.domain.security.guard import AccessGuard, GuardLimits
from openmains.domain.security.ladder import Thresholds
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.security.access_cache import AccessFollower
from openmains.edges.postgres.security.decay import decay, forget_old
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run.engines.child import StartError
from openmains.run.master_key import masters_of
from openmains.run.settings import Settings


def thresholds_of(settings: Settings) -> Thresholds:
    """The ladder's thresholds; raises StartError where they do not rise."""
    try:
        return Thresholds(
            observe=settings.access_observe_points,
            quarantine=settings.access_quarantine_points,
            block=settings.access_block_points,
            fade_per_day=settings.access_fade_per_day,
        )
    except ValueError:
        raise StartError(
            "终端安全的三个分数应递增:观察 < 隔离 < 封锁。",
            "the points of the access ladder must rise: observe < quarantine < block.",
        ) from None


def judge_of(settings: Settings) -> AccessJudge:
    """For the pipeline's store."""
    return default_judge(thresholds_of(settings), settings.on_sim_separated)


def sealed_files(settings: Settings) -> SealedFiles:
    """Key files on their way, for API and worker."""
    return SealedFiles(settings.var_path / "keyfiles", masters_of(settings.var_path), secrets.token_bytes)


@dataclass(slots=True)
class EdgeAccess:
    """All an edge needs to know its terminals. Call ``load`` once, then ``follow`` every second."""

    keys: KeyCache
    cache: AccessCache
    guard: AccessGuard
    gate: RegistrationGate
    unknown: UnknownTerminals
    refusals: Refusals
    follower: AccessFollower
    on_change: Callable[[list[tuple[int, State]]], None] = lambda changed: None  # to close the sessions of the blocked

    async def load(self) -> None:
        """Read the terminals that are not simply allowed."""
        await self.follower.load()

    async def follow(self) -> None:
        """Take changes in, tell ``on_change``, write down unknown terminals."""
        changed = await self.follower.follow()
        for imei, state in changed:
            if state is State.ALLOWED:
                self.guard.forget(imei)  # released: what was counted against it is over
        if changed:
            self.on_change(changed)
        await self.follower.note_unknown(self.unknown.drain())
        await self.follower.note_refusals(self.refusals.drain())

    @property
    def counters(self) -> dict[str, int]:
        """By name."""
        return {
            **self.keys.counters,
            **self.gate.counters,
            "terminals.not_allowed": len(self.cache),
            "terminals.followed": len(self.guard),
            "unknown.left_out": self.unknown.left_out,
            "refusals.left_out": self.refusals.left_out,
        }


def edge_access(settings: Settings, pool: Pool) -> EdgeAccess:
    """Over a pool of role openmains_pipeline with at least two connections."""
    store = PostgresKeys(pool)
    cache = AccessCache()
    limits = replace(GuardLimits(), messages_per_min=settings.access_messages_per_min)
    gate = GateRates(
        edge=Rate(settings.register_rate_per_s, 2 * settings.register_rate_per_s),
        cell=Rate(settings.register_cell_rate_per_s, 5 * settings.register_cell_rate_per_s),
        address=Rate(settings.register_address_rate_per_s, 10 * settings.register_address_rate_per_s),
    )
    return EdgeAccess(
        KeyCache(store, Vault(store, masters_of(settings.var_path), secrets.token_bytes)),
        cache,
        AccessGuard(limits),
        RegistrationGate(gate),
        UnknownTerminals(),
        Refusals(),
        AccessFollower(pool, cache),
    )


def worker_keys(settings: Settings, pool: Pool) -> dict[str, Handler]:
    """The key jobs' handlers."""
    reports = settings.var_path / "uploads"
    reports.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = PostgresKeys(pool)
    vault = Vault(store, masters_of(settings.var_path), secrets.token_bytes)
    return key_handlers(store, vault, sealed_files(settings), Path(reports), secrets.token_bytes)


def worker_care(settings: Settings, pool: Pool, every_s: float = 600.0) -> Callable[[float], Awaitable[object]]:
    """Timed work of the worker: every ten minutes."""
    thresholds = thresholds_of(settings)
    files = sealed_files(settings)
    last = float("-inf")

    async def care(now: float) -> None:
        nonlocal last
        if 0 <= now - last < every_s:
            return
        last = now
        await decay(pool, thresholds, int(now))
        await forget_old(pool, int(now))
        files.purge(time.time())

    return care
