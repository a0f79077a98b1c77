# SPDX-License-Identifier: Apache-2.0
"""What a utility says about its own commands: the times of a kind, the share of meters a day, the office hours, what cells carry."""

from collections.abc import Sequence

from openmains.app.command.model import CommandPolicy, SettingTimes
from openmains.app.command.plan_ports import NetworkCapacity, PlanStore
from openmains.app.command.ports import CommandStore
from openmains.app.fleet.ports import ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import ProductId


async def set_times(store: Store, actor: Actor, times: SettingTimes, reason: str) -> None:
    """For commands given from now on. Raises ``invalid-input`` for a product that is not the tenant's, ``reason-needed``."""
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if times.product_id and await work[ProductStore].get(ProductId(times.product_id)) is None:
            raise Problem("invalid-input", fields=(("/product_id", "unknown-reference"),))
        await work[CommandStore].set_times(times)
        await work[AuditTrail].record(actor, "set_command_times", "command", times.kind, None, times, reason=reason)


async def set_policy(store: Store, actor: Actor, policy: CommandPolicy, reason: str) -> None:
    """Raises ``invalid-input`` for office hours that end before they begin, ``reason-needed``."""
    if policy.office_from >= policy.office_to:
        raise Problem("invalid-input", fields=(("/office_to", "not-accepted"),))
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[CommandStore].policy()
        await work[CommandStore].set_policy(policy)
        await work[AuditTrail].record(actor, "set_command_policy", "command", "policy", before, policy, reason=reason)


async def set_capacities(store: Store, actor: Actor, lines: Sequence[NetworkCapacity]) -> None:
    """In place of all that were there. Raises ``invalid-input`` for two lines of one network, and for a worse class that carries more."""
    seen: set[str] = set()
    for place, line in enumerate(lines):
        if line.network in seen:
            raise Problem("invalid-input", fields=((f"/{place}/network", "not-accepted"),))
        if not line.ce0_per_min >= line.ce1_per_min >= line.ce2_per_min:
            raise Problem("invalid-input", fields=((f"/{place}/ce2_per_min", "not-accepted"),))
        seen.add(line.network)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PlanStore].capacities()
        await work[PlanStore].set_capacities(lines)
        await work[AuditTrail].record(actor, "set_cell_capacities", "command", "cell_capacity", before, list(lines))
