# SPDX-License-Identifier: Apache-2.0
"""Partners: systems of others that report what they took. Their keys are part of no record but the one answer in which a new one is told."""

from datetime import datetime

from msgspec import Struct


class RefusedRequests(Struct, frozen=True):
    """Requests that changed nothing. ``fault``: why, by code; ``address``: where the last came from."""

    fault: str
    count: int
    last_at: datetime
    address: str


class PaymentPartner(Struct, frozen=True):
    """``path``: where its requests go, and what it signs as path; ``refused``: those of 30 days that changed nothing."""

    partner_id: int
    name: str
    path: str
    is_on: bool
    changed_at: datetime
    changed_by: str
    refused: list[RefusedRequests]


class PartnerKey(Struct, frozen=True):
    """A partner with its new key, which is told this once and sealed."""

    partner: PaymentPartner
    secret: str

    def __repr__(self) -> str:
        return f"PartnerKey({self.partner!r})"
