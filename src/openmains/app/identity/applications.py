# SPDX-License-Identifier: Apache-2.0
"""Client applications: made, changed, given another secret, taken over, revoked (R13.5, ADR 0061).

Whoever makes one answers for it: it never may more than that person may now, and is refused when nobody answers for it. What only persons may
is no scope.
"""

import secrets
from datetime import datetime, timedelta

from openmains.app.identity.application_model import ApplicationTerms, ClientApplication
from openmains.app.identity.application_ports import ApplicationStore
from openmains.app.identity.hashing import CLIENT_PREFIX, new_secret
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail, CredentialStore
from openmains.app.identity.reach import known_reach
from openmains.app.identity.reason import stated
from openmains.app.identity.roles import within
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.identity import application as rules
from openmains.domain.identity.permission import PERMISSIONS
from openmains.domain.ids import UserId


async def add_application(
    store: Store, actor: Actor, form: ApplicationTerms, reason: str, now: datetime
) -> tuple[ClientApplication, str]:
    """The application and its secret. Raises ``session-only``, ``scope-of-persons``, ``role-too-high``, ``invalid-input``,
    ``reason-needed``."""
    _is_person(actor)
    form = _checked(actor, form, now)
    why = stated(reason)
    secret, secret_hash = new_secret(CLIENT_PREFIX)
    async with store.tenant(actor.tenant_id) as work:
        await _is_there(work, form)
        client_id = f"omc-{secrets.token_hex(8)}"
        made = await work[ApplicationStore].add(client_id, form, actor.user_id, actor.name, secret_hash)
        found = await _one(work, made)
        await work[AuditTrail].record(actor, "add_application", "application", made, None, found, reason=why)
    return found, secret


async def change_application(
    store: Store,
    actor: Actor,
    application_id: UserId,
    revision: int,
    form: ApplicationTerms,
    reason: str,
    now: datetime,
) -> ClientApplication:
    """The whole form as it is to be; it holds from the next request on. Raises as ``add_application``, ``not-found``,
    ``application-changed``, ``already-done`` for one that is revoked."""
    _is_person(actor)
    form = _checked(actor, form, now)
    async with store.tenant(actor.tenant_id) as work:
        before = await _live(work, actor, application_id)
        why = stated(reason)
        await _is_there(work, form)
        if not await work[ApplicationStore].change(application_id, revision, form):
            raise Problem("application-changed")
        after = await _one(work, application_id)
        await work[AuditTrail].record(
            actor, "change_application", "application", application_id, before, after, reason=why
        )
    return after


async def renew_secret(
    store: Store, actor: Actor, application_id: UserId, overlap_h: int, reason: str, now: datetime
) -> tuple[ClientApplication, str]:
    """A new secret; the one before is valid for ``overlap_h`` hours more, so that the other system can change over. Raises as
    ``change_application``."""
    _is_person(actor)
    secret, secret_hash = new_secret(CLIENT_PREFIX)
    async with store.tenant(actor.tenant_id) as work:
        before = await _live(work, actor, application_id)
        why = stated(reason)
        await work[ApplicationStore].add_secret(application_id, secret_hash, now + timedelta(hours=overlap_h))
        if overlap_h == 0:  # whoever knew the former one may have opened tokens with it
            await work[CredentialStore].end_sessions_of(application_id)
        after = await _one(work, application_id)
        await work[AuditTrail].record(
            actor, "renew_client_secret", "application", application_id, before, {"overlap_h": overlap_h}, reason=why
        )
    return after, secret


async def take_over(store: Store, actor: Actor, application_id: UserId, reason: str) -> ClientApplication:
    """Be responsible for it from now on. Raises as ``change_application``."""
    _is_person(actor)
    async with store.tenant(actor.tenant_id) as work:
        before = await _live(work, actor, application_id)
        why = stated(reason)
        await work[ApplicationStore].take_over(application_id, actor.user_id)
        after = await _one(work, application_id)
        await work[AuditTrail].record(
            actor, "take_over_application", "application", application_id, before, after, reason=why
        )
    return after


async def revoke_application(store: Store, actor: Actor, application_id: UserId, reason: str) -> None:
    """For good: secrets and tokens end at once, open live views within seconds. Raises ``not-found``, ``role-too-high``,
    ``reason-needed``, ``already-done``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _live(work, actor, application_id)
        why = stated(reason)
        await work[ApplicationStore].revoke(application_id)
        await work[AuditTrail].record(
            actor, "revoke_application", "application", application_id, before, None, reason=why
        )


def _is_person(actor: Actor) -> None:
    if actor.kind == "application":
        raise Problem("persons-only")
    if actor.kind != "session":
        raise Problem("session-only")


def _checked(actor: Actor, form: ApplicationTerms, now: datetime) -> ApplicationTerms:
    """The form without what is said twice, addresses as they are kept."""
    of_persons = [one for one in form.scopes if one in rules.PERSONS_ONLY]
    if of_persons:
        words = [PERMISSIONS[one] for one in of_persons]
        told = "、".join(one.zh for one in words), "; ".join(one.en for one in words)
        raise Problem(
            "scope-of-persons", fields=tuple((f"/scopes/{form.scopes.index(one)}", "not-accepted") for one in of_persons), scopes=told
        )  # fmt: skip
    within(actor, frozenset(form.scopes), "/scopes")
    networks = [rules.network(one) for one in form.addresses]
    faults = [(f"/addresses/{place}", "wrong-format") for place, one in enumerate(networks) if one is None]
    if form.expires_at is not None and form.expires_at <= now:
        faults.append(("/last_day", "out-of-range"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    return ApplicationTerms(
        name=form.name, scopes=sorted(set(form.scopes)), places=list(dict.fromkeys(form.places)), media=list(dict.fromkeys(form.media)),
        products=list(dict.fromkeys(form.products)), meters=list(dict.fromkeys(form.meters)),
        addresses=list(dict.fromkeys(one for one in networks if one is not None)), rate=form.rate, expires_at=form.expires_at,
    )  # fmt: skip


async def _is_there(work: Work, form: ApplicationTerms) -> None:
    """Raises ``invalid-input`` that names places, products and meters which the utility does not have."""
    await known_reach(work, form.reach, rules.ROLE)
    unknown = await work[ApplicationStore].unknown_meters(form.meters)
    if unknown:
        places = [place for place, number in enumerate(form.meters) if number in unknown]
        raise Problem("invalid-input", fields=tuple((f"/meters/{place}", "not-accepted") for place in places))


async def _one(work: Work, application_id: UserId) -> ClientApplication:
    found = await work[ApplicationStore].get(application_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _live(work: Work, actor: Actor, application_id: UserId) -> ClientApplication:
    found = await _one(work, application_id)
    if found.revoked_at is not None:
        raise Problem("already-done", state="revoked")
    within(actor, frozenset(found.scopes), "/scopes")
    return found
