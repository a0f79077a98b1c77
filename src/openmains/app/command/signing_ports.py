# SPDX-License-Identifier: Apache-2.0
"""The signer as commands see it: the process that alone can make a valve close or move money.

What is asked of it and what it answers; what it needs itself: ``app.command.signer.ports``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openmains.domain.command.held_facts import FactsChange
from openmains.domain.ids import MeterId, TenantId


@dataclass(frozen=True, slots=True)
class Credential:
    """Login and password at the signer. ``address``: from where they came, as the API saw it; for rates and locks only."""

    login: str
    password: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class SignRequest:
    """One command of a signed kind to be authorised. The content is what is signed later; the signer makes the frame.
    ``not_after``: s."""

    unique_key: str
    meter_id: MeterId
    kind: str
    params: Mapping[str, Any]
    not_after: int


@dataclass(frozen=True, slots=True)
class ToSign:
    """A frame that is wanted. The request must be what was authorised under its key."""

    tenant_id: TenantId
    request: SignRequest
    serial: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the signer says of one request. ``state``: 'authorised', 'needs_approval', 'quarantined', 'refused', 'stopped',
    'unknown'; ``reason``: a short code."""

    unique_key: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SignedFrame:
    """A frame ready to go; the same for every repeat of its key."""

    unique_key: str
    frame: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class FactsSummary:
    """Where the registry differs from the signer's copies. ``list_hash`` names exactly this list, ``count`` the copies that would
    change, ``by_fact`` how many of each; ``changes`` the first of them, the serious ones before new meters."""

    list_hash: str
    count: int
    needs_two: bool
    by_fact: dict[str, int]
    changes: list[FactsChange]


class SignerRefusedError(Exception):
    """The signer does not take the request: ``code`` says why ('wrong_password', 'locked', 'not_enrolled', …)."""

    def __init__(self, code: str, seconds: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds


class SignerAwayError(Exception):
    """The signer does not answer: nothing is signed, nothing is lost."""


class Signer(Protocol):
    """The signer process. Every call is idempotent by its keys."""

    async def check(self, tenant_id: TenantId, kinds: Sequence[str], operator: Credential) -> None:
        """Whether this is an enrolled person who may ask for these kinds; nothing is written."""

    async def authorise(
        self, tenant_id: TenantId, requests: Sequence[SignRequest], operator: Credential
    ) -> list[Verdict]: ...
    async def approve(self, tenant_id: TenantId, unique_keys: Sequence[str], approver: Credential) -> list[Verdict]: ...
    async def verdicts(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> list[Verdict]: ...
    async def sign(self, wanted: Sequence[ToSign]) -> list[SignedFrame | Verdict]:
        """An answer for each, in order. All of a call are stored with one sync before any is handed out."""

    async def lift(
        self, tenant_id: TenantId, meter_id: MeterId, note: str, inspector: Credential, approver: Credential
    ) -> bool:
        """The site was inspected: two persons end a meter's safety closing; False: none stands."""

    async def facts(
        self, tenant_id: TenantId, *, new_only: bool = False, meter_ids: Sequence[MeterId] = ()
    ) -> FactsSummary:
        """Where the registry differs from what persons signed."""

    async def sign_facts(
        self, tenant_id: TenantId, list_hash: str, reason: str, operator: Credential, second: Credential | None, *,
        new_only: bool = False, meter_ids: Sequence[MeterId] = (),
    ) -> int:  # fmt: skip
        """Persons sign the list of this hash; how many copies changed."""

    async def resume(self, tenant_id: TenantId, approver: Credential) -> None:
        """End a tenant's stop; the platform's is ended at the machine only."""
