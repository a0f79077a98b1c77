# SPDX-License-Identifier: Apache-2.0
"""The life of a session between sign-in and sign-out; a token is noted as used, and ends by being revoked only; an application's access token
ends when it was said to."""

from datetime import datetime

from openmains.app.identity.application_ports import ApplicationStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail, CredentialStore
from openmains.app.unit_of_work import Store


async def note_use(store: Store, actor: Actor, secret_hash: bytes, until: datetime) -> None:
    """The credential was used: a session lasts ``until`` now, a token or an application shows when it was used last."""
    async with store.tenant(actor.tenant_id) as work:
        if actor.kind == "session":
            await work[CredentialStore].extend_session(secret_hash, until)
        elif actor.kind == "application":
            await work[ApplicationStore].note_use(actor.user_id)
        else:
            await work[CredentialStore].touch_token(secret_hash)


async def sign_out(store: Store, actor: Actor, secret_hash: bytes) -> None:
    """End the session that asks. With a token nothing happens: it is no session."""
    if actor.kind != "session":
        return
    async with store.tenant(actor.tenant_id) as work:
        await work[CredentialStore].end_session(secret_hash)
        await work[AuditTrail].record(actor, "sign_out", "user", actor.user_id, None, None)
