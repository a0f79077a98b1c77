# SPDX-License-Identifier: Apache-2.0
"""``LifeStore`` on one tenant's transaction. What two acts decide at the same time is settled by row locks, and once more by the exclusion
constraints of the tables."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from openmains.app.fleet.lives.model import (
    DueCount,
    DueFilter,
    DueMeter,
    Installation,
    LifeRecord,
    LifetimeRule,
    MeterFacts,
    MeterLife,
    NewStockMeter,
    StockMeter,
)
from openmains.app.fleet.lives.ports import ActNote, HeldAccount, HeldMeter, KnownAct, KnownIssue
from openmains.app.fleet.wording import Wording
from openmains.domain.fleet.hanging import (
    AccountFacts,
    Change,
    EndRegister,
    Hanging,
    MeterInLife,
    MeterRole,
    RegisterSource,
)
from openmains.domain.fleet.issue_rows import NamedMeter
from openmains.domain.fleet.meter_life import HANGING, Life, acts_of
from openmains.domain.ids import AccountId, AreaId, InstallationId, MeterId, ProductId, TenantId
from openmains.domain.quantity import LITRE_EXPONENT, rescale
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.fleet import search
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__, "lives.sql")
_OF_REGISTRY = load(__package__)
_FACTS = ("role", "parent_id", "q3_l_h", "gas_kind", "verified_on", "lifetime_months", "pulse_ml", "start_ml")


def _span(row: Row) -> Hanging:
    closing = None if row["closing_by"] is None else EndRegister(row["closing"], RegisterSource(row["closing_by"]))
    return Hanging(
        row["installation_id"], row["meter_id"], row["account_id"], MeterRole(row["role"]), row["from_s"], row["to_s"],
        EndRegister(row["opening"], RegisterSource(row["opening_by"])), closing,
    )  # fmt: skip


class Lives:
    """``wording``: units of drivers, for what people read."""

    def __init__(self, connection: Connection, tenant_id: TenantId, wording: Wording) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._wording = wording

    async def _fetch(self, query: Query, **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, **values)

    async def _value(self, query: Query, **values: Any) -> Any:
        return await query.fetchval(self._connection, tenant_id=self._tenant_id, **values)

    async def life(self, meter_id: MeterId) -> MeterLife | None:
        rows = await self._fetch(_QUERIES["meter_life"], meter_id=meter_id)
        if not rows:
            return None
        row = rows[0]
        acts = await self._fetch(_QUERIES["life_acts"], meter_id=meter_id)
        hung = extended(
            _QUERIES["installations"], "AND i.meter_id = :meter_id ORDER BY i.installation_id DESC LIMIT 200"
        )
        found = await hung.fetch(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        return MeterLife(
            meter_id=row["meter_id"],
            number=row["number"],
            bar_code=row["bar_code"],
            is_bar_code_doubled=row["bar_code_doubled"],
            medium=row["medium"],
            life=Life(row["life"]),
            life_at=row["life_at"],
            may=acts_of(Life(row["life"])),
            revision=row["revision"],
            facts=MeterFacts(parent_number=row["parent_number"], **{name: row[name] for name in _FACTS}),
            due_on=row["due_on"],
            due_action=row["action"],
            installations=[self._installation(each) for each in found],
            acts=[LifeRecord(**dict(each)) for each in acts],
        )

    def _installation(self, row: Row) -> Installation:
        values = dict(row)
        driver = values.pop("driver")
        for end in ("opening", "closing"):
            values[f"{end}_m3"] = None if row[end] is None else self._wording.m3(row[end], driver)
        return Installation(unit_exponent=self._wording.exponent(driver), **values)

    async def lock_key(self, key: str) -> list[KnownAct]:
        await self._value(_QUERIES["lock_life_key"], key=key)
        return [
            KnownAct(row["meter_id"], row["kind"], row["asked"])
            for row in await self._fetch(_QUERIES["acts_of_key"], key=key)
        ]

    async def find(self, number: str, bar_code: str) -> list[MeterId]:
        rows = await self._fetch(_QUERIES["meters_of_name"], number=number, bar_code=bar_code)
        return [row["meter_id"] for row in rows]

    async def lock(self, meter_ids: Sequence[MeterId]) -> list[HeldMeter]:
        await self._fetch(_QUERIES["lock_lives"], meter_ids=meter_ids)
        rows = await self._fetch(_QUERIES["locked_lives"], meter_ids=meter_ids)
        spans = await self._fetch(_QUERIES["hanging"], meter_ids=meter_ids, account_id=None)
        return [self._locked(row, [span for span in spans if span["meter_id"] == row["meter_id"]]) for row in rows]

    def _locked(self, row: Row, spans: Sequence[Row]) -> HeldMeter:
        exponent = self._wording.exponent(row["driver"])
        goes_on = next((span for span in spans if span["to_s"] is None), None)
        facts = MeterInLife(
            meter_id=row["meter_id"],
            number=row["number"],
            medium=row["medium"],
            life=Life(row["life"]),
            life_s=row["life_s"],
            role=MeterRole(row["role"]),
            spans=[_span(span) for span in spans],
            last=None
            if row["register"] is None or row["register_at"] is None
            else (row["register"], row["register_at"]),
            dial=row["dial"],
            qmax=rescale(row["qmax_l_h"], LITRE_EXPONENT, exponent),
        )
        return HeldMeter(
            facts=facts,
            bar_code=row["bar_code"],
            imei=row["imei"],
            product=row["product"],
            driver=row["driver"],
            is_meter=row["is_meter"],
            revision=row["revision"],
            strange_number=row["strange_number"],
            unit_exponent=exponent,
            entered_by=None if goes_on is None else goes_on["entered_by"],
            installation_id=None if goes_on is None else InstallationId(goes_on["installation_id"]),
        )

    async def account_of(self, number: str) -> AccountId | None:
        found: AccountId | None = await self._value(_QUERIES["account_of_number"], number=number)
        return found

    async def lock_account(self, account_id: AccountId) -> HeldAccount | None:
        if await self._value(_QUERIES["lock_account"], account_id=account_id) is None:
            return None
        (row,) = await self._fetch(_QUERIES["account_place"], account_id=account_id)
        spans = [_span(span) for span in await self._fetch(_QUERIES["hanging"], meter_ids=[], account_id=account_id)]
        facts = AccountFacts(account_id, row["number"], row["medium"], row["opened_s"], row["closed_s"], spans)
        return HeldAccount(facts, row["area_id"], row["address"], row["customer_id"])

    async def account_where(self, meter_id: MeterId) -> AccountId | None:
        found: AccountId | None = await self._value(_QUERIES["account_where"], meter_id=meter_id)
        return found

    async def hanging_at(self, account_id: AccountId) -> str | None:
        found: str | None = await self._value(_QUERIES["hanging_at"], account_id=account_id)
        return found

    async def of_imei(self, imei: int) -> str | None:
        found: str | None = await self._value(_QUERIES["number_of_imei"], imei=imei)
        return found

    async def write(self, change: Change, note: ActNote, other: MeterId | None) -> bool:
        try:
            async with self._connection.transaction():  # a savepoint: an exclusion raises
                return await self._write(change, note, other)
        except (asyncpg.ExclusionViolationError, asyncpg.UniqueViolationError):
            return False

    async def _write(self, change: Change, note: ActNote, other: MeterId | None) -> bool:
        account_id = None
        if change.ends is not None:
            span, closing = change.ends
            account_id = span.account_id
            ended = await self._value(
                _QUERIES["end_installation"],
                installation_id=span.installation_id,
                at=note.at,
                closing=closing.count,
                closing_by=closing.source,
                other_id=other,
            )
            if ended is None:
                return False
        if change.begins is not None:
            account_id, role, opening = change.begins
            await self._fetch(
                _QUERIES["begin_installation"],
                meter_id=change.meter_id,
                account_id=account_id,
                role=role,
                at=note.at,
                opening=opening.count,
                opening_by=opening.source,
                person=note.person,
                contractor=note.contractor,
                entered_by=note.made_by,
            )
        if note.kind == "accept":
            await self._fetch(
                _QUERIES["accept_installation"], meter_id=change.meter_id, person=note.made_by, at=note.at
            )
        # Where it hangs no more, its dates (change_meter) follow with the new life; where it hangs now, they were written before.
        goes = change.before in HANGING and change.life not in HANGING
        comes = change.life in HANGING and change.before not in HANGING
        done = await self._value(
            _QUERIES["set_life"],
            meter_id=change.meter_id,
            at=note.at,
            life=change.before if goes else change.life,
            before=change.life if comes else change.before,
        )
        if done is None:
            return False
        await self._fetch(
            _QUERIES["note_life_act"],
            key=note.key,
            kind=note.kind,
            meter_id=change.meter_id,
            other_id=other,
            account_id=account_id,
            at=note.at,
            life=change.life,
            person=note.person,
            contractor=note.contractor,
            reason=note.reason,
            asked=note.asked,
            made_by=note.made_by,
        )
        return True

    async def receive(self, meter: NewStockMeter, today: date, note: ActNote) -> MeterId | None:
        values = {name: getattr(meter, name) for name in NewStockMeter.__struct_fields__}
        values["imei"] = None if meter.imei is None else int(meter.imei)
        try:
            async with self._connection.transaction():
                meter_id: MeterId = await self._value(_QUERIES["receive_meter"], today=today, at=note.at, **values)
        except asyncpg.UniqueViolationError:
            return None
        await _OF_REGISTRY["add_meter_state"].execute(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        await search.refresh(self._connection, [meter_id])
        await _OF_REGISTRY["note_identity_change"].execute(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id
        )
        await self._fetch(
            _QUERIES["note_life_act"],
            key=note.key, kind="receive", meter_id=meter_id, other_id=None, account_id=None, at=note.at, life=Life.STOCK,
            person=note.person, contractor=note.contractor, reason=note.reason, asked=note.asked, made_by=note.made_by,
        )  # fmt: skip
        return meter_id

    async def store(self, life: Life, limit: int, after: int) -> list[StockMeter]:
        rows = await self._fetch(_QUERIES["meters_in_store"], life=life, most=limit, after=after)
        return [StockMeter(**{**dict(row), "life": Life(row["life"])}) for row in rows]

    async def named(self, names: Sequence[str]) -> dict[str, NamedMeter]:
        found: dict[str, NamedMeter] = {}
        for row in await self._fetch(_QUERIES["stock_of_names"], names=list(names)):
            meter = NamedMeter(row["meter_id"], row["product"], Life(row["life"]), row["since_s"])
            found |= {row["bar_code"]: meter} if row["bar_code"] and row["bar_code"] not in found else {}
            found[row["number"]] = meter  # a number counts before a bar code that is written like it
        return found

    async def issue(self, meter_ids: Sequence[MeterId], note: ActNote) -> int:
        rows = await self._fetch(_QUERIES["issue_meters"], meter_ids=meter_ids, at=note.at)
        done = [row["meter_id"] for row in rows]
        await self._fetch(_QUERIES["note_issues"], meter_ids=done, key=note.key, at=note.at, person=note.person, contractor=note.contractor,
            reason=note.reason, asked=note.asked, made_by=note.made_by,
        )  # fmt: skip
        return len(done)

    async def issued_before(self, key: str) -> KnownIssue | None:
        (row,) = await self._fetch(_QUERIES["issued_before"], key=key)
        return None if row["made_at"] is None else KnownIssue(row["made_at"], row["meters"], row["stands"])

    async def keeps_units(self, meter_id: MeterId, product_id: ProductId) -> bool:
        rows = await self._fetch(_QUERIES["units_before_and_after"], meter_id=meter_id, product_id=product_id)
        exponent = self._wording.exponent
        return all(
            row["medium"] == row["new_medium"] and exponent(row["driver"]) == exponent(row["new_driver"])
            for row in rows
        )

    async def has_hung(self, product_id: ProductId) -> bool:
        found: bool = await self._value(_QUERIES["has_hung"], product_id=product_id)
        return found

    async def change_facts(self, meter_id: MeterId, revision: int, values: Mapping[str, Any]) -> bool:
        if unknown := values.keys() - set(_FACTS):
            raise ValueError(f"not facts of a meter: {sorted(unknown)}")
        done = await self._value(
            _QUERIES["change_meter_facts"], meter_id=meter_id, revision=revision, changes=dict(values)
        )
        return done is not None

    async def parents(self, meter_id: MeterId) -> list[MeterId]:
        return [row["meter_id"] for row in await self._fetch(_QUERIES["parents"], meter_id=meter_id)]

    async def installations(
        self, *, account_id: AccountId | None, to_accept: bool, limit: int, after: int | None
    ) -> list[Installation]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": limit}
        fragments = []
        if account_id is not None:
            fragments.append("AND i.account_id = :account_id")
            values["account_id"] = account_id
        if to_accept:
            fragments.append("AND upper_inf(i.during) AND i.accepted_by IS NULL AND i.entered_by IS NOT NULL")
        if after is not None:
            fragments.append("AND i.installation_id < :after")
            values["after"] = after
        fragments.append("ORDER BY i.installation_id DESC LIMIT :most")
        rows = await extended(_QUERIES["installations"], *fragments).fetch(self._connection, **values)
        return [self._installation(row) for row in rows]

    async def installation(self, installation_id: InstallationId) -> Installation | None:
        one = extended(_QUERIES["installations"], "AND i.installation_id = :installation_id")
        row = await one.fetchrow(self._connection, tenant_id=self._tenant_id, installation_id=installation_id)
        return None if row is None else self._installation(row)

    async def due(self, chosen: DueFilter) -> list[DueMeter]:
        query, values = self._due(chosen, "LIMIT :most")
        rows = await query.fetch(self._connection, most=chosen.limit, **values)
        return [DueMeter(**dict(row)) for row in rows]

    async def due_pages(self, chosen: DueFilter) -> AsyncIterator[list[DueMeter]]:
        query, values = self._due(chosen)
        async for rows in query.pages(self._connection, chosen.limit, **values):
            yield [DueMeter(**dict(row)) for row in rows]

    def _due(self, chosen: DueFilter, *ending: str) -> tuple[Query, dict[str, Any]]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "area_id": chosen.area_id}
        fragments = ["AND d.due_on IS NULL"] if chosen.unknown else ["AND d.due_on IS NOT NULL"]
        for name, condition in (
            ("first", "d.due_on >= :first"),
            ("last", "d.due_on <= :last"),
            ("action", "d.action = :action"),
        ):
            value = getattr(chosen, name)
            if value is not None:
                fragments.append(f"AND {condition}")
                values[name] = value
        if chosen.after is not None:
            on, values["after_id"] = chosen.after
            if chosen.unknown:
                fragments.append("AND d.meter_id > :after_id")
            else:
                values["after_on"] = date.fromisoformat(on)
                fragments.append("AND (d.due_on, d.meter_id) > (:after_on::date, :after_id::bigint)")
        return extended(_QUERIES["due_meters"], *fragments, "ORDER BY d.due_on, d.meter_id", *ending), values

    async def due_counts(self, area_id: AreaId | None, until: date) -> list[DueCount]:
        return [
            DueCount(**dict(row)) for row in await self._fetch(_QUERIES["due_counts"], area_id=area_id, until=until)
        ]

    async def lifetime_rules(self) -> list[LifetimeRule]:
        return [LifetimeRule(**dict(row)) for row in await self._fetch(_QUERIES["lifetime_rules"])]

    async def set_lifetime_rules(self, rules: Sequence[LifetimeRule]) -> None:
        await self._fetch(_QUERIES["drop_lifetime_rules"])
        await self._fetch(
            _QUERIES["put_lifetime_rules"],
            media=[rule.medium for rule in rules],
            gas_kinds=[rule.gas_kind for rule in rules],
            dns=[rule.dn_to for rule in rules],
            qmaxes=[rule.qmax_l_h_to for rule in rules],
            months=[rule.months for rule in rules],
            actions=[rule.action for rule in rules],
        )
