# SPDX-License-Identifier: Apache-2.0
"""A client application's secret opens an access token of an hour (OAuth 2.0 client credentials grant, RFC 6749 section 4.4)."""

from datetime import datetime

from openmains.app.identity.application_model import AccessToken, ApplicationRecord
from openmains.app.identity.application_ports import ApplicationStore
from openmains.app.identity.hashing import ACCESS_PREFIX, hash_secret, new_secret
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail, SignInStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.application import ACCESS, MOST_OPEN, ROLE, asks_from, ends, scopes_asked
from openmains.domain.ids import UserId


async def open_access(
    store: Store, lookups: SignInStore, client_id: str, secret: str, scope: str, *, address: str, request_id: str, now: datetime
) -> AccessToken:  # fmt: skip
    """Raises ``client-refused`` alike for an unknown name, a wrong secret, and an application that is revoked, over or that nobody answers
    for; ``address-refused``, ``scope-not-held``."""
    found = await lookups.find_application(client_id, hash_secret(secret))
    if found is None:
        raise Problem("client-refused")
    actor = _actor(found, client_id, address, request_id)
    if not (found.is_right and found.is_valid):
        async with store.tenant(found.tenant_id) as work:
            why = {"reason": "wrong secret" if not found.is_right else "revoked, over or without somebody responsible"}
            await work[AuditTrail].record(actor, "refuse_application", "application", found.application_id, None, why)
        raise Problem("client-refused")
    if found.addresses and not asks_from(address, found.addresses):
        async with store.tenant(found.tenant_id) as work:
            await work[AuditTrail].record(
                actor, "refuse_application", "application", found.application_id, None, {"address": address}
            )
        raise Problem("address-refused", address=address)
    scopes = scopes_asked(scope, found.scopes)
    if scopes is None:
        raise Problem("scope-not-held", scopes=" ".join(found.scopes))
    until = ends(now + ACCESS, found.expires_at) or now
    token, token_hash = new_secret(ACCESS_PREFIX)
    async with store.tenant(found.tenant_id) as work:
        fewer = scopes if len(scopes) < len(found.scopes) else None
        await work[ApplicationStore].open(found.application_id, token_hash, fewer, until, address, MOST_OPEN)
        await work[AuditTrail].record(
            actor, "open_access", "application", found.application_id, None, {"scopes": scopes}
        )
    return AccessToken(token, "Bearer", max(1, int((until - now).total_seconds())), " ".join(scopes))


def _actor(found: ApplicationRecord, client_id: str, address: str, request_id: str) -> Actor:
    return Actor(
        tenant_id=found.tenant_id, user_id=UserId(found.application_id), login=client_id, name=found.name, role=ROLE, locale="zh", zone="UTC",
        kind="application", address=address, request_id=request_id, own=found.scopes,
    )  # fmt: skip
