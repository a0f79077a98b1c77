# SPDX-License-Identifier: Apache-2.0
"""Why a meter is silent, does not answer, or lets nothing through (R7.4): the evidence of all contexts, put before the tree of
``domain/diagnosis``. It writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import astuple

from openmains.app.command.ports import StopSwitch
from openmains.app.fleet.driver_catalog import DriverFault
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.diagnosis.evidence import Evidence
from openmains.domain.diagnosis.tree import Complaint, diagnose
from openmains.domain.ids import AccountId, MeterId


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """What the tables say. ``account_id``: whom the meter serves now."""

    evidence: Evidence
    account_id: AccountId | None


class EvidenceStore(Protocol):
    """The evidence of one meter, read of every context in one transaction."""

    async def of_meter(self, meter_id: MeterId, now_us: int) -> StoredEvidence | None: ...


class MeterFault(DriverFault, frozen=True, kw_only=True):
    """A code of the meter's driver page. ``is_open``: its event stands at the meter now."""

    is_open: bool


class DiagnosisStep(Struct, frozen=True):
    """One question. ``facts``: what it rests on, by name; instants in µs since 1970 end with ``_us``, 0.1 dBm with ``_ddbm``, fen with
    ``_fen``. ``act``: what to do next; empty: nothing."""

    check: str
    verdict: Literal["cause", "possible", "fine", "unknown"]
    facts: dict[str, int | str]
    act: str


class MeterDiagnosis(Struct, frozen=True):
    """All steps in the order in which they were asked. ``guess``: the check that is the likeliest cause; empty: nothing speaks against the
    meter. ``account_id``: whom it serves."""

    complaint: Literal["silent", "unanswered", "no_supply"]
    guess: str
    steps: list[DiagnosisStep]
    account_id: int | None


async def diagnose_meter(
    store: Store, actor: Actor, meter_id: MeterId, complaint: Complaint, switch: StopSwitch | None, is_page: Callable[[str], bool],
    now_us: int,
) -> MeterDiagnosis:  # fmt: skip
    """``is_page``: whether there is a driver page of this name. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        stored = await work[EvidenceStore].of_meter(meter_id, now_us)
    if stored is None:
        raise Problem("not-found")
    stop = None if switch is None else switch.standing(actor.tenant_id)
    evidence = replace(
        stored.evidence,
        stop="" if stop is None else f"{stop.who}: {stop.reason}",
        has_driver=is_page(stored.evidence.driver),
    )
    found = diagnose(complaint, evidence)
    steps = [DiagnosisStep(step.check, step.verdict.value, dict(step.facts), step.act) for step in found.steps]
    return MeterDiagnosis(complaint.value, found.guess, steps, stored.account_id)


async def faults_of_meter(
    store: Store,
    actor: Actor,
    meter_id: MeterId,
    codes_of: Callable[[str], list[DriverFault] | None],
    now_us: int,
) -> list[MeterFault]:
    """Codes of its driver page, those that stand first. ``codes_of``: a page's codes by its name. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        stored = await work[EvidenceStore].of_meter(meter_id, now_us)
    if stored is None:
        raise Problem("not-found")
    standing = stored.evidence.events
    found = [
        MeterFault(*astuple(code), is_open=code.event in standing) for code in codes_of(stored.evidence.driver) or []
    ]
    return sorted(found, key=lambda fault: not fault.is_open)
