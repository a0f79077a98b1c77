# SPDX-License-Identifier: Apache-2.0
"""What the signer decides. Every answer is written down first; the same question has the same answer.

who         a password that only the signer knows the hash of; failures lock, longer each time
stop        the switch, asked each time
rules       domain.command.safety over facts the signer read itself, when authorised and again when signed
four eyes   another person of the tenant who is enrolled as an approver
quotas      counted in the ledger when authorised; what is over waits in quarantine for a second person
frame       counter + 1, stored, then given out; a repeat gives the same bytes
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signer.keys import command_key, mac_of
from openmains.app.command.signer.ports import Entry, Ledger, Registry, Standing
from openmains.app.command.signing_ports import (
    Credential,
    SignedFrame,
    SignerRefusedError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.app.identity.hashing import verify_password
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.quota import Scope
from openmains.domain.command.safety import MeterFacts, Refusal, exceeded, needs_second, refusal
from openmains.domain.identity.lockout import delay_s
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.domain.period import utc

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
        self._registry = registry
        self._drivers = drivers
        self._switch = switch
        self._master = master
        self._clock_s = clock_s
        self._lock = asyncio.Lock()

    # people ---------------------------------------------------------------------------------------------------------

    async def _check(self, tenant_id: TenantId, given: Credential, *, approver: bool) -> None:
        """Raises ``SignerRefusedError`` unless it is an enrolled person's password. Guesses are taken one at a time."""
        person = self._ledger.person(tenant_id, given.login)
        now = self._clock_s()
        if person is not None and person.locked_until > now:
            raise SignerRefusedError("locked", person.locked_until - now)
        right = await asyncio.to_thread(verify_password, person.password_hash if person else None, given.password)
        if person is None or not right:
            if person is not None:
                failures = person.failures + 1
                wait = delay_s(failures)
                self._ledger.note_attempt(person, failures, now + wait if wait else 0)
            raise SignerRefusedError("wrong_password")
        if person.failures:
            self._ledger.note_attempt(person, 0, 0)
        if approver and person.role != "approver":
            raise SignerRefusedError("not_an_approver")

    # requests -------------------------------------------------------------------------------------------------------

    async def authorise(
        self, tenant_id: TenantId, requests: Sequence[SignRequest], operator: Credential
    ) -> list[Verdict]:
        """Write the requests down as authorised, waiting for a second person, quarantined or refused."""
        if len(requests) > MOST_AT_ONCE:
            raise SignerRefusedError("too_many")
        async with self._lock:
            await self._check(tenant_id, operator, approver=False)
            if self._switch.stopped(tenant_id):
                return [Verdict(request.unique_key, "stopped") for request in requests]
            facts = await self._registry.facts(tenant_id, [request.meter_id for request in requests])
            known = self._ledger.entries(tenant_id, [request.unique_key for request in requests])
            now = self._clock_s()
            fresh: dict[str, Entry] = {}
            for request in requests:
                entry = self._entry(tenant_id, request, facts.get(request.meter_id), operator.login, now)
                before = known.get(request.unique_key) or fresh.get(request.unique_key)
                if before is not None and before.content != entry.content:
                    raise SignerRefusedError("key_used")
                if before is None:
                    fresh[request.unique_key] = entry
            await self._place(tenant_id, list(fresh.values()), facts, now)
            with self._ledger.writing():
                for entry in fresh.values():
                    self._ledger.put(entry)
            known |= fresh
            return [_verdict(known[request.unique_key]) for request in requests]

    async def approve(self, tenant_id: TenantId, unique_keys: Sequence[str], approver: Credential) -> list[Verdict]:
        """A second person agrees; quotas other than the operator's still hold."""
        async with self._lock:
            await self._check(tenant_id, approver, approver=True)
            if self._switch.stopped(tenant_id):
                return [Verdict(key, "stopped") for key in unique_keys]
            known = self._ledger.entries(tenant_id, unique_keys)
            open_ones = [
                entry for entry in known.values() if entry.standing in (Standing.NEEDS_APPROVAL, Standing.QUARANTINED)
            ]
            if any(entry.operator == approver.login for entry in open_ones):
                raise SignerRefusedError("own_request")
            facts = await self._registry.facts(tenant_id, [entry.meter_id for entry in open_ones])
            now = self._clock_s()
            count = await self._counting(tenant_id, open_ones, now)
            with self._ledger.writing():
                for entry in open_ones:
                    forbidden = self._forbidden(entry.kind, facts.get(entry.meter_id), entry.not_after - now)
                    entry.approver = approver.login
                    if forbidden is not None or entry.not_after <= now:
                        entry.standing, entry.reason = Standing.REFUSED, forbidden or "expired"
                    else:
                        self._grant(entry, count, now, seconded=True)
                    self._ledger.put(entry)
            return [_verdict(known[key]) if key in known else Verdict(key, _UNKNOWN) for key in unique_keys]

    async def verdicts(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> list[Verdict]:
        """How requests stand."""
        known = self._ledger.entries(tenant_id, unique_keys)
        return [_verdict(known[key]) if key in known else Verdict(key, _UNKNOWN) for key in unique_keys]

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
            facts: dict[int, MeterFacts] = {}
            for tenant_id, items in of_tenant.items():
                found = self._ledger.entries(tenant_id, list({item.request.unique_key for item in items}))
                known |= {(tenant_id, key): entry for key, entry in found.items()}
                new = [entry.meter_id for entry in found.values() if entry.frame is None]
                if new and not self._switch.stopped(tenant_id):
                    facts |= await self._registry.facts(tenant_id, new)
            stopped = {tenant_id for tenant_id in of_tenant if self._switch.stopped(tenant_id)}
            now = self._clock_s()
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
        self, item: SignRequest, serial: int, entry: Entry | None, facts: MeterFacts | None, now: int
    ) -> SignedFrame | Verdict:
        """One frame, written down within the caller's transaction."""
        if entry is None:
            return Verdict(item.unique_key, _UNKNOWN)
        if entry.content != content_hash(item.meter_id, item.kind, item.params, item.not_after):
            return Verdict(item.unique_key, "refused", "not_what_was_authorised")
        if entry.standing is not Standing.AUTHORISED:
            return _verdict(entry)
        if entry.frame is not None:
            return SignedFrame(item.unique_key, entry.frame, entry.counter)
        if item.not_after <= now:
            return Verdict(item.unique_key, "refused", "expired")
        forbidden = self._forbidden(entry.kind, facts, item.not_after - now)
        if facts is None or forbidden is not None:
            return self._refuse(entry, forbidden or _UNKNOWN)
        driver = self._drivers.command_driver(facts.driver)
        if driver is None:
            return self._refuse(entry, "not_by_this_driver")
        counter = max(self._ledger.next_counter(item.meter_id), now - COUNTERS_SINCE)
        mac = mac_of(command_key(self._master, item.meter_id))
        try:
            frame = driver.command(
                item.kind, item.params, serial=serial, counter=counter, not_after=item.not_after, mac=mac
            )
        except ValueError:
            return self._refuse(entry, Refusal.WRONG_PARAMETERS)
        entry.frame, entry.counter, entry.serial = frame, counter, serial
        self._ledger.put(entry)
        return SignedFrame(item.unique_key, frame, counter)

    async def check_approver(self, tenant_id: TenantId, approver: Credential) -> None:
        """For ending a stop; raises ``SignerRefusedError``."""
        async with self._lock:
            await self._check(tenant_id, approver, approver=True)

    # rules ----------------------------------------------------------------------------------------------------------

    def _entry(
        self, tenant_id: TenantId, request: SignRequest, facts: MeterFacts | None, operator: str, now: int
    ) -> Entry:
        kind = Kind(request.kind) if request.kind in set(Kind) else None
        if kind is None or not RULES[kind].signed:
            raise SignerRefusedError(Refusal.NOT_SIGNED_KIND)
        content = content_hash(request.meter_id, kind, request.params, request.not_after)
        forbidden = self._forbidden(kind, facts, request.not_after - now)
        if forbidden is None and request.not_after <= now:
            forbidden = "expired"
        standing = Standing.NEEDS_APPROVAL if forbidden is None else Standing.REFUSED
        area_id = facts.area_id if facts else AreaId(0)
        return Entry(
            tenant_id, request.unique_key, request.meter_id, area_id, kind, content, request.not_after, standing,
            forbidden or "", operator, asked_at=now,
        )  # fmt: skip

    def _forbidden(self, kind: Kind, facts: MeterFacts | None, validity_s: int) -> str | None:
        if facts is None:
            return "unknown_meter"
        found = refusal(kind, facts, validity_s=validity_s)
        if found is not None:
            return found
        driver = self._drivers.command_driver(facts.driver)
        return None if driver is not None and kind in driver.command_kinds else "not_by_this_driver"

    async def _place(
        self, tenant_id: TenantId, entries: Sequence[Entry], facts: Mapping[int, MeterFacts], now: int
    ) -> None:
        """Authorise what one person may, within the quotas."""
        allowed = [entry for entry in entries if entry.standing is not Standing.REFUSED]
        if not allowed:
            return
        office = await self._registry.office(tenant_id)
        local = utc(now).astimezone(ZoneInfo(await self._registry.zone(tenant_id)))
        many = {kind: len({e.meter_id for e in allowed if e.kind is kind}) for kind in Kind}
        count = await self._counting(tenant_id, allowed, now)
        for entry in allowed:
            needs = needs_second(
                entry.kind, many[entry.kind], critical=facts[entry.meter_id].is_critical,
                weekday=local.weekday(), minute=local.hour * 60 + local.minute, office=office,
            )  # fmt: skip
            if needs:
                entry.standing, entry.reason = Standing.NEEDS_APPROVAL, ",".join(needs)
            else:
                self._grant(entry, count, now, seconded=False)

    async def _counting(self, tenant_id: TenantId, entries: Sequence[Entry], now: int) -> "_Counting":
        platform, tenant, by_area = await self._registry.sizes(tenant_id)
        return _Counting(self._ledger, tenant_id, platform, tenant, by_area, {e.area_id for e in entries}, now)

    def _grant(self, entry: Entry, count: "_Counting", now: int, *, seconded: bool) -> None:
        over = count.one_more(entry, seconded=seconded)
        if over is None:
            entry.standing, entry.reason, entry.authorised_at = Standing.AUTHORISED, "", now
        else:
            entry.standing, entry.reason = Standing.QUARANTINED, f"quota_{over}"

    def _refuse(self, entry: Entry, reason: str) -> Verdict:
        entry.standing, entry.reason = Standing.REFUSED, reason
        with self._ledger.writing():
            self._ledger.put(entry)
        return _verdict(entry)


class _Counting:
    """What was authorised within each quota's window, counted once and carried on within one call."""

    def __init__(
        self, ledger: Ledger, tenant_id: TenantId, platform: int, tenant: int, by_area: Mapping[int, int],
        areas: set[int], now: int,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._tenant_id = tenant_id
        self._sizes = (platform, tenant, by_area)
        self._areas = sorted(areas)
        self._now = now
        self._used: dict[tuple[Kind, str], tuple[dict[Scope, int], dict[int, int]]] = {}

    def one_more(self, entry: Entry, *, seconded: bool) -> Scope | None:
        """Count it, or name the quota that is full."""
        key = (entry.kind, entry.operator)
        if key not in self._used:
            since = {quota.scope: self._now - quota.window_s for quota in RULES[entry.kind].quotas}
            self._used[key] = self._ledger.counts(entry.kind, self._tenant_id, entry.operator, self._areas, since)
        used, by_area = self._used[key]
        platform, tenant, sizes = self._sizes
        over = exceeded(
            entry.kind,
            {**used, Scope.AREA: by_area.get(entry.area_id, 0)},
            {Scope.UTILITY: tenant, Scope.AREA: sizes.get(entry.area_id, 0), Scope.PLATFORM: platform},
            seconded=seconded,
        )
        if over is None:
            for (kind, operator), (others, areas) in self._used.items():
                if kind is entry.kind:
                    for scope in (Scope.UTILITY, Scope.PLATFORM):
                        others[scope] = others.get(scope, 0) + 1
                    areas[entry.area_id] = areas.get(entry.area_id, 0) + 1
                    if operator == entry.operator:
                        others[Scope.OPERATOR] = others.get(Scope.OPERATOR, 0) + 1
        return over


def _verdict(entry: Entry) -> Verdict:
    return Verdict(entry.unique_key, entry.standing.value, entry.reason)
