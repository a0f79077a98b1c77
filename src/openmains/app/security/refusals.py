# SPDX-License-Identifier: Apache-2.0
"""Handshakes and registrations that were refused, with the reason: gathered for the operator's list, in bounded memory.

The device often hears less (a handshake's peer is told nothing that helps to guess), and nobody reads a counter when one meter
of a street stays out. Strangers can be refused under any number of names: what does not fit is only counted.
"""

from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.ids import TenantId

MOST_NAME = 64


class RefusalStage(StrEnum):
    """What was refused."""

    HANDSHAKE = "handshake"
    REGISTRATION = "registration"
    BOOTSTRAP = "bootstrap"


@dataclass(slots=True)
class Refusal:
    """One name refused at one stage for one reason, since the last flush. Times µs since 1970.

    ``name``: what it called itself, printable and shortened. ``imei``: None where the name has none. ``tenant_id``: whose it is, where
    that is known by something else than a module (a concentrator's number), else None. ``reason``: a fixed word
    or phrase; ``detail``: what and where, as the device was told, "": nothing more.
    """

    name: str
    imei: int | None
    stage: RefusalStage
    reason: str
    detail: str
    address: str
    first_us: int
    last_us: int
    attempts: int = 1
    tenant_id: TenantId | None = None


class Refusals:
    """``note`` on every refusal, ``drain`` every few seconds."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._found: dict[tuple[str, RefusalStage, str], Refusal] = {}
        self.left_out = 0

    def note(
        self,
        name: str,
        imei: int | None,
        stage: RefusalStage,
        reason: str,
        detail: str,
        address: str,
        now_us: int,
        tenant_id: TenantId | None = None,
    ) -> None:
        """Somebody was refused. ``name`` is a stranger's word: what cannot be printed is shown as an escape."""
        shown = name.encode("ascii", "backslashreplace").decode()
        shown = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in shown)[:MOST_NAME]
        known = self._found.get((shown, stage, reason))
        if known is not None:
            known.last_us, known.address, known.detail = now_us, address, detail
            known.attempts += 1
            known.tenant_id = tenant_id
        elif len(self._found) < self._most:
            self._found[shown, stage, reason] = Refusal(
                shown, imei, stage, reason, detail, address, now_us, now_us, tenant_id=tenant_id
            )
        else:
            self.left_out += 1

    def drain(self) -> list[Refusal]:
        """What was gathered; begins anew."""
        taken, self._found = list(self._found.values()), {}
        return taken
