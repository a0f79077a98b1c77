# SPDX-License-Identifier: Apache-2.0
"""Customers, contacts and what is sealed of them, on one tenant's transaction. Lists are keyset-paged by what they are sorted by, which
has its index."""

from collections.abc import Mapping, Sequence
from typing import Any

from openmains.app.fleet.search import gram_sets, search_text
from openmains.app.party.customer_model import Contact, CustomerDetail, CustomerFilter, PartyCustomer
from openmains.app.party.personal import PersonalPlace, PersonalVault, SealedValue
from openmains.domain.ids import ContactId, CustomerId, TenantId
from openmains.domain.party.personal import PersonalField
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "customers.sql")
_HOLDS_IN = """AND EXISTS (SELECT FROM account_holder h JOIN account x USING (account_id) JOIN premises p USING (premises_id)
     JOIN area a ON a.area_id = p.area_id WHERE h.customer_id = c.customer_id AND upper_inf(h.during)
      AND a.path >= (SELECT path FROM area WHERE area_id = :under) AND a.path < (SELECT path_end FROM area WHERE area_id = :under))"""
_FOUND = """AND (c.customer_id IN (SELECT find_customers(:grams::int[], :terms::text[], :position::bigint, :most::int))
      OR c.customer_id = ANY (:found::bigint[]))"""
_BEGINS = """AND (c.customer_id = ANY (:found::bigint[]) OR (
       (lower(c.name) LIKE :prefix OR lower(c.code) LIKE :prefix OR c.customer_id IN (SELECT h.customer_id FROM account x JOIN account_holder h
         USING (account_id) WHERE x.tenant_id = c.tenant_id AND lower(x.number) LIKE :prefix))
      AND EXISTS (SELECT FROM customer_search s WHERE s.customer_id = c.customer_id AND s.text LIKE ALL (:terms::text[]))))"""
_FIELDS = frozenset({"name", "kind", "customer_class", "is_protected", "is_critical", "address", "note"})


def _values(row: Row) -> dict[str, Any]:
    return {**dict(row), "customer_class": CustomerClass(row["customer_class"])}


def _sealed(row: Row) -> SealedValue:
    place = PersonalPlace(row["customer_id"], row["contact_id"], PersonalField(row["field"]))
    return SealedValue(place, row["key_id"], row["nonce"], row["sealed"], row["blind"])


class Customers:
    """``CustomerStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, chosen: CustomerFilter) -> list[PartyCustomer]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": chosen.limit}
        fragments = []
        if chosen.terms and chosen.grams:
            fragments.append(_FOUND)
            values |= {
                "grams": chosen.grams,
                "terms": chosen.terms,
                "position": 0 if chosen.after is None else chosen.after[0],
                "found": chosen.found,
            }
        elif chosen.terms:  # too short for a gram: what begins so
            fragments.append(_BEGINS)
            values |= {"prefix": chosen.terms[0].lstrip("%"), "terms": chosen.terms, "found": chosen.found}
        if chosen.area_id is not None:
            fragments.append(_HOLDS_IN)
            values["under"] = chosen.area_id
        if chosen.customer_class is not None:
            fragments.append("AND c.customer_class = :customer_class")
            values["customer_class"] = chosen.customer_class.value
        by_id = chosen.sort == "customer_id"
        if chosen.after is not None:
            values["after"] = chosen.after[0 if by_id else 1]
        column = "c.customer_id" if by_id else "c.code"
        fragments += in_order(column, is_down=chosen.sort == "-code", is_further=chosen.after is not None)
        rows = await extended(_QUERIES["customers"], *fragments).fetch(self._connection, **values)
        return [
            PartyCustomer(**{name: value for name, value in _values(row).items() if name != "note"}) for row in rows
        ]

    async def get(self, customer_id: CustomerId) -> CustomerDetail | None:
        row = await extended(_QUERIES["customers"], "AND c.customer_id = :customer_id").fetchrow(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id
        )
        if row is None:
            return None
        contacts = await _QUERIES["contacts"].fetch(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id
        )
        return CustomerDetail(**_values(row), contacts=[Contact(**dict(one)) for one in contacts])

    async def add(self, values: Mapping[str, Any]) -> CustomerId | None:
        made: CustomerId | None = await _QUERIES["add_customer"].fetchval(
            self._connection, tenant_id=self._tenant_id, **values
        )
        return made

    async def change(self, customer_id: CustomerId, revision: int, values: Mapping[str, Any]) -> bool:
        if unknown := values.keys() - _FIELDS:
            raise ValueError(f"not fields of customer: {sorted(unknown)}")
        done = await _QUERIES["change_customer"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            customer_id=customer_id,
            revision=revision,
            changes=dict(values),
        )
        return done is not None

    async def add_contact(self, customer_id: CustomerId, name: str, relation: str) -> ContactId:
        made: ContactId = await _QUERIES["add_contact"].fetchval(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id, name=name, relation=relation
        )
        return made

    async def remove_contact(self, customer_id: CustomerId, contact_id: ContactId) -> bool:
        gone = await _QUERIES["remove_contact"].fetchval(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id, contact_id=contact_id
        )
        return gone is not None

    async def index(self, customer_ids: Sequence[CustomerId]) -> None:
        await index_customers(self._connection, customer_ids)


class Personal:
    """``PersonalStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def of(self, customer_ids: Sequence[CustomerId]) -> list[SealedValue]:
        rows = await _QUERIES["personal_of"].fetch(
            self._connection, tenant_id=self._tenant_id, customer_ids=customer_ids
        )
        return [_sealed(row) for row in rows]

    async def put(self, values: Sequence[SealedValue]) -> None:
        await _QUERIES["put_personal"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            **_places([value.place for value in values]),
            key_ids=[value.key_id for value in values],
            nonces=[value.nonce for value in values],
            sealed=[value.sealed for value in values],
            blinds=[value.blind for value in values],
        )

    async def drop(self, places: Sequence[PersonalPlace]) -> None:
        await _QUERIES["drop_personal"].execute(self._connection, tenant_id=self._tenant_id, **_places(places))

    async def find(self, blinds: Mapping[PersonalField, bytes]) -> list[CustomerId]:
        rows = await _QUERIES["find_personal"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            fields=[field.value for field in blinds],
            blinds=list(blinds.values()),
        )
        return [row["customer_id"] for row in rows]


def _places(places: Sequence[PersonalPlace]) -> dict[str, list[Any]]:
    return {
        "customer_ids": [place.customer_id for place in places],
        "contact_ids": [place.contact_id for place in places],
        "fields": [place.field.value for place in places],
    }


async def index_customers(connection: Connection, customer_ids: Sequence[CustomerId]) -> None:
    """Write search texts of customers anew, in the transaction that changed a code, name, address, contact or account."""
    rows = await _QUERIES["customer_texts"].fetch(connection, customer_ids=customer_ids)
    texts = [search_text([row["code"], row["name"], row["address"], *row["contacts"], *row["numbers"]]) for row in rows]
    await _QUERIES["write_customer_texts"].execute(
        connection,
        customer_ids=[row["customer_id"] for row in rows],
        tenant_ids=[row["tenant_id"] for row in rows],
        texts=texts,
        grams=[f"{{{','.join(map(str, grams))}}}" for grams in gram_sets(texts)],
    )
    await _QUERIES["customers_indexed"].execute(connection, customer_ids=customer_ids)


async def settle_customers(pool: Pool, vault: PersonalVault, limit: int = 2000) -> int:
    """The worker's part: seal phones that stand in clear, write search texts that are missing; how many customers there were.

    One that cannot be a phone (a word, a note) is sealed as it is: nothing of what people wrote is lost, and it is out of the clear.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await _QUERIES["customers_to_index"].fetch(connection, most=limit)
        by_tenant: dict[TenantId, list[Row]] = {}
        for row in rows:
            if row["phone"].strip():
                by_tenant.setdefault(row["tenant_id"], []).append(row)
        for tenant_id, ones in by_tenant.items():
            sealer = await vault.sealer(tenant_id)
            values = [
                sealer.seal(PersonalPlace(one["customer_id"], None, PersonalField.PHONE), one["phone"]) for one in ones
            ]
            await Personal(connection, tenant_id).put(values)
        ids = [row["customer_id"] for row in rows]
        await _QUERIES["clear_phones"].execute(
            connection, customer_ids=[row["customer_id"] for row in rows if row["phone"]]
        )
        if ids:
            await index_customers(connection, ids)
    return len(ids)
