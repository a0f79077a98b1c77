# SPDX-License-Identifier: Apache-2.0
"""Mutes: alarms of a kind, a place or a meter are stored and told to nobody for a while. Never for ever, never without a reason, and
without naming an event never what is critical: who mutes a district's low batteries has not muted its gas leaks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from openmains.domain.ids import AreaId, MeterId, MuteId, TenantId

LONGEST_S: Final = 31 * 86_400
SHORTEST_S: Final = 60


@dataclass(frozen=True, slots=True)
class StandingMute:
    """One that has not ended. A part that is None takes all."""

    mute_id: MuteId
    tenant_id: TenantId
    area_id: AreaId | None
    meter_id: MeterId | None
    event: str | None
    from_us: int
    until_us: int

    def holds(
        self,
        tenant_id: TenantId,
        meter_id: MeterId | None,
        event: str,
        severity: str,
        places: Sequence[AreaId],
        now_us: int,
    ) -> bool:
        """Whether an alarm of this meter is muted by it; None: of a node of the network. ``places``: the areas above and its own."""
        return (
            tenant_id == self.tenant_id
            and self.from_us <= now_us < self.until_us
            and self.meter_id in (None, meter_id)
            and (self.area_id is None or self.area_id in places)
            and (event == self.event if self.event is not None else severity != "critical")
        )


def mute_of(
    mutes: Iterable[StandingMute],
    tenant_id: TenantId,
    meter_id: MeterId | None,
    event: str,
    severity: str,
    places: Sequence[AreaId],
    now_us: int,
) -> StandingMute | None:
    """The one that holds longest, None where the alarm is told."""
    holding = [mute for mute in mutes if mute.holds(tenant_id, meter_id, event, severity, places, now_us)]
    return max(holding, key=lambda mute: (mute.until_us, mute.mute_id), default=None)
