# SPDX-License-Identifier: Apache-2.0
"""Customers: lists, detail, adding, changing, contacts – and personal data, which comes in clear, is sealed, is shown masked, and is
seen in clear one value at a time by who says why. What goes into the trail has masks too.

Keys are looked up before a transaction is open: whoever holds one connection and waits for another would wait for those who do the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from openmains.app.fleet.search import grams_of_terms, like_escape, parse_query
from openmains.app.identity.exports import asked_for
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.party.customer_model import (
    Contact,
    CustomerDetail,
    CustomerFilter,
    NewContact,
    NewCustomer,
    PartyCustomer,
    PersonalRequest,
    PersonalValue,
)
from openmains.app.party.model import Account, AccountFilter
from openmains.app.party.personal import PersonalPlace, PersonalSealer, PersonalVault, by_contact
from openmains.app.party.ports import AccountStore, CustomerStore, PersonalStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import ContactId, CustomerId
from openmains.domain.party.personal import PersonalField, fault, mask

MOST_SEEN = 100  # customers of one list that are nobody's business; who goes on is in the trail (R13.5)
MOST_HELD = 500  # accounts that a customer's page shows
PERSONAL = {field.value: field for field in PersonalField}
_RISKY = frozenset({"is_critical", *PERSONAL})


async def list_customers(
    store: Store, vault: PersonalVault, actor: Actor, chosen: CustomerFilter, q: str | None, seen: int
) -> list[PartyCustomer]:
    """A page with masked phones. ``seen``: rows of the pages before it. Raises ``invalid-input`` for a search that says nothing."""
    if q is not None:
        chosen = await _searched(store, vault, actor, chosen, q)
    async with store.tenant(actor.tenant_id) as work:
        rows = await work[CustomerStore].page(chosen)
        stored = await work[PersonalStore].of([row.customer_id for row in rows])
        await note_seen(
            work, actor, "customer", seen, min(len(rows), chosen.limit - 1), {"q": q, "area_id": chosen.area_id}
        )
    shown = [one for one in stored if one.place.contact_id is None and one.place.field is PersonalField.PHONE]
    phones = by_contact(await vault.open(actor.tenant_id, shown))
    return [
        structs.replace(row, phone=_shown(phones.get((row.customer_id, None), {}), PersonalField.PHONE)) for row in rows
    ]


async def note_seen(work: Work, actor: Actor, what: str, before: int, rows: int, chosen: Mapping[str, Any]) -> None:
    """Who looks at more than ``MOST_SEEN`` rows of a list with customers is in the trail, with each page from then on."""
    if before + rows > MOST_SEEN:
        said = {"rows": before + rows, **asked_for(chosen)}
        await work[AuditTrail].record(actor, "view_customers", what, "", None, said)


async def read_customer(store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId) -> CustomerDetail:
    """Raises ``not-found``."""
    await vault.sealer(actor.tenant_id)
    async with store.tenant(actor.tenant_id) as work:
        return await _present(work, vault, actor, customer_id)


async def add_customer(store: Store, vault: PersonalVault, actor: Actor, wanted: NewCustomer) -> CustomerDetail:
    """Raises ``code-taken``; ``invalid-input`` for a phone, identity number or bank account that cannot be one."""
    values = structs.asdict(wanted)
    personal = _personal(values)
    sealer = await vault.sealer(actor.tenant_id)
    async with store.tenant(actor.tenant_id) as work:
        customer_id = await work[CustomerStore].add(values)
        if customer_id is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await _write(work, sealer, customer_id, None, personal)
        await work[CustomerStore].index([customer_id])
        made = await _present(work, vault, actor, customer_id)
        await work[AuditTrail].record(actor, "add_customer", "customer", customer_id, None, made)
    return made


async def change_customer(
    store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId, revision: int, values: dict[str, Any]
) -> CustomerDetail:
    """Raises ``not-found``, ``revision-stale``, ``invalid-input``; ``reason-needed`` where protection ends, whether a customer is critical or
    personal data changes."""
    values = dict(values)
    reason = values.pop("reason", "")
    personal = _personal(values)
    sealer = await vault.sealer(actor.tenant_id)
    async with store.tenant(actor.tenant_id) as work:
        before = await _present(work, vault, actor, customer_id)
        if before.revision != revision:
            raise Problem("revision-stale")
        if not values and not personal:
            return before
        bared = before.is_protected and values.get("is_protected") is False
        if bared or personal or values.get("is_critical", before.is_critical) != before.is_critical:
            reason = stated(reason)
        if not await work[CustomerStore].change(customer_id, revision, values):
            raise Problem("revision-stale")
        await _write(work, sealer, customer_id, None, personal)
        await work[CustomerStore].index([customer_id])
        after = await _present(work, vault, actor, customer_id)
        await work[AuditTrail].record(actor, "change_customer", "customer", customer_id, before, after, reason=reason)
    return after


async def add_contact(
    store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId, wanted: NewContact
) -> CustomerDetail:
    """Raises ``not-found``; ``invalid-input`` for a phone that cannot be one."""
    personal = _personal({"phone": wanted.phone})
    sealer = await vault.sealer(actor.tenant_id)
    async with store.tenant(actor.tenant_id) as work:
        before = await _present(work, vault, actor, customer_id)
        contact_id = await work[CustomerStore].add_contact(customer_id, wanted.name, wanted.relation)
        await _write(work, sealer, customer_id, contact_id, personal)
        await work[CustomerStore].index([customer_id])
        after = await _present(work, vault, actor, customer_id)
        await work[AuditTrail].record(actor, "add_contact", "customer", customer_id, before.contacts, after.contacts)
    return after


async def remove_contact(
    store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId, contact_id: ContactId, reason: str
) -> CustomerDetail:
    """With its phone, for good. Raises ``not-found``, ``reason-needed``."""
    why = stated(reason)
    await vault.sealer(actor.tenant_id)
    async with store.tenant(actor.tenant_id) as work:
        before = await _present(work, vault, actor, customer_id)
        if not await work[CustomerStore].remove_contact(customer_id, contact_id):
            raise Problem("not-found")
        await work[CustomerStore].index([customer_id])
        after = await _present(work, vault, actor, customer_id)
        await work[AuditTrail].record(
            actor, "remove_contact", "customer", customer_id, before.contacts, after.contacts, reason=why
        )
    return after


async def see_personal(
    store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId, wanted: PersonalRequest
) -> PersonalValue:
    """One value in clear; that it was looked at, by whom and why is in the trail before it is told. Raises ``reason-needed``, ``not-found``."""
    why = stated(wanted.reason)
    place = PersonalPlace(customer_id, wanted.contact_id, wanted.field)
    async with store.tenant(actor.tenant_id) as work:
        stored = [one for one in await work[PersonalStore].of([customer_id]) if one.place == place]
        if not stored:
            raise Problem("not-found")
        said = {"field": wanted.field, "contact_id": wanted.contact_id}
        await work[AuditTrail].record(actor, "see_personal", "customer", customer_id, None, said, reason=why)
    opened = await vault.open(actor.tenant_id, stored)
    return PersonalValue(wanted.field, opened[place])


async def phone_of(store: Store, vault: PersonalVault, actor: Actor, customer_id: CustomerId) -> str:
    """A customer's own phone, masked."""
    async with store.tenant(actor.tenant_id) as work:
        stored = await work[PersonalStore].of([customer_id])
    own = [one for one in stored if one.place == PersonalPlace(customer_id, None, PersonalField.PHONE)]
    opened = await vault.open(actor.tenant_id, own)
    return _shown({place.field: value for place, value in opened.items()}, PersonalField.PHONE)


async def phone_blind(vault: PersonalVault, actor: Actor, q: str) -> bytes | None:
    """What a whole phone is found by; None: this is none. To be asked before a transaction is open, as all of the vault."""
    if fault(PersonalField.PHONE, q) is not None:
        return None
    return (await vault.sealer(actor.tenant_id)).blind(PersonalField.PHONE, q)


async def _searched(store: Store, vault: PersonalVault, actor: Actor, chosen: CustomerFilter, q: str) -> CustomerFilter:
    try:
        query = parse_query(q)
    except ValueError as error:
        raise Problem("invalid-input", fields=(("/q", "wrong-format"),)) from error
    sealer = await vault.sealer(actor.tenant_id)
    blinds = {field: sealer.blind(field, q) for field in PersonalField if fault(field, q) is None}
    found: Sequence[CustomerId] = ()
    if blinds:
        async with store.tenant(actor.tenant_id) as work:
            found = await work[PersonalStore].find(blinds)
    terms = tuple(f"%{like_escape(term)}%" for term in query.terms)
    return structs.replace(chosen, terms=terms, grams=tuple(grams_of_terms(query.terms)), found=tuple(found))


def _personal(values: dict[str, Any]) -> dict[PersonalField, str]:
    """Takes personal data out of the values. Raises ``invalid-input``."""
    given = {field: str(values.pop(name)).strip() for name, field in PERSONAL.items() if name in values}
    faults = [(f"/{field.value}", code) for field, text in given.items() if text and (code := fault(field, text))]
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    return given


async def _write(
    work: Work,
    sealer: PersonalSealer,
    customer_id: CustomerId,
    contact_id: ContactId | None,
    personal: Mapping[PersonalField, str],
) -> None:
    kept = {PersonalPlace(customer_id, contact_id, field): text for field, text in personal.items() if text}
    gone = [PersonalPlace(customer_id, contact_id, field) for field, text in personal.items() if not text]
    if kept:
        await work[PersonalStore].put([sealer.seal(place, text) for place, text in kept.items()])
    if gone:
        await work[PersonalStore].drop(gone)


async def _present(work: Work, vault: PersonalVault, actor: Actor, customer_id: CustomerId) -> CustomerDetail:
    found = await work[CustomerStore].get(customer_id)
    if found is None:
        raise Problem("not-found")
    opened = by_contact(await vault.open(actor.tenant_id, await work[PersonalStore].of([customer_id])))
    own = opened.get((customer_id, None), {})
    chosen = AccountFilter(customer_id=customer_id, is_past=True, limit=MOST_HELD)
    held: list[Account] = await work[AccountStore].page(chosen)
    contacts: list[Contact] = [
        structs.replace(one, phone=_shown(opened.get((customer_id, one.contact_id), {}), PersonalField.PHONE))
        for one in found.contacts
    ]
    shown = {name: _shown(own, field) for name, field in PERSONAL.items()}
    return structs.replace(found, contacts=contacts, held=held, **shown)


def _shown(values: Mapping[PersonalField, str], field: PersonalField) -> str:
    return mask(field, values[field]) if field in values else ""
