# SPDX-License-Identifier: Apache-2.0
"""Masking (R13.2, R13.6, R13.5): known phones, identity numbers and bank accounts are planted through the API, then every operation that only
looks is asked, as every built-in role that may not see them in clear, as a role that may do everything else, as administrator – who is
not told either unless asked for by the one operation – and as an application. None of the values is in an answer, a file that is packed
either, a line of the log, or the trail; a look in clear tells one, and each is in the trail. Names are told to who may see customers, and
to who goes to the place.
"""

import logging
import secrets
from dataclasses import dataclass, replace

import httpx
import pytest

from openmains.app.readings.report.answers import Reports
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.role import BUILT_IN, NEEDS_PRODUCTS, Role
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.http.app import build_app
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from tests.edges.http.asked import OPERATIONS, PERMISSION_OF, request_of, texts_of
from tests.edges.http.reach_town import Place, furnish
from tests.edges.http.test_applications import make, token
from tests.edges.http.world import World

TELL_NAMES = {
    "read_visit_meter", "list_visit_meters", "read_reading_route", "list_orders", "read_order",  # to who goes there
}  # fmt: skip
ASKED_BY_POST = (
    "read",
    "list",
    "count",
    "preview",
    "ask",
    "estimate",
    "export",
    "download",
    "find",
    "search",
    "simulate",
    "check",
)
"""How operations begin that only look and have a body."""


@dataclass(frozen=True)
class Planted:
    """A customer of a place with values that stand nowhere else; ``name``: of the customer and of the contact."""

    world: World
    place: Place
    values: dict[str, str]
    name: str
    contact_id: int


@pytest.fixture(scope="module")
async def planted(world: World, clickhouse: ClickHouse) -> Planted:
    deps = replace(
        world.deps, reports=Reports(DayReports(clickhouse), ReportLabels(world.pipeline), KeptReports(world.pipeline))
    )
    whole = replace(world, deps=deps, app=build_app(deps))
    utility = await whole.utility()
    place = await furnish(whole, clickhouse, utility, "MASKED", utility.ids["area_id"])
    values = {
        "phone": f"139{secrets.randbelow(10**8):08d}",
        "contact phone": f"138{secrets.randbelow(10**8):08d}",
        "identity_number": f"E{secrets.randbelow(10**8):08d}",
        "bank_account": f"6222{secrets.randbelow(10**15):015d}",
        "debited account": f"6217{secrets.randbelow(10**15):015d}",
    }
    name = f"\u5bc6{secrets.token_hex(6)}"
    async with whole.client(utility.token) as client:

        async def done(method: str, path: str, body: object) -> httpx.Response:
            headers = {"If-Match": (await client.get(customer)).headers["etag"]}
            answer = await client.request(method, path, json=body, headers=headers)
            assert answer.is_success, answer.text
            return answer

        customer = f"/customers/{place.ids['customer_id']}"
        sealed = {key: values[key] for key in ("phone", "identity_number", "bank_account")}
        await done("PATCH", customer, {**sealed, "name": name, "reason": "planted"})
        contact = {"name": f"{name} contact", "phone": values["contact phone"]}
        made = (await done("POST", f"{customer}/contacts", contact)).json()
        old = f"/debit-authorisations/{place.ids['authorisation_id']}/end"
        await done("POST", old, {"reason": "another account"})
        debit = {
            "account_id": place.ids["account_id"], "contract": secrets.token_hex(8), "bank": "B", "holder": f"{name} holder",
            "bank_account": values["debited account"], "signed_on": "2023-11-14", "reason": "signed",
        }  # fmt: skip
        await done("POST", "/debit-authorisations", debit)
    contact_id = next(one["contact_id"] for one in made["contacts"] if one["name"].startswith(name))
    return Planted(whole, place, values, name, contact_id)


async def told(planted: Planted, credential: str, may: frozenset[Permission]) -> list[str]:
    """Where a value, or a name that is not this caller's to see, was told."""
    wrong = []
    async with planted.world.client(credential) as client:
        for operation in OPERATIONS:
            needed = PERMISSION_OF.get(operation.name)
            if (needed is not None and needed not in may) or (
                operation.changes and not operation.name.startswith(ASKED_BY_POST)
            ):
                continue
            answer = await client.request(**request_of(operation, planted.place))
            said = texts_of(answer)
            wrong += [f"{operation.name}: {what}" for what, value in planted.values.items() if value in said]
            if planted.name in said and Permission.SEE_CUSTOMERS not in may and operation.name not in TELL_NAMES:
                wrong.append(f"{operation.name}: name")
    return wrong


async def test_no_value_is_told_to_anyone_who_does_not_ask_for_it(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    utility, world = planted.place.utility, planted.world
    wrong = []
    asking = [role for role in Role if Permission.SEE_PERSONAL not in BUILT_IN[role].permissions]
    assert {Role.CASHIER, Role.READER, Role.VIEWER} <= set(asking)
    for role in (*asking, Role.ADMINISTRATOR):
        within = {"products": [utility.ids["product_id"]]} if role in NEEDS_PRODUCTS else {}
        credential = await world.user(utility, role.value, **within)
        wrong += [f"{role}: {one}" for one in await told(planted, credential, BUILT_IN[role].permissions)]
    blind = sorted(frozenset(Permission) - {Permission.SEE_PERSONAL})
    async with world.client(utility.token) as client:
        made = await client.post("/roles", json={"name": "blind", "permissions": blind, "reason": "test"})
    credential = await world.user(utility, made.json()["code"])
    wrong += [f"blind: {one}" for one in await told(planted, credential, frozenset(blind))]
    async with world.client(credential) as client:
        look = await client.post(
            f"/customers/{planted.place.ids['customer_id']}/personal", json={"field": "phone", "reason": "curious"}
        )
        assert look.status_code == 403, look.text
    scopes = [Permission.SEE_CUSTOMERS, Permission.SEE_METERS, Permission.SEE_MONEY, Permission.EXPORT_METERS]
    opened = await token(world, await make(world, utility, scopes=scopes))
    wrong += [f"application: {one}" for one in await told(planted, opened, frozenset(scopes))]
    assert not wrong, "\n".join(wrong)
    assert not [what for what, value in planted.values.items() if value in caplog.text]


async def test_each_look_in_clear_tells_one_value_and_is_in_the_trail(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    place, values = planted.place, planted.values
    asked = [
        ({"field": "phone"}, "phone"), ({"field": "identity_number"}, "identity_number"), ({"field": "bank_account"}, "bank_account"),
        ({"field": "phone", "contact_id": planted.contact_id}, "contact phone"),
    ]  # fmt: skip
    async with planted.world.client(place.utility.token) as client:
        path = f"/customers/{place.ids['customer_id']}/personal"
        assert (await client.post(path, json={"field": "phone"})).status_code == 400  # without a reason nothing is told
        for body, what in asked:
            answer = await client.post(path, json={**body, "reason": f"asked for the {what}"})
            assert answer.status_code == 200, answer.text
            assert [one for one, value in values.items() if value in answer.text] == [what]
        chosen = {"action": "see_personal", "object_id": str(place.ids["customer_id"])}
        lines = (await client.get("/audit", params=chosen)).json()["items"]
        assert sorted(line["reason"] for line in lines) == sorted(f"asked for the {what}" for _, what in asked)
    kept = await planted.world.owner.fetchval(
        "SELECT string_agg(a::text, ' ') FROM audit a WHERE tenant_id = $1", place.utility.tenant_id
    )
    assert not [what for what, value in values.items() if value in kept or value in caplog.text]
