# SPDX-License-Identifier: Apache-2.0
"""What the signer decides. Every answer is written down first; the same question has the same answer.

who         a password that only the signer knows the hash of, looked at outside the lock (``people``)
stop        the switch, asked each time
rules       domain.command.safety over facts that persons signed and the registry, the stricter of both (``facts``); when authorised
            and again when signed
four eyes   another person of the tenant who is enrolled as an approver
safety      closings because of a danger have rules of their own, and stand in the ledger until two persons have lifted them:
            meanwhile nothing is opened (domain.command.safety_closing)
quotas      numbers and money, counted in the ledger when authorised; what is over waits in quarantine for a second person
frame       counter + 1, stored, then given out; a repeat gives the same bytes
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signer.counting import QuotaCounts
from openmains.app.command.signer.facts import LedgerFacts, SignedFacts
from openmains.app.command.signer.keys import command_key, mac_of
from openmains.app.command.signer.people import PersonCheck
from openmains.app.command.signer.ports import Closing, Entry, Ledger, Person, Registry, RegistryAwayError, Standing
from openmains.app.command.signing_ports import (
    Credential,
    FactsSummary,
    SignedFrame,
    SignerRefusedError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.domain.command import amounts, effects, safety_closing
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.meter_bounds import beyond_meter
from openmains.domain.command.named_meter import names_another
from openmains.domain.command.price_band import within_band
from openmains.domain.command.safety import MeterFacts, Need, Refusal, needs_second, refusal
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.domain.period import DAY_S

MOST_AT_ONCE = 100_000
COUNTERS_SINCE = (
    1_577_836_800  # 2020: counters are at least the seconds since, so that an older ledger, restored, goes on above
)
_UNKNOWN = "unknown"


def content_hash(meter_id: MeterId, kind: str, params: Mapping[str, Any], not_after: int) -> bytes:
    """What a request means, to compare repeats."""
    return hashlib.sha256(msgspec.json.encode([meter_id, kind, dict(params), not_after], order="sorted")).digest()


class Authority:
    """One for the process; calls that change the ledger do not overlap. ``clock_s``: wall clock, s."""

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        drivers: CommandDrivers,
        switch: StopSwitch,
        master: bytes,
        *,
        clock_s: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._facts = SignedFacts(ledger, registry)
        self._drivers = drivers
        self._switch = switch
        self._master = master
        self._clock_s = clock_s
        self._people = PersonCheck(ledger, clock_s=clock_s)
        self._lock = asyncio.Lock()

    async def check(self, tenant_id: TenantId, kinds: Sequence[str], given: Credential) -> None:
        """Whether this person may ask for these kinds at all; nothing is written. Raises ``SignerRefusedError``."""
        _check_rights(await self._people.check(tenant_id, given, approver=False), kinds)

    # requests -------------------------------------------------------------------------------------------------------

    async def authorise(
        self, tenant_id: TenantId, requests: Sequence[SignRequest], operator: Credential
    ) -> list[Verdict]:
        """Write the requests down as authorised, waiting for a second person, quarantined or refused."""
        if len(requests) > MOST_AT_ONCE:
            raise SignerRefusedError("too_many")
        person = await self._people.check(tenant_id, operator, approver=False)
        _check_rights(person, [request.kind for request in requests])
        async with self._lock:
            self._people.still(person)
            if self._switch.stopped(tenant_id):
                return [Verdict(request.unique_key, "stopped") for request in requests]
            now = self._clock_s()
            facts = await self._facts.of(tenant_id, [request.meter_id for request in requests], now)
            known = self._ledger.entries(tenant_id, [request.unique_key for request in requests])
            fresh: dict[str, Entry] = {}
            for request in requests:
                entry = self._entry(tenant_id, request, facts.get(request.meter_id), operator.login, now)
                before = known.get(request.unique_key) or fresh.get(request.unique_key)
                if before is not None and before.content != entry.content:
                    raise SignerRefusedError("key_used")
                if before is None:
                    fresh[request.unique_key] = entry
            said = {request.unique_key: request.params for request in requests}
            await self._place(tenant_id, list(fresh.values()), said, facts, now)
            with self._ledger.writing():
                for entry in fresh.values():
                    self._ledger.put(entry)
                    self._note_closing(entry, said[entry.unique_key])
            known |= fresh
            return [_verdict(known[request.unique_key]) for request in requests]

    async def approve(self, tenant_id: TenantId, unique_keys: Sequence[str], approver: Credential) -> list[Verdict]:
        """A second person agrees; quotas other than the operator's still hold."""
        person = await self._people.check(tenant_id, approver, approver=True)
        async with self._lock:
            self._people.still(person)
            if self._switch.stopped(tenant_id):
                return [Verdict(key, "stopped") for key in unique_keys]
            known = self._ledger.entries(tenant_id, unique_keys)
            open_ones = [
                entry for entry in known.values() if entry.standing in (Standing.NEEDS_APPROVAL, Standing.QUARANTINED)
            ]
            if any(entry.operator == approver.login for entry in open_ones):
                raise SignerRefusedError("own_request")
            now = self._clock_s()
            facts = await self._facts.of(tenant_id, [entry.meter_id for entry in open_ones], now)
            count = await self._counting(tenant_id, now)
            with self._ledger.writing():
                for entry in open_ones:
                    forbidden = self._forbidden(entry.kind, facts.get(entry.meter_id), entry.not_after - now)
                    forbidden = forbidden or self._lifted(entry) or self._withdrawn(entry)
                    entry.approver = approver.login
                    if forbidden is not None or entry.not_after <= now:
                        entry.standing, entry.reason = Standing.REFUSED, forbidden or "expired"
                    else:
                        self._grant(entry, count, now, seconded=True)
                    self._ledger.put(entry)
            return [_verdict(known[key]) if key in known else Verdict(key, _UNKNOWN) for key in unique_keys]

    async def verdicts(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> list[Verdict]:
        """How requests stand. Of configuration, what two persons agreed to and had no room in a quota is authorised once there is."""
        known = self._ledger.entries(tenant_id, unique_keys)
        waiting = [entry for entry in known.values() if _waits_for_room(entry)]
        if waiting and not self._switch.stopped(tenant_id):
            await self._admit(tenant_id, [entry.unique_key for entry in waiting])
            known = self._ledger.entries(tenant_id, unique_keys)
        return [_verdict(known[key]) if key in known else Verdict(key, _UNKNOWN) for key in unique_keys]

    async def _admit(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> None:
        async with self._lock:
            try:
                count = await self._counting(tenant_id, self._clock_s())
            except RegistryAwayError:
                return  # they wait on
            now = self._clock_s()
            with self._ledger.writing():
                for entry in self._ledger.entries(tenant_id, unique_keys).values():
                    if _waits_for_room(entry) and entry.not_after > now and self._withdrawn(entry) is None:
                        self._grant(entry, count, now, seconded=True)
                        self._ledger.put(entry)

    async def sign(self, wanted: Sequence[ToSign]) -> list[SignedFrame | Verdict]:
        """The frames of authorised requests, each made once, then always the same. One transaction of the ledger, and so one
        sync, for all: it has ended before any of them is handed out."""
        if len(wanted) > MOST_AT_ONCE:
            raise SignerRefusedError("too_many")
        async with self._lock:
            of_tenant: dict[TenantId, list[ToSign]] = {}
            for item in wanted:
                of_tenant.setdefault(item.tenant_id, []).append(item)
            known: dict[tuple[int, str], Entry] = {}
            facts: dict[int, LedgerFacts] = {}
            now = self._clock_s()
            for tenant_id, items in of_tenant.items():
                found = self._ledger.entries(tenant_id, list({item.request.unique_key for item in items}))
                known |= {(tenant_id, key): entry for key, entry in found.items()}
                new = [e.meter_id for e in found.values() if e.frame is None or e.kind is Kind.VALVE_OPEN]
                if new and not self._switch.stopped(tenant_id):
                    facts |= await self._facts.of(tenant_id, new, now)
            stopped = {tenant_id for tenant_id in of_tenant if self._switch.stopped(tenant_id)}
            with self._ledger.writing():
                return [
                    Verdict(item.request.unique_key, "stopped")
                    if item.tenant_id in stopped
                    else self._sign(
                        item.request,
                        item.serial,
                        known.get((item.tenant_id, item.request.unique_key)),
                        facts.get(item.request.meter_id),
                        now,
                    )
                    for item in wanted
                ]

    def _sign(
        self, item: SignRequest, serial: int, entry: Entry | None, facts: LedgerFacts | None, now: int
    ) -> SignedFrame | Verdict:
        """One frame, written down within the caller's transaction."""
        if entry is None:
            return Verdict(item.unique_key, _UNKNOWN)
        if entry.content != content_hash(item.meter_id, item.kind, item.params, item.not_after):
            return Verdict(item.unique_key, "refused", "not_what_was_authorised")
        if entry.standing is not Standing.AUTHORISED:
            return _verdict(entry)
        if entry.kind is Kind.VALVE_OPEN and facts is not None and facts.closed_for_safety:
            return self._refuse(
                entry, Refusal.CLOSED_FOR_SAFETY
            )  # also one that went out before: no repeat may open it
        if entry.frame is not None:
            return SignedFrame(item.unique_key, entry.frame, entry.counter)
        if item.not_after <= now:
            return Verdict(item.unique_key, "refused", "expired")
        forbidden = self._forbidden(entry.kind, facts, item.not_after - now) or self._lifted(entry)
        forbidden = forbidden or self._forbidden_by_effect(entry.kind, item.params, facts)
        forbidden = forbidden or self._beyond(entry.kind, item, facts) or self._withdrawn(entry)
        forbidden = forbidden or self._alone_no_more(entry, item.params, facts)
        if facts is None or forbidden is not None:
            return self._refuse(entry, forbidden or _UNKNOWN)
        driver = self._drivers.command_driver(facts.meter.driver)
        if driver is None:
            return self._refuse(entry, "not_by_this_driver")
        counter = max(self._ledger.next_counter(item.meter_id), now - COUNTERS_SINCE)
        mac = mac_of(command_key(self._master, item.meter_id))
        try:
            frame = driver.command(
                item.kind, safety_closing.for_the_meter(entry.kind, item.params), serial=serial, counter=counter,
                not_after=item.not_after, mac=mac,
            )  # fmt: skip
        except ValueError:
            return self._refuse(entry, Refusal.WRONG_PARAMETERS)
        entry.frame, entry.counter, entry.serial = frame, counter, serial
        self._ledger.put(entry)
        if entry.kind is Kind.SET_PRICE:
            self._ledger.note_price(entry.tenant_id, entry.meter_id, item.params)
        return SignedFrame(item.unique_key, frame, counter)

    async def lift(
        self, tenant_id: TenantId, meter_id: MeterId, note: str, inspector: Credential, approver: Credential
    ) -> bool:
        """The site of a safety closing was inspected: two persons, one of them an approver, end what stands in the ledger. The meter
        itself opens by its key only. False: nothing stands. Raises ``SignerRefusedError``."""
        first = await self._people.check(tenant_id, inspector, approver=False)
        second = await self._people.check(tenant_id, approver, approver=True)
        if first.login == second.login:
            raise SignerRefusedError("own_request")
        async with self._lock:
            self._people.still(first)
            self._people.still(second)
            return self._ledger.lift(tenant_id, meter_id, inspector.login, approver.login, note, self._clock_s())

    async def facts(self, tenant_id: TenantId, *, new_only: bool, meter_ids: Sequence[MeterId]) -> FactsSummary:
        """Where the registry differs from what persons signed."""
        return await self._facts.summary(tenant_id, new_only=new_only, meter_ids=meter_ids, now=self._clock_s())

    async def sign_facts(
        self, tenant_id: TenantId, list_hash: str, reason: str, operator: Credential, second: Credential | None, *,
        new_only: bool, meter_ids: Sequence[MeterId],
    ) -> int:  # fmt: skip
        """Persons sign a list of facts, an approver with them where one is not enough; how many copies changed."""
        first = await self._people.check(tenant_id, operator, approver=False)
        other = None if second is None else await self._people.check(tenant_id, second, approver=True)
        if other is not None and first.login == other.login:
            raise SignerRefusedError("own_request")

        def still() -> None:
            for person in (first, *(() if other is None else (other,))):
                self._people.still(person)

        return await self._facts.sign(
            tenant_id, list_hash, reason, first, other, still, self._clock_s(), new_only=new_only, meter_ids=meter_ids
        )

    async def check_approver(self, tenant_id: TenantId, approver: Credential) -> None:
        """For ending a stop; raises ``SignerRefusedError``."""
        await self._people.check(tenant_id, approver, approver=True)

    # rules ----------------------------------------------------------------------------------------------------------

    def _entry(
        self, tenant_id: TenantId, request: SignRequest, facts: LedgerFacts | None, operator: str, now: int
    ) -> Entry:
        kind = Kind(request.kind) if request.kind in set(Kind) else None
        if kind is None or not RULES[kind].signed:
            raise SignerRefusedError(Refusal.NOT_SIGNED_KIND)
        content = content_hash(request.meter_id, kind, request.params, request.not_after)
        forbidden = self._forbidden(kind, facts, request.not_after - now)
        if forbidden is None and safety_closing.fault(kind, request.params) is not None:
            forbidden = Refusal.WRONG_PARAMETERS
        forbidden = forbidden or self._forbidden_by_effect(kind, request.params, facts)
        amount = 0 if facts is None else amounts.amount_of(kind, request.params, self._settings(facts.meter))
        if forbidden is None and amount > amounts.MOST_ACT:
            forbidden = Refusal.TOO_MUCH
        forbidden = forbidden or self._beyond(kind, request, facts)
        if forbidden is None and request.not_after <= now:
            forbidden = "expired"
        standing = Standing.NEEDS_APPROVAL if forbidden is None else Standing.REFUSED
        area_id = facts.meter.area_id if facts else AreaId(0)
        return Entry(
            tenant_id, request.unique_key, request.meter_id, area_id, kind, content, request.not_after, standing,
            forbidden or "", operator, asked_at=now, amount=amount,
        )  # fmt: skip

    def _forbidden(self, kind: Kind, facts: LedgerFacts | None, validity_s: int) -> str | None:
        if facts is None:
            return "unknown_meter"
        found = refusal(kind, facts.meter, validity_s=validity_s, closed_for_safety=facts.closed_for_safety)
        if found is None and kind is Kind.VALVE_CLOSE and facts.paid:
            return Refusal.HAS_CREDIT  # whatever the registry says by now, this signer gave it
        if found is not None:
            return found
        driver = self._drivers.command_driver(facts.meter.driver)
        return None if driver is not None and kind in driver.command_kinds else "not_by_this_driver"

    async def _place(
        self,
        tenant_id: TenantId,
        entries: Sequence[Entry],
        said: Mapping[str, Mapping[str, Any]],
        facts: Mapping[int, LedgerFacts],
        now: int,
    ) -> None:
        """Authorise what one person may, within the quotas. ``said``: parameters by key."""
        allowed = [entry for entry in entries if entry.standing is not Standing.REFUSED]
        if not allowed:
            return
        is_office = await self._facts.is_office(tenant_id, now)
        for entry in allowed:
            meter = facts[entry.meter_id].meter
            if effects.closes(entry.kind, said[entry.unique_key], meter, self._settings(meter)):
                entry.effect = Kind.VALVE_CLOSE  # it has a closing's witnesses, and uses up its quotas
        many = self._many(tenant_id, allowed, now)
        count = await self._counting(tenant_id, now)
        alone, _ = self._ledger.amounts(now - DAY_S, tenant_id, allowed[0].operator)
        for entry in allowed:
            params, meter = said[entry.unique_key], facts[entry.meter_id].meter
            needs: list[Need] = []
            for kind in (entry.kind, *(() if entry.effect is None else (entry.effect,))):
                needs += needs_second(
                    kind, many[kind], critical=meter.is_critical, is_office=is_office,
                    immediate=safety_closing.is_immediate(params, reported=meter.danger_reported),
                )  # fmt: skip
            if entry.amount > amounts.ALONE_ACT or (entry.amount and alone + entry.amount > amounts.ALONE_DAY):
                needs.append(Need.AMOUNT)
            if entry.kind is Kind.SET_PRICE and not within_band(params, self._ledger.price(tenant_id, entry.meter_id)):
                needs.append(Need.PRICE)
            needs += self._unproven(entry, params, meter)
            if needs:
                entry.standing, entry.reason = Standing.NEEDS_APPROVAL, ",".join(dict.fromkeys(needs))
            else:
                self._grant(entry, count, now, seconded=False)
                alone += entry.amount if entry.standing is Standing.AUTHORISED else 0

    def _unproven(self, entry: Entry, params: Mapping[str, Any], meter: MeterFacts) -> list[Need]:
        """What rests on facts that nobody signed, or on a balance that came up without a MAC, needs another pair of eyes."""
        found = [] if meter.is_signed or entry.kind is Kind.SAFETY_CLOSE else [Need.FACTS_UNSIGNED]
        limits = effects.thresholds(entry.kind, params, self._settings(meter))
        rests = (meter.prepaid and (entry.kind is Kind.VALVE_CLOSE or limits)) or (meter.is_protected and limits)
        return [*found, Need.CREDIT_UNPROVEN] if rests else found

    def _alone_no_more(self, entry: Entry, params: Mapping[str, Any], facts: LedgerFacts | None) -> str | None:
        """Why what one person gave alone goes out no more: what the meter is said to be since then needs a second one."""
        if facts is None or entry.approver or entry.kind is Kind.SAFETY_CLOSE:
            return None
        needs = self._unproven(entry, params, facts.meter)
        if facts.meter.is_critical and Kind.VALVE_CLOSE in (entry.kind, entry.effect):
            needs.append(Need.CRITICAL)
        return needs[0] if needs else None

    def _many(self, tenant_id: TenantId, entries: Sequence[Entry], now: int) -> Mapping[Kind, int]:
        """Meters to which this person gives each kind now, or gave it alone within a day: one by one is many too."""
        found: dict[Kind, int] = {}
        for kind in {entry.kind for entry in entries} | {entry.effect for entry in entries if entry.effect}:
            meters = {entry.meter_id for entry in entries if kind in (entry.kind, entry.effect)}
            found[kind] = len(meters | self._ledger.given_alone(kind, now - DAY_S, tenant_id, entries[0].operator))
        return found

    async def _counting(self, tenant_id: TenantId, now: int) -> QuotaCounts:
        return QuotaCounts(self._ledger, tenant_id, await self._facts.sizes(tenant_id), now)

    def _note_closing(self, entry: Entry, params: Mapping[str, Any]) -> None:
        if entry.kind is Kind.SAFETY_CLOSE and entry.standing is not Standing.REFUSED:
            immediate = entry.standing is Standing.AUTHORISED
            self._ledger.note_closing(
                Closing(entry.tenant_id, entry.unique_key, entry.meter_id, params, entry.operator, immediate)
            )

    def _settings(self, meter: MeterFacts) -> Mapping[str, Any]:
        driver = self._drivers.command_driver(meter.driver)
        return {} if driver is None else driver.settings

    def _forbidden_by_effect(self, kind: Kind, params: Mapping[str, Any], facts: LedgerFacts | None) -> str | None:
        if facts is None:
            return None
        if facts.paid and effects.closes(kind, params, facts.meter, self._settings(facts.meter)):
            return Refusal.HAS_CREDIT
        return effects.refusal_by_effect(kind, params, facts.meter, self._settings(facts.meter))

    def _beyond(self, kind: Kind, request: SignRequest, facts: LedgerFacts | None) -> str | None:
        """The bounds of meter and driver, asked here too: whoever gave it may have asked others, or none."""
        driver = None if facts is None else self._drivers.command_driver(facts.meter.driver)
        if facts is None or driver is None:
            return None
        if names_another(request.params, facts.meter.number):
            return Refusal.OTHER_NUMBER
        units = {name: setting.unit for name, setting in driver.settings.items()}
        if beyond_meter(kind, request.params, units, facts.meter.qmax_l_h, facts.meter.dial) is not None:
            return Refusal.BEYOND_METER
        try:
            said = safety_closing.for_the_meter(kind, request.params)
            driver.command_body(kind, said, serial=1, counter=1, not_after=request.not_after)
        except ValueError:
            return Refusal.WRONG_PARAMETERS
        return None

    def _withdrawn(self, entry: Entry) -> str | None:
        """Why what was given is not signed any more: who gave it, or agreed, is dismissed or has lost the right meanwhile."""
        given = self._ledger.person(entry.tenant_id, entry.operator)
        agreed = self._ledger.person(entry.tenant_id, entry.approver) if entry.approver else None
        if given is None or (RULES[entry.kind].for_administrators and not given.is_administrator):
            return Refusal.PERSON_WITHDRAWN
        return Refusal.PERSON_WITHDRAWN if entry.approver and (agreed is None or agreed.role != "approver") else None

    def _lifted(self, entry: Entry) -> str | None:
        """Why a safety closing whose site was inspected meanwhile goes out no more."""
        is_closing = entry.kind is Kind.SAFETY_CLOSE
        return "site_inspected" if is_closing and self._ledger.is_lifted(entry.tenant_id, entry.unique_key) else None

    def _grant(self, entry: Entry, count: QuotaCounts, now: int, *, seconded: bool) -> None:
        over = count.one_more(entry, seconded=seconded)
        if over is None:
            entry.standing, entry.reason, entry.authorised_at = Standing.AUTHORISED, "", now
        else:
            entry.standing, entry.reason = Standing.QUARANTINED, over

    def _refuse(self, entry: Entry, reason: str) -> Verdict:
        entry.standing, entry.reason = Standing.REFUSED, reason
        with self._ledger.writing():
            self._ledger.put(entry)
        return _verdict(entry)


def _check_rights(person: Person, kinds: Sequence[str]) -> None:
    if not person.is_administrator and any(_for_administrators(kind) for kind in kinds):
        raise SignerRefusedError("not_an_administrator")


def _for_administrators(kind: str) -> bool:
    return kind in set(Kind) and RULES[Kind(kind)].for_administrators


def _waits_for_room(entry: Entry) -> bool:
    """Two persons agreed, and only a quota of configuration was full. A closing or money is not let go by time alone."""
    return entry.standing is Standing.QUARANTINED and entry.approver != "" and RULES[entry.kind].configures


def _verdict(entry: Entry) -> Verdict:
    return Verdict(entry.unique_key, entry.standing.value, entry.reason)
