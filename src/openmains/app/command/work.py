# SPDX-License-Identifier: Apache-2.0
"""What time asks of commands, each a turn that may be repeated: take in, end by time, lead batches."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from openmains.app.command.log_pull import ask_again
from openmains.app.command.ports import (
    BatchLeading,
    Change,
    Drafted,
    LogPulling,
    Onboarding,
    RunningBatch,
    StopSwitch,
    TimedCommand,
    TimeWork,
)
from openmains.app.command.signing_ports import Signer, SignerAwayError, Verdict
from openmains.app.command.step import changes_of_newer
from openmains.domain.command.batch import BatchEvent, BatchState, advance, daily_allowance, step
from openmains.domain.command.kinds import CONFIGURATION, RULES, Times, rule_for
from openmains.domain.command.life import Event, State
from openmains.domain.command.order import timed_event
from openmains.domain.ids import TenantId
from openmains.domain.period import zone

log = logging.getLogger("openmains.command")
PAGE = 1000
LOGS_EVERY_S = 60.0


async def take_in(flow: TimeWork, signer: Signer | None, now_us: int, *, quarantined: bool = True) -> int:
    """Drafted → approved → queued, as far as rules and the signer allow; returns how many were queued.

    A command that needs no signature is approved by having been drafted: the API's role and the shape of its parameters were
    checked there. One that needs it is approved by the signer's ledger and by nothing else. ``quarantined``: ask about those too.
    """
    queued, after = 0, 0
    while drafts := await flow.drafts(PAGE, after, quarantined):
        after = drafts[-1].command_id
        verdicts = await _ask(signer, [draft for draft in drafts if RULES[draft.kind].signed])
        changes = [change for draft in drafts for change in _judge(draft, verdicts, now_us)]
        await flow.apply(changes)
        approved = {change.command_id for change in changes if change.event is Event.APPROVE}
        ready = [draft for draft in drafts if draft.command_id in approved or draft.state is State.APPROVED]
        ready = [draft for draft in ready if draft.not_after > now_us // 1_000_000]
        if ready:
            await _replace_older(flow, ready, now_us)
            await flow.enqueue([draft.command_id for draft in ready], now_us)
            queued += len(ready)
        if len(drafts) < PAGE:
            break
    return queued


async def _replace_older(flow: TimeWork, ready: Sequence[Drafted], now_us: int) -> None:
    """What a newer setting makes void is called off before the newer one gets its serial."""
    meters = [draft.meter_id for draft in ready if draft.slot]
    if meters:
        await flow.apply(changes_of_newer(ready, await flow.unsent_settings(meters), now_us))


async def _ask(signer: Signer | None, signed: Sequence[Drafted]) -> Mapping[tuple[int, str], Verdict]:
    found: dict[tuple[int, str], Verdict] = {}
    by_tenant: dict[TenantId, list[str]] = {}
    for draft in signed:
        by_tenant.setdefault(draft.tenant_id, []).append(draft.unique_key)
    for tenant_id, keys in by_tenant.items():
        if signer is None:
            break
        try:
            for verdict in await signer.verdicts(tenant_id, keys):
                found[tenant_id, verdict.unique_key] = verdict
        except SignerAwayError:
            log.warning("the signer does not answer; %d commands wait", len(keys))
    return found


def _judge(draft: Drafted, verdicts: Mapping[tuple[int, str], Verdict], now_us: int) -> list[Change]:
    if draft.not_after <= now_us // 1_000_000:
        return [Change(draft.command_id, Event.LAPSE, now_us, "time", "never_sent")]
    if draft.state is State.APPROVED:
        return []
    if not RULES[draft.kind].signed:
        return [Change(draft.command_id, Event.APPROVE, now_us, "platform")]
    verdict = verdicts.get((draft.tenant_id, draft.unique_key))
    if verdict is None:
        return []
    if verdict.state == "authorised":
        return [Change(draft.command_id, Event.APPROVE, now_us, "signer")]
    if verdict.state == "refused":
        return [Change(draft.command_id, Event.REFUSE, now_us, "signer", verdict.reason)]
    if verdict.state in ("quarantined", "needs_approval") and draft.state is State.DRAFTED:
        return [Change(draft.command_id, Event.QUARANTINE, now_us, "signer", verdict.reason)]
    return []


async def sweep(flow: TimeWork, now_us: int, limit: int = 5000) -> int:
    """End by time what time ends; returns how many moved."""
    times = await flow.times()
    changes = [
        change
        for command in await flow.timed(now_us // 1_000_000, limit)
        if (change := _ended_by_time(times, command, now_us)) is not None
    ]
    await flow.apply(changes)
    return len(changes)


def _ended_by_time(times: Mapping[tuple[int, int, str], Times], command: TimedCommand, now_us: int) -> Change | None:
    now = now_us // 1_000_000
    rule = rule_for(times, command.kind, command.tenant_id, command.product_id)
    event = timed_event(command.state, rule, command.attempts, command.due_at, command.not_after, now)
    if event is None:
        return None
    if event is Event.LAPSE:
        detail = "never_sent" if command.state is State.QUEUED else "no_answer"
    else:
        detail = "outcome_unknown" if rule.effect else "no_answer"
    return Change(command.command_id, event, now_us, "time", detail, due_at=now if event is Event.LAPSE else None)


async def lead_batches(
    flow: BatchLeading, switch: StopSwitch, times: Mapping[tuple[int, int, str], Times], now_us: int
) -> int:
    """One step of every running batch; returns how many commands were released."""
    released = 0
    zones = await flow.zones()
    for batch in await flow.running_batches():
        if switch.stopped(batch.tenant_id):
            continue
        decided = step(batch.plan, batch.progress, now_us // 1_000_000, await _allowance(flow, batch, zones, now_us))
        if decided.event is not None:
            state = advance(BatchState.RUNNING, decided.event)
            assert state is not None  # noqa: S101 - stop and finish are possible while running
            reason = "failures" if decided.event is BatchEvent.STOP else ""
            await flow.end_batch(batch.batch_id, state, reason)
        elif decided.count:
            rule = rule_for(times, batch.kind, batch.tenant_id, 0)  # lane and order; its validity is the batch's own
            released += await flow.release(batch, decided.count, rule, now_us)
    return released


async def _allowance(flow: BatchLeading, batch: RunningBatch, zones: Mapping[int, str], now_us: int) -> int:
    if batch.kind not in CONFIGURATION:
        return batch.progress.total
    place = zone(zones.get(batch.tenant_id, "Asia/Shanghai"))
    midnight = place.start_of(place.day_of(now_us // 1_000_000))
    meters, touched = await flow.touched_today(batch.tenant_id, midnight * 1_000_000)
    return daily_allowance(meters, touched, await flow.daily_share_ppm(batch.tenant_id))


class CommandWorkStore(TimeWork, BatchLeading, LogPulling, Onboarding, Protocol):
    """All of it: one adapter, a port for each turn."""


class CommandWork:
    """The three turns as one repeated task: what is new each time, the rest every few seconds."""

    def __init__(self, flow: CommandWorkStore, signer: Signer | None, switch: StopSwitch, every_s: float = 5.0) -> None:
        self._flow = flow
        self._signer = signer
        self._switch = switch
        self._every_s = every_s
        self._last = 0.0
        self._logs_at = 0.0

    async def __call__(self, now: float) -> int:
        """``now``: s; returns how many commands were released, queued or moved."""
        now_us = int(now * 1_000_000)
        if 0 <= now - self._last < self._every_s:
            return await take_in(self._flow, self._signer, now_us, quarantined=False)
        self._last = now
        times = await self._flow.times()
        done = await lead_batches(self._flow, self._switch, times, now_us)
        done += await self._flow.onboard(now_us, PAGE)
        if not 0 <= now - self._logs_at < LOGS_EVERY_S:
            self._logs_at = now
            done += await ask_again(self._flow, times, now_us)
        done += await take_in(self._flow, self._signer, now_us)
        return done + await sweep(self._flow, now_us)
