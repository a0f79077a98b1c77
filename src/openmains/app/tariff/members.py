# SPDX-License-Identifier: Apache-2.0
"""Which meters pay by which tariff, since when: entries that are added, never changed; the newest of a meter holds."""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.tariff.document import day_of
from openmains.app.tariff.model import NewMember
from openmains.app.tariff.plans import tariff_of
from openmains.app.tariff.ports import TariffStore
from openmains.app.unit_of_work import Store


async def add_members(
    store: Store,
    actor: Actor,
    tariff_id: int,
    members: Sequence[NewMember],
    from_day: str,
    reason: str,
    today: int,
    now_us: int,
) -> None:
    """All or none. Raises ``not-found``, ``reason-needed``, ``invalid-input`` with the place of each that cannot be taken."""
    why = stated(reason)
    day = day_of(from_day, "/from_day")
    faults: list[tuple[str, str]] = []
    ids = [one.meter_id for one in members]
    for index, one in enumerate(members):
        if day_of(one.began, f"/members/{index}/began") > day:
            faults.append((f"/members/{index}/began", "out-of-range"))
        if ids.index(one.meter_id) != index:
            faults.append((f"/members/{index}/meter_id", "twice"))
    async with store.tenant(actor.tenant_id) as work:
        tariff = await tariff_of(work, tariff_id, today)
        unknown = set(await work[TariffStore].unknown_meters(ids, tariff.medium))
        faults += (
            (f"/members/{index}/meter_id", "unknown-reference") for index, one in enumerate(ids) if one in unknown
        )
        elsewhere = set(await work[TariffStore].hung_elsewhere(members, day))
        faults += (
            (f"/members/{index}/account_id", "hangs-elsewhere") for index, one in enumerate(ids) if one in elsewhere
        )
        if faults:
            raise Problem("invalid-input", fields=tuple(faults[:20]))
        await work[TariffStore].add_members(tariff_id, members, day, actor.user_id, now_us)
        told = {"from_day": from_day, "members": len(members), "meters": ids[:20]}
        await work[AuditTrail].record(actor, "add_members", "tariff", tariff_id, None, told, reason=why)
