# SPDX-License-Identifier: Apache-2.0
"""What a person found or did at a meter, noted once for the caller's key; and the test on the spot, which the platform judges by what it
heard itself: a phone's word that a meter reported counts nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from openmains.app.field.model import SiteTest, SiteTestRequest, SiteVisit, VisitRequest
from openmains.app.field.ports import NewVisit, SiteMeter, VisitStore
from openmains.app.fleet.lives.acts import effective, fingerprint
from openmains.app.fleet.wording import Wording
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.field.checklist import check_fault
from openmains.domain.field.site_test import HeardMeter, signal_of, site_fault
from openmains.domain.fleet.meter_life import HANGING, Life
from openmains.domain.ids import MeterId
from openmains.domain.network.coverage import coverage
from openmains.domain.period import utc_of_us

CLOCK_SLACK_S = 300
"""So far may a phone's clock run ahead of the platform's before its time is refused."""


@dataclass(frozen=True, slots=True)
class Visits:
    """The use cases of one request. ``has_valve``: whether a driver's meters have a valve that commands move."""

    store: Store
    actor: Actor
    wording: Wording
    has_valve: Callable[[str], bool]
    now_us: int

    async def note(self, wanted: VisitRequest) -> SiteVisit:
        """:raises Problem: ``meter-unknown``; ``invalid-input`` for a reason that is missing, an answer that is missing or outside its
        limit (the item by name), a time without zone or in the future; ``act-key-used`` where something else was asked under the key.
        """
        at = self._instant(wanted.at)
        if (wanted.kind == "no_access") != (wanted.no_access is not None):
            raise Problem(
                "invalid-input", fields=(("/no_access", "required" if wanted.no_access is None else "not-accepted"),)
            )
        if wanted.no_access == "other" and not any(sign.isalnum() for sign in wanted.note):
            raise Problem("invalid-input", fields=(("/note", "required"),))

        async def write(work: Work, asked: str) -> SiteVisit:
            meter = await self._meter(work, wanted.meter_id, at)
            if wanted.kind == "installation":
                fault = check_fault(meter.medium, wanted.answers)
                if fault is not None:
                    raise Problem("invalid-input", fields=((f"/answers/{fault[0]}", fault[1]),))
            elif wanted.answers:
                raise Problem("invalid-input", fields=(("/answers", "not-accepted"),))
            visit = NewVisit(
                wanted.key, asked, wanted.kind, meter.meter_id, at, wanted.no_access or "", wanted.note.strip(),
                dict(wanted.answers), self.actor.user_id,
            )  # fmt: skip
            return await self._written(work, visit)

        return await self._once(wanted.key, wanted, wanted.meter_id, write)

    async def look(self, meter_id: MeterId, since: datetime) -> SiteTest:
        """How the test stands now. Raises ``meter-unknown``."""
        since = self._instant(since)
        async with self.store.tenant(self.actor.tenant_id) as work:
            return self._judged(await self._meter(work, meter_id, since), since, "")

    async def test(self, meter_id: MeterId, wanted: SiteTestRequest) -> SiteVisit:
        """Note a test that is passed. Raises as ``note``; ``pair-differs`` with both numbers, ``not-heard-yet``, ``weak-signal``,
        ``valve-not-tested``, ``not-hanging`` for a meter that is not installed."""
        since = self._instant(wanted.since)

        async def write(work: Work, asked: str) -> SiteVisit:
            meter = await self._meter(work, meter_id, since)
            if Life(meter.life) not in HANGING:
                raise Problem("not-hanging", number=meter.number)
            found = self._judged(meter, since, wanted.reason.strip())
            if found.fault == "number-strange":
                raise Problem("pair-differs", number=meter.number, known=meter.number, given=found.strange_number)
            if found.fault == "weak-signal":
                raise Problem("weak-signal", rsrp=_tenths(found.rsrp_ddbm), sinr=_tenths(found.sinr_ddb))
            if found.fault == "not-heard-yet":
                raise Problem("not-heard-yet", number=meter.number)
            if found.fault is not None:
                raise Problem("valve-not-tested", number=meter.number)
            facts: dict[str, Any] = {
                "heard_at": None if found.heard_at is None else found.heard_at.isoformat(), "register_m3": found.register_m3,
                "rsrp_ddbm": found.rsrp_ddbm, "sinr_ddb": found.sinr_ddb, "coverage": found.coverage, "signal": found.signal,
                "closed": found.closed, "opened": found.opened,
            }  # fmt: skip
            visit = NewVisit(
                wanted.key, asked, "test", meter_id, since, wanted.reason.strip(), "", facts, self.actor.user_id
            )
            return await self._written(work, visit)

        return await self._once(wanted.key, wanted, meter_id, write)

    def _judged(self, meter: SiteMeter, since: datetime, reason: str) -> SiteTest:
        has_valve = self.has_valve(meter.driver)
        heard_s = None if meter.last_seen_us is None else meter.last_seen_us // 1_000_000
        since_s = int(since.timestamp())
        heard = HeardMeter(
            heard_s, meter.strange_number, meter.rsrp_ddbm, meter.sinr_ddb, has_valve, meter.closed, meter.opened
        )
        return SiteTest(
            meter_id=meter.meter_id,
            number=meter.number,
            heard_at=None if meter.last_seen_us is None else utc_of_us(meter.last_seen_us),
            register_m3=None if meter.register is None else self.wording.m3(meter.register, meter.driver),
            rsrp_ddbm=meter.rsrp_ddbm,
            sinr_ddb=meter.sinr_ddb,
            coverage=coverage(meter.rsrp_ddbm, meter.sinr_ddb),
            signal=signal_of(meter.rsrp_ddbm, meter.sinr_ddb),
            strange_number=None if meter.strange_number is None else str(meter.strange_number),
            closed=meter.closed if has_valve else None,
            opened=meter.opened if has_valve else None,
            fault=site_fault(heard, since_s, reason),
        )

    def _instant(self, at: datetime) -> datetime:
        """To the second; a little ahead is now: no two clocks are alike."""
        now = utc_of_us(self.now_us)
        if at.tzinfo is not None and now < at <= now + timedelta(seconds=CLOCK_SLACK_S):
            at = now
        return effective(at, self.now_us // 1_000_000)

    async def _meter(self, work: Work, meter_id: MeterId, since: datetime) -> SiteMeter:
        found = await work[VisitStore].site_meter(meter_id, since)
        if found is None:
            raise Problem("meter-unknown", name=meter_id)
        return found

    async def _once(self, key: str, wanted: Struct, meter_id: MeterId, write: Callable[[Work, str], Any]) -> SiteVisit:
        asked = f"{meter_id} {fingerprint(wanted)}"
        async with self.store.tenant(self.actor.tenant_id) as work:
            known = await work[VisitStore].known(key)
            if known is not None:
                if known[1] != asked:
                    raise Problem("act-key-used", taken=key)
                return known[0]
            made: SiteVisit = await write(work, asked)
            return made

    async def _written(self, work: Work, visit: NewVisit) -> SiteVisit:
        made = await work[VisitStore].add(visit)
        await work[AuditTrail].record(
            self.actor, "note_visit", "meter", visit.meter_id, None, made, reason=visit.reason
        )
        return made


def _tenths(value: int | None) -> str:
    return "—" if value is None else f"{value / 10:.1f}"
