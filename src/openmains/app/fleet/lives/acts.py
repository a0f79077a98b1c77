# SPDX-License-Identifier: Apache-2.0
"""Acts on installations: install, exchange, remove, move, accept; and those of the warehouse. Decided by ``domain/fleet/hanging.py`` on what is
locked, written once for the caller's key, with the meter's row, which reports and edges read, and with the trail."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct, json, to_builtins

from openmains.app.fleet.lives.model import (
    AcceptanceRequest,
    ActKind,
    ExchangeRequest,
    GivenRegister,
    InstallationRequest,
    MeterLife,
    MeterName,
    MoveRequest,
    RemoveRequest,
    StoreRequest,
)
from openmains.app.fleet.lives.ports import ActNote, HeldAccount, HeldMeter, KnownAct, LifeStore
from openmains.app.fleet.model import Dimension
from openmains.app.fleet.ports import Dimensions, MeterStore
from openmains.app.fleet.register import copy_beside
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.hanging import (
    Change,
    EndRegister,
    LifeActRefusedError,
    Refusal,
    RegisterSource,
    accept,
    exchange,
    install,
    move,
    remove,
    step,
)
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.fleet.meter_life import ACT_WORDS, LIFE_WORDS, Life, LifeAct
from openmains.domain.fleet.meter_number import NumberFit, fit_of
from openmains.domain.ids import AccountId, InstallationId, MeterId
from openmains.domain.period import day_to_date, utc, zone
from openmains.domain.readings.manual import units_of

Digits = Callable[[str], int]
"""How many digits of a driver's frames are compared with the registered number."""
T = TypeVar("T")


async def done_before(work: Work, key: str, asked: str) -> list[KnownAct]:
    """What was done under a key, locked for this act; none: it is new. Raises ``act-key-used`` where something else was asked."""
    done = await work[LifeStore].lock_key(key)
    if any(before.asked != asked for before in done):
        raise Problem("act-key-used", taken=key)
    return done


class LifeActs:
    """The use cases of one request. ``now_us``: its clock. Accounts are locked before meters, as acts on accounts do, which write the holder
    into their meters: two acts never wait for each other."""

    def __init__(self, store: Store, dimensions: Dimensions, actor: Actor, digits: Digits, now_us: int) -> None:
        self._store = store
        self._dimensions = dimensions
        self._actor = actor
        self._digits = digits
        self._now_s = now_us // 1_000_000
        self._copies: list[Dimension | None] = []

    async def install(self, wanted: InstallationRequest) -> MeterLife:
        """A meter that was issued hangs at an account. Another person has to accept it.

        :raises Problem: ``reason-needed``, ``meter-unknown``, ``bar-code-shared``, ``pair-differs`` with both numbers, ``act-key-used``,
            ``invalid-input`` for an account that is not there, and what ``domain/fleet/hanging.py`` refuses.
        """
        note = self._note(wanted, "install", wanted.person, wanted.contractor)

        async def act(work: Work) -> MeterLife:
            account = await _account(work, wanted.account_id, wanted.account_number)
            (meter,) = await self._locked(work, [wanted.meter])
            opening = _end(meter, wanted.opening, "/opening")
            change = _decided(install, meter.facts, account.facts, *self._at(note), opening)
            await self._hang(work, meter, account, note.at, {} if wanted.place is None else {"place": wanted.place})
            await _write(work, change, note, None)
            return await self._record(work, "install_meter", [meter], note)

        return await self._once(note, act)

    async def exchange(self, wanted: ExchangeRequest) -> MeterLife:
        """One act, at one instant; answered with the new meter. Raises as ``install``, for both meters."""
        note = self._note(wanted, "remove", wanted.person, wanted.contractor)

        async def act(work: Work) -> MeterLife:
            held_at = await work[LifeStore].account_where(await self._find(work, wanted.old))
            account = None if held_at is None else await _account(work, held_at)
            old, new = await self._locked(work, [wanted.old, wanted.new])
            span = old.facts.hangs
            if span is None:
                raise _refused(LifeActRefusedError(Refusal.NOT_HANGING, number=old.facts.number))
            if account is None or span.account_id != account.facts.account_id:
                raise Problem("changed-meanwhile")
            closing, opening = _end(old, wanted.closing, "/closing"), _end(new, wanted.opening, "/opening")
            off, on = _decided(
                exchange, old.facts, new.facts, account.facts, *self._at(note), closing, opening
            )  # fmt: skip
            await _write(work, off, note, new)
            await self._take_off(work, old, note.at)
            await self._hang(work, new, account, note.at, {})
            await _write(work, on, replace(note, kind="install"), old)
            return await self._record(work, "exchange_meter", [old, new], note)

        return await self._once(note, act)

    async def remove(self, wanted: RemoveRequest) -> MeterLife:
        """A meter is taken off and nothing comes in its place. Raises as ``install``."""
        note = self._note(wanted, "remove", wanted.person)

        async def act(work: Work) -> MeterLife:
            (meter,) = await self._locked(work, [wanted.meter])
            change = _decided(remove, meter.facts, *self._at(note), _end(meter, wanted.closing, "/closing"))
            await _write(work, change, note, None)
            await self._take_off(work, meter, note.at)
            return await self._record(work, "take_off_meter", [meter], note)

        return await self._once(note, act)

    async def move(self, wanted: MoveRequest) -> MeterLife:
        """A meter that stays on its wall belongs to another account from an instant on. Raises as ``install``."""
        note = self._note(wanted, "move")

        async def act(work: Work) -> MeterLife:
            account = await _account(work, wanted.account_id, wanted.account_number)
            (meter,) = await self._locked(work, [wanted.meter])
            register = _end(meter, wanted.register, "/register")
            await _write(work, _decided(move, meter.facts, account.facts, *self._at(note), register), note, None)
            where = {"area_id": account.area_id, "address": account.address, "customer_id": account.customer_id}
            await _change(work, meter, where)
            return await self._record(work, "move_meter", [meter], note)

        return await self._once(note, act)

    async def accept(self, installation_id: InstallationId, wanted: AcceptanceRequest) -> MeterLife:
        """Another person than the one who entered it puts an installation in use; not while the meter's frames carry another number.

        :raises Problem: ``not-found``, ``pair-differs``, ``own-installation``, ``wrong-order``, ``act-key-used``.
        """
        note = self._note(wanted, "accept", needs_reason=False)

        async def act(work: Work) -> MeterLife:
            found = await work[LifeStore].installation(installation_id)
            if found is None:
                raise Problem("not-found")
            (meter,) = await work[LifeStore].lock([found.meter_id])
            if meter.installation_id != installation_id:
                raise _refused(LifeActRefusedError(Refusal.NOT_HANGING, number=meter.facts.number))
            self._check_frames(meter)
            change = _decided(accept, meter.facts, *self._at(note), meter.entered_by, self._actor.user_id)
            await _write(work, change, note, None)
            return await self._record(work, "accept_meter", [meter], note)

        return await self._once(note, act)

    async def act(self, wanted: StoreRequest) -> MeterLife:
        """What touches no installation: brought back unused, to repair, back into stock, scrapped. Raises as ``install``."""
        note = self._note(wanted, wanted.kind)

        async def act(work: Work) -> MeterLife:
            (meter,) = await self._locked(work, [wanted.meter])
            life = _decided(step, meter.facts, LifeAct(wanted.kind), *self._at(note))
            await _write(work, Change(meter.facts.meter_id, meter.facts.life, life), note, None)
            if life is Life.SCRAP:  # its module or radio may be another meter's; its number and bar code never are
                await _change(work, meter, {"imei": None, "dev_eui": None})
            return await self._record(work, "act_on_stock", [meter], note)

        return await self._once(note, act)

    async def _once(self, note: ActNote, act: Callable[[Work], Awaitable[MeterLife]]) -> MeterLife:
        """What the act answers, or what the same act answered before; the copy beside the readings follows after the commit."""
        async with self._store.tenant(self._actor.tenant_id) as work:
            if done := await done_before(work, note.key, note.asked):
                return await _life(work, done[-1].meter_id)
            told = await act(work)
        for row in self._copies:
            await copy_beside(self._dimensions, row)
        return told

    def _note(
        self, wanted: Any, kind: ActKind, person: str = "", contractor: str = "", *, needs_reason: bool = True
    ) -> ActNote:
        reason = stated(wanted.reason) if needs_reason else " ".join(wanted.reason.split())
        at = effective(wanted.at, self._now_s)
        return ActNote(
            wanted.key, kind, at, person.strip(), contractor.strip(), reason, fingerprint(wanted), self._actor.user_id
        )  # fmt: skip

    def _at(self, note: ActNote) -> tuple[int, int]:
        return int(note.at.timestamp()), self._now_s

    async def _locked(self, work: Work, names: Sequence[MeterName]) -> list[HeldMeter]:
        """Each meter that was named, if all that was read of it is one meter's; locked in one order, so that two acts never wait for
        each other."""
        ids = [await self._find(work, name) for name in names]
        locked = {meter.facts.meter_id: meter for meter in await work[LifeStore].lock(sorted(set(ids)))}
        for meter_id, name in zip(ids, names, strict=True):
            await self._check_pair(work, locked[meter_id], name)
        return [locked[meter_id] for meter_id in ids]

    async def _find(self, work: Work, name: MeterName) -> MeterId:
        said = name.number or name.bar_code
        if not said:
            raise Problem("invalid-input", fields=(("/meter", "required"),))
        found = await work[LifeStore].find(name.number, name.bar_code)
        if not found:
            raise Problem("meter-unknown", name=said)
        if len(found) > 1:
            raise Problem("bar-code-shared", name=said)
        return found[0]

    async def _check_pair(self, work: Work, meter: HeldMeter, name: MeterName) -> None:
        """All that was read belongs to one meter, or both numbers are shown (R8.4)."""
        number = meter.facts.number
        if not meter.is_meter:
            raise Problem("no-registers")
        if name.bar_code and name.bar_code != meter.bar_code:
            raise Problem("pair-differs", number=number, known=meter.bar_code or "—", given=name.bar_code)
        if name.imei is not None and int(name.imei) != meter.imei:
            other = await work[LifeStore].of_imei(int(name.imei))
            known = "—" if meter.imei is None else imei_text(meter.imei)
            raise Problem(
                "pair-differs", number=number, known=known, given=f"{name.imei}{f' ({other})' if other else ''}"
            )
        if name.frame_number:
            self._compare(meter, int(name.frame_number))
        self._check_frames(meter)

    def _check_frames(self, meter: HeldMeter) -> None:
        if meter.strange_number is not None:
            self._compare(meter, meter.strange_number)

    def _compare(self, meter: HeldMeter, carried: int) -> None:
        fit = fit_of(carried, meter.facts.number, meter.bar_code, self._digits(meter.driver))
        if fit is NumberFit.DIFFERS:
            raise Problem("pair-differs", number=meter.facts.number, known=meter.facts.number, given=carried)

    async def _hang(
        self, work: Work, meter: HeldMeter, account: HeldAccount, at: datetime, values: dict[str, Any]
    ) -> None:
        on = day_to_date(zone(self._actor.zone).day_of(int(at.timestamp())))
        await _change(
            work,
            meter,
            values
            | {
                "removed_on": None, "installed_on": on, "expected_from": on, "area_id": account.area_id,
                "address": account.address, "customer_id": account.customer_id,
            },
            Life.INSTALLED,
        )  # fmt: skip

    async def _take_off(self, work: Work, meter: HeldMeter, at: datetime) -> None:
        on = day_to_date(zone(self._actor.zone).day_of(int(at.timestamp())))
        await _change(work, meter, {"removed_on": on}, Life.REMOVED)

    async def _record(self, work: Work, action: str, meters: Sequence[HeldMeter], note: ActNote) -> MeterLife:
        """The trail of each meter; answered with the last one as it is now."""
        found = [await _life(work, MeterId(meter.facts.meter_id)) for meter in meters]
        for meter, after in zip(meters, found, strict=True):
            before = {"life": meter.facts.life, "number": meter.facts.number}
            hung = to_builtins(after.installations[:1])
            told = {"life": after.life, "key": note.key, "at": note.at.isoformat(), "installations": hung}
            await work[AuditTrail].record(
                self._actor, action, "meter", after.meter_id, before, told, reason=note.reason
            )  # fmt: skip
            self._copies.append(await work[MeterStore].dimension(after.meter_id))
        return found[-1]


def effective(at: datetime | None, now_s: int) -> datetime:
    """When an act takes effect, to the second: now, or an instant that was. Raises ``invalid-input``."""
    if at is None:
        return utc(now_s)
    if at.tzinfo is None:
        raise Problem("invalid-input", fields=(("/at", "without-zone"),))
    if not 1970 < at.year <= 2100 or int(at.timestamp()) > now_s:  # to the second, as the clock is told here
        raise Problem("invalid-input", fields=(("/at", "in-the-future" if at.year > 1970 else "before-1950"),))
    return utc(int(at.timestamp()))


def fingerprint(wanted: Struct) -> str:
    """Of a request, by which a repeat of it is known."""
    return fingerprint_all([wanted])


def fingerprint_all(wanted: Sequence[Struct]) -> str:
    """The same of several."""
    return hashlib.sha256(json.encode([type(wanted[0]).__name__, *wanted])).hexdigest()[:32]


def _decided(decide: Callable[..., T], *values: Any) -> T:
    try:
        return decide(*values)
    except LifeActRefusedError as error:
        raise _refused(error) from error


async def _write(work: Work, change: Change, note: ActNote, other: HeldMeter | None) -> None:
    if not await work[LifeStore].write(change, note, None if other is None else MeterId(other.facts.meter_id)):
        raise Problem("changed-meanwhile")


async def _change(work: Work, meter: HeldMeter, values: dict[str, Any], life: Life | None = None) -> None:
    """The meter's row, by the one door that edges and searches follow."""
    values = values if life is None else values | {"life": life}
    if not await work[MeterStore].change(MeterId(meter.facts.meter_id), meter.revision, values):
        raise Problem("changed-meanwhile")


async def _life(work: Work, meter_id: MeterId) -> MeterLife:
    found = await work[LifeStore].life(meter_id)
    assert found is not None  # noqa: S101 locked in this transaction
    return found


async def _account(work: Work, account_id: AccountId | None, number: str = "") -> HeldAccount:
    field = "/account_id" if account_id is not None else "/account_number"
    if account_id is None:
        account_id = await work[LifeStore].account_of(number) if number else None
    found = None if account_id is None else await work[LifeStore].lock_account(account_id)
    if found is None:
        raise Problem("invalid-input", fields=((field, "unknown-reference" if account_id or number else "required"),))
    if number and found.facts.number != number:
        raise Problem("invalid-input", fields=(("/account_number", "not-accepted"),))
    return found


def _end(meter: HeldMeter, given: GivenRegister, field: str) -> EndRegister:
    whole, _, decimals = given.m3.partition(".")
    read = units_of(int(whole + decimals), len(decimals), meter.unit_exponent)
    if read is None:
        raise Problem("invalid-input", fields=((f"{field}/m3", "too-many-decimals"),))
    return EndRegister(read.register, RegisterSource(given.source), read.digit)


def _refused(error: LifeActRefusedError) -> Problem:
    values: dict[str, Any] = dict(error.values)
    life, act = values.pop("life", None), values.pop("act", None)
    if life is not None:
        values["life"] = LIFE_WORDS[Life(str(life))]
    if act is not None:
        values["act"] = ACT_WORDS[LifeAct(str(act))]
    return Problem(error.refusal, **values)
