# SPDX-License-Identifier: Apache-2.0
"""IMEI ↔ IMSI, ICCID (R13.3): is the SIM in the module the one it was registered with?

What a meter says of its SIM comes from LwM2M: the endpoint name (``<imei>;<imsi>``) or a resource read
from it. A meter lies about it as easily as it speaks, so agreement proves nothing; a difference is worth an alarm, because
the ordinary thief moves the SIM into a router.
"""

from dataclasses import dataclass

from openmains.domain.security.findings import Kind


@dataclass(frozen=True, slots=True)
class Sim:
    """IMSI and ICCID as text; "": not known."""

    imsi: str = ""
    iccid: str = ""


def check_binding(registered: Sim, seen: Sim, said: Sim) -> Kind | None:
    """Compare what is known on both sides. ``seen``: what it said before; it counts where nothing is registered."""
    if _differ(registered, said):
        return Kind.SIM_SEPARATED
    unregistered = Sim("" if registered.imsi else seen.imsi, "" if registered.iccid else seen.iccid)
    if _differ(unregistered, said):
        return Kind.SIM_CHANGED
    return None


def _differ(known: Sim, said: Sim) -> bool:
    return _other(known.imsi, said.imsi) or _other(known.iccid, said.iccid)


def _other(known: str, said: str) -> bool:
    if not known or not said:
        return False
    known, said = known.upper(), said.upper()
    if len(known) != len(said) and known.startswith("89") and said.startswith("89"):
        short = min(len(known), len(said))  # an ICCID of 20 signs ends with a check digit that some modules leave out
        return short < 19 or known[:short] != said[:short]
    return known != said
