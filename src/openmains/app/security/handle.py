# SPDX-License-Identifier: Apache-2.0
"""What people do about terminals: release, hold, take in an unknown one or dismiss it, ask for keys, destroy one."""

from dataclasses import dataclass
from datetime import date

from msgspec import structs

from openmains.app.fleet import register
from openmains.app.fleet.model import MeterDetail, NewMeter
from openmains.app.fleet.ports import AreaStore, Dimensions, MeterStore, ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.job.model import Job
from openmains.app.job.ports import JobStore
from openmains.app.job.request import ask_for_job
from openmains.app.problems import Problem
from openmains.app.security.keys.jobs import KEY_GENERATE, KEY_IMPORT, file_of
from openmains.app.security.model import (
    AccessPolicy,
    HeldState,
    KeyWish,
    MeterSecurity,
    UnknownTerminal,
)
from openmains.app.security.ports import AccessStore, KeyFiles
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.identifiers import is_imei
from openmains.domain.ids import MeterId
from openmains.domain.security.findings import EVENTS, STATES, State
from openmains.domain.security.ladder import Thresholds, put, release


@dataclass(frozen=True, slots=True)
class Now:
    """The instant of a request and the ladder in force."""

    us: int
    thresholds: Thresholds

    @property
    def s(self) -> int:
        """Whole seconds."""
        return self.us // 1_000_000


async def release_terminal(store: Store, actor: Actor, meter_id: MeterId, note: str, now: Now) -> MeterSecurity:
    """Trusted again, with nothing against it; its alarms are cleared. Raises ``not-found``, ``already-done``,
    ``reason-needed`` without a note: what was found against it is forgotten."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[AccessStore].standing(meter_id)
        if found is None:
            raise Problem("not-found")
        imei, standing = found
        if standing.state is State.ALLOWED and standing.score == 0:
            raise Problem("already-done", state="allowed")
        note = stated(note, "note")
        await work[AccessStore].put(imei, meter_id, release(standing, now.s), actor.user_id, note, forget=True)
        await work[AccessStore].clear_alarms(meter_id, EVENTS, now.us)
        after = await _security(work, meter_id, now)
        before = {"state": standing.state.word, "score": standing.score // 1000}
        now_is = {"state": "allowed", "note": note}
        await work[AuditTrail].record(actor, "release_terminal", "meter", meter_id, before, now_is, reason=note)
    return after


async def hold_terminal(
    store: Store, actor: Actor, meter_id: MeterId, state: HeldState, note: str, now: Now
) -> MeterSecurity:
    """Put on a step by a person. Raises ``not-found``; ``already-done`` where it is there by a person already;
    ``reason-needed`` for quarantine or a block without a note: its commands or all of its messages end."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[AccessStore].standing(meter_id)
        if found is None:
            raise Problem("not-found")
        imei, standing = found
        wanted = STATES[state]
        if standing.state is wanted and standing.held:
            raise Problem("already-done", state=state)
        if wanted is not State.OBSERVE:
            note = stated(note, "note")
        await work[AccessStore].put(imei, meter_id, put(standing, wanted, now.s), actor.user_id, note, forget=False)
        after = await _security(work, meter_id, now)
        was = {"state": standing.state.word}
        now_is = {"state": state, "note": note}
        await work[AuditTrail].record(actor, "hold_terminal", "meter", meter_id, was, now_is, reason=note)
    return after


async def accept_unknown(
    store: Store, dimensions: Dimensions, actor: Actor, imei: str, meter: NewMeter, today: date
) -> MeterDetail:
    """Register an unknown terminal as a meter. Raises ``not-found``, ``already-done`` and what registering raises."""
    number = _imei(imei)
    if meter.imei is not None and int(meter.imei) != number:
        raise Problem("invalid-input", fields=(("/imei", "not-accepted"),))
    async with store.tenant(actor.tenant_id) as work:
        await _open_unknown(work, number)
    made = await register.add_meter(store, dimensions, actor, structs.replace(meter, imei=imei), today)
    async with store.tenant(actor.tenant_id) as work:
        await work[AccessStore].handle_unknown(number, "accepted", actor.user_id, made.meter_id)
        await work[AuditTrail].record(actor, "accept_unknown", "terminal", imei, None, {"meter_id": made.meter_id})
    return made


async def dismiss_unknown(store: Store, actor: Actor, imei: str) -> UnknownTerminal:
    """It is none of ours; it stays in the list of dismissed ones. Raises ``not-found``, ``already-done``."""
    number = _imei(imei)
    async with store.tenant(actor.tenant_id) as work:
        await _open_unknown(work, number)
        await work[AccessStore].handle_unknown(number, "dismissed", actor.user_id, None)
        after = await work[AccessStore].unknown_one(number)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "dismiss_unknown", "terminal", imei, None, {"status": "dismissed"})
    return after


async def set_policy(store: Store, actor: Actor, policy: AccessPolicy, reason: str) -> AccessPolicy:
    """For all products whose settings say nothing else. Raises ``reason-needed``."""
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[AccessStore].policy()
        await work[AccessStore].set_policy(policy)
        await work[AuditTrail].record(
            actor, "set_access_policy", "tenant", actor.tenant_id, before, policy, reason=reason
        )
    return policy


async def ask_for_import(
    store: Store, files: KeyFiles, actor: Actor, data: bytes, file_name: str, *, partial: bool, reason: str
) -> Job:
    """Seal the upload and queue its import. Raises ``reason-needed``: keys of the file take the place of those in use."""
    reason = stated(reason)
    name = files.name()
    files.put(name, data)
    params = {"file_name": file_name, "sealed": name, "partial": partial}
    return await ask_for_job(store, actor, KEY_IMPORT, params, reason=reason)


async def ask_for_keys(store: Store, actor: Actor, wish: KeyWish) -> Job:
    """Queue the making of keys. Raises ``invalid-input`` for a product, area or meter that is not the tenant's,
    ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        faults = []
        if wish.product_id is not None and await work[ProductStore].get(wish.product_id) is None:
            faults.append(("/product_id", "unknown-reference"))
        if wish.area_id is not None and await work[AreaStore].get(wish.area_id) is None:
            faults.append(("/area_id", "unknown-reference"))
        if wish.meter_ids is not None and len(await work[MeterStore].by_ids(wish.meter_ids)) != len(
            set(wish.meter_ids)
        ):
            faults.append(("/meter_ids", "unknown-reference"))
        if faults:
            raise Problem("invalid-input", fields=tuple(faults))
    reason = stated(wish.reason)
    params = {
        "meter_ids": wish.meter_ids, "product_id": wish.product_id, "area_id": wish.area_id, "rotate": wish.rotate
    }  # fmt: skip
    return await ask_for_job(store, actor, KEY_GENERATE, params, reason=reason)


async def take_key_file(store: Store, files: KeyFiles, actor: Actor, job_id: int, reason: str) -> bytes:
    """The file for the maker, once; it is gone afterwards. Raises ``not-found``, ``key-file-gone``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        job = await work[JobStore].get(job_id)
        if job is None or job.kind != KEY_GENERATE or job.status != "done":
            raise Problem("not-found")
        reason = stated(reason)
        data = files.fetch(file_of(job_id))
        if data is None:
            raise Problem("key-file-gone")
        made = {"made": (job.result or {}).get("made")}
        await work[AuditTrail].record(actor, "take_key_file", "job", job_id, None, made, reason=reason)
    return data


async def destroy_key(store: Store, actor: Actor, meter_id: MeterId, reason: str) -> None:
    """The meter can come in no more until it has a new key. Raises ``not-found``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        if not await work[AccessStore].destroy_key(meter_id):
            raise Problem("not-found")
        reason = stated(reason)  # refused after the deletion, which the transaction then takes back
        await work[AuditTrail].record(
            actor, "destroy_key", "meter", meter_id, {"has_key": True}, {"has_key": False}, reason=reason
        )


async def _security(work: Work, meter_id: MeterId, now: Now) -> MeterSecurity:
    found = await work[AccessStore].security(meter_id, now.thresholds, now.s)
    assert found is not None  # noqa: S101 read in this transaction
    return found


async def _open_unknown(work: Work, imei: int) -> None:
    found = await work[AccessStore].unknown_one(imei)
    if found is None:
        raise Problem("not-found")
    if found.status == "accepted":
        raise Problem("already-done", state=found.status)


def _imei(text: str) -> int:
    if not is_imei(text):
        raise Problem("not-found")
    return int(text)
