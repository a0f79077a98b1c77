# SPDX-License-Identifier: Apache-2.0
"""The matrix of rights, generated from the API's document: every operation, as every built-in role limited to one place, asked for its own
place, another place of the same utility, and another utility's. What lies elsewhere is not there: no text of it is in any answer, and
nothing that was asked of it is done.

Each operation is asked with inputs made from its schema, in which every id is one of the target's. One system.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from openmains.app.readings.report.answers import Reports
from openmains.domain.identity.reach import WHOLE
from openmains.domain.identity.role import BUILT_IN, NEEDS_PRODUCTS, Role
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.http.app import build_app, operations
from openmains.edges.http.permissions import operation_of
from openmains.edges.postgres.db import LIMITED_ROLE, PIPELINE_ROLE, create_pool
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.run.engines.engines import Engines
from tests.edges.http.reach_town import ROWS, Place, furnish
from tests.edges.http.world import World

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs/reference/openapi.json").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
NOT_ASKED = {"sign_in", "sign_out", "change_password"}  # of the credential alone, and would end it
PERMISSION_OF = {operation_of(handler): access.permission for handler, access in operations()}
IDS = {  # names by which inputs mean something that hangs at a place
    "under": "area_id", "parent_id": "area_id", "meter_ids": "meter_id", "area_ids": "area_id", "other_id": "account_id",
}  # fmt: skip
DEFAULTS = {
    "from": "2023-11-14T00:00:00Z", "to": "2023-11-15T00:00:00Z", "first": "2023-11-14", "last": "2023-11-14", "day": "2023-11-14",
    "at": "2023-11-14T13:00:00Z", "maker": "openmains", "model": "water-1", "reason": "because it is asked for", "key": "k",
}  # fmt: skip


@dataclass
class Operation:
    """One of the document."""

    name: str
    method: str
    path: str
    said: dict[str, Any]

    @property
    def changes(self) -> bool:
        return self.method != "get"


OPERATIONS = [
    Operation(said["operationId"], method, path, said)
    for path, item in DOCUMENT["paths"].items()
    for method, said in item.items()
    if said["operationId"] not in NOT_ASKED
]


@dataclass
class Town:
    """One's own place, another one of the utility, another utility's; a token for each role limited to the first."""

    world: World
    own: Place
    other: Place
    foreign: Place
    tokens: dict[Role, str]


@pytest.fixture(scope="module")
async def town(world: World, engines: Engines, clickhouse: ClickHouse) -> AsyncIterator[Town]:
    pool = await create_pool(engines.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    deps = replace(world.deps, reports=Reports(DayReports(clickhouse), ReportLabels(pool), KeptReports(pool)))
    whole = replace(world, deps=deps, app=build_app(deps))
    utility, strangers = await whole.utility(), await whole.utility()
    async with whole.client(utility.token) as client:
        district = (
            await client.post("/areas", json={"code": "mine", "name": "Mine", "parent_id": utility.ids["area_id"]})
        ).json()
    own = await furnish(whole, clickhouse, utility, "OWN", district["area_id"])
    other = await furnish(whole, clickhouse, utility, "ELSEWHERE", utility.ids["area_id"])
    foreign = await furnish(whole, clickhouse, strangers, "FOREIGN", strangers.ids["area_id"])
    places, products = [district["area_id"]], [utility.ids["product_id"]]
    tokens = {
        role: await whole.user(utility, role.value, places=places, products=products if role in NEEDS_PRODUCTS else [])
        for role in Role
    }
    yield Town(whole, own, other, foreign, tokens)
    await pool.close()


def example(schema: dict[str, Any], name: str, ids: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits a schema; ids are the target's."""
    if "$ref" in schema:
        return example(SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]], name, ids, depth)
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return example(next(one for one in schema[either] if one.get("type") != "null"), name, ids, depth)
    known = ids.get(IDS.get(name, name))
    kind = schema.get("type")
    kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
    if kind == "array":
        one = example(schema.get("items", {}), name, ids, depth + 1)
        return [one] if known is not None or schema.get("minItems") else []
    if "enum" in schema:
        return schema["enum"][0]
    if known is not None and kind in ("integer", "string"):
        return known if kind == "integer" else f"{known}"
    if kind == "object" or "properties" in schema:
        needed = set(schema.get("required", ()))
        return {
            key: example(one, key, ids, depth + 1)
            for key, one in schema.get("properties", {}).items()
            if depth < 6 and (key in needed or key in ("reason", "key") or ids.get(IDS.get(key, key)) is not None)
        }
    if kind == "integer":
        return max(int(schema.get("minimum", 1)), 1)
    if kind == "boolean":
        return True
    if kind == "string":
        form = {"date": "2023-11-14", "date-time": "2023-11-14T13:00:00Z"}.get(schema.get("format", ""))
        return form or DEFAULTS.get(name, "x" * max(3, int(schema.get("minLength", 3))))
    return None


def ids_of(operation: Operation, place: Place) -> dict[str, Any]:
    """By the names that this operation has for them: a work order and an order of a payment have the same."""
    if "/payment-orders/" not in operation.path:
        return place.ids
    return {**place.ids, "order_id": place.ids["payment_order_id"]}


def request_of(operation: Operation, place: Place) -> dict[str, Any]:
    """What ``AsyncClient.request`` takes."""
    path, ids = operation.path, ids_of(operation, place)
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for parameter in operation.said.get("parameters", ()):
        name, where, schema = parameter["name"], parameter["in"], parameter.get("schema", {})
        known = ids.get(IDS.get(name, name), DEFAULTS.get(name))
        if where == "path":
            value = example(schema, name, ids) if known is None else known
            path = path.replace(f"{{{name}}}", str(value))
        elif where == "header":
            headers[name] = '"1"'
        elif name not in ("medium", "kind") and (parameter.get("required") or known is not None):
            query[name] = example(schema, name, ids) if known is None else known
    wanted: dict[str, Any] = {
        "method": operation.method,
        "url": path.removeprefix("/api/v1"),
        "params": query,
        "headers": headers,
    }
    for media, said in operation.said.get("requestBody", {}).get("content", {}).items():
        if media == "application/json":
            wanted["json"] = example(said["schema"], "", ids)
        else:
            wanted |= {"content": b"x", "headers": {**headers, "Content-Type": media}}
        break
    return wanted


def asks_for_one(operation: Operation, place: Place) -> bool:
    """Whether its path names something of a place."""
    names = {one["name"] for one in operation.said.get("parameters", ()) if one["in"] == "path"}
    return any(name in place.ids and name not in ("product_id", "medium") for name in names)


def nobody_like(place: Place) -> Place:
    """The same ids, of nothing at all."""
    gone = {
        name: 999_999_999 if isinstance(value, int) and name != "product_id" else value
        for name, value in place.ids.items()
    }
    return Place(place.utility, gone)


def told_without_ids(answer: httpx.Response) -> tuple[int, str]:
    """What an answer tells besides numbers: an empty list is the same of what is hidden and of what is not there."""
    return answer.status_code, re.sub(r"[0-9a-f-]{16,}|[0-9]+", "0", answer.text)


def leaks(answer: httpx.Response, *places: Place) -> list[str]:
    return [mark for place in places for mark in place.marks if mark in answer.text or mark.encode() in answer.content]


async def test_no_row_of_elsewhere_is_seen(town: Town) -> None:
    """In PostgreSQL itself: of every table that hangs at places the row of one's own place, and neither other."""
    owner = town.world.owner
    user = await owner.fetchval("SELECT user_id FROM app_user WHERE tenant_id = $1 LIMIT 1", town.own.utility.tenant_id)
    async with owner.transaction():
        await owner.execute(
            "SELECT set_config('openmains.tenant', $1, true), set_config('openmains.user', $2, true),"
            " set_config('openmains.places', $3, true), set_config('role', $4, true)",
            str(town.own.utility.tenant_id), str(user), f"{{{town.own.ids['area_id']}}}", LIMITED_ROLE,
        )  # fmt: skip
        others = {"command_batch", "job", "saved_query"}  # of another person
        for table in sorted({"meter", "meter_state", "meter_search"} | {row[0] for row in ROWS} - others):
            count = await owner.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert count == 1, (table, count)
        for table in sorted(others):
            assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608


async def test_every_table_says_where_it_hangs(town: Town) -> None:
    """A table that the API reads is within reach by a policy, of no place by this list, or closed to whoever is limited."""
    rows = await town.world.owner.fetch(
        "SELECT c.relname, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'within_reach') AS within,"
        " has_table_privilege($1, c.oid, 'SELECT') OR has_any_column_privilege($1, c.oid, 'SELECT') AS sees"
        " FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition",
        LIMITED_ROLE,
    )
    assert {row["relname"] for row in rows if row["sees"] and not row["within"]} == OF_NO_PLACE


BROADEST = (Role.ADMINISTRATOR, Role.MAKER)
"""What is open to a limited person at all is open to these: the first by places, the other by products as well."""


@pytest.mark.parametrize("role", list(Role))
async def test_nothing_leaks_and_nothing_is_done_elsewhere(town: Town, role: Role) -> None:
    """The broadest roles ask everything of all three; the others, whose operations are some of theirs, read what lies elsewhere, and are
    refused what is not theirs. Everything of all three, for every role, is asked by the slow test below."""
    wrong = await asked(town, role, is_whole=role in BROADEST)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", [role for role in Role if role not in BROADEST])
async def test_nothing_leaks_to_any_role(town: Town, role: Role, takes_minutes: None) -> None:
    wrong = await asked(town, role, is_whole=True)
    assert not wrong, "\n".join(wrong)


async def asked(town: Town, role: Role, *, is_whole: bool) -> list[str]:
    """What went wrong. ``is_whole``: of all three targets, changes too."""
    may = BUILT_IN[role].permissions - WHOLE
    wrong: list[str] = []
    async with town.world.client(town.tokens[role]) as client:
        for operation in OPERATIONS:
            permission = PERMISSION_OF.get(operation.name)
            if permission is not None and permission not in may:
                status = (await client.request(**request_of(operation, town.other))).status_code
                if status != 403:
                    wrong.append(f"not refused: {operation.name}: {status}")
                continue
            if not is_whole and operation.changes:
                continue
            for target in (town.own, town.other, town.foreign) if is_whole else (town.other,):
                wrong += await _told(town, client, role, operation, target)
    return wrong


async def _told(town: Town, client: httpx.AsyncClient, role: Role, operation: Operation, target: Place) -> list[str]:
    answer = await client.request(**request_of(operation, target))
    where = "own" if target is town.own else "elsewhere" if target is town.other else "foreign"
    told = f"{operation.name} {where}: {answer.status_code} {answer.text[:300]}"
    wrong = []
    if answer.status_code >= 500 and answer.status_code not in (501, 503):
        wrong.append(told)
    if found := leaks(answer, town.other, town.foreign):
        wrong.append(f"tells {found}: {told}")
    if role in NEEDS_PRODUCTS and town.own.private in answer.text:
        wrong.append(f"tells a maker whose it is: {told}")
    if target is not town.own and asks_for_one(operation, target) and answer.status_code < 400:
        empty = await client.request(**request_of(operation, nobody_like(target)))
        if operation.changes or told_without_ids(answer) != told_without_ids(empty):
            wrong.append(f"lets in: {told}")
    return wrong


OF_NO_PLACE = {
    "collection_due", "notice_calendar", "reread_scan",
    "tenant", "app_user", "own_role", "area_kind", "access_policy", "cell_capacity", "command_policy", "command_setting",
    "lifetime_rule", "tariff", "tariff_plan", "meter_price", "technician", "work_order_kind", "ledger_month", "arrears_rule",
    "calendar_year", "bill_letterhead", "tag", "invoice_tax",
    "driver_page", "driver_page_version", "personal_key", "tenant_key", "restore_epoch",
    "platform_choice", "outbox_place", "import_heading",
}  # fmt: skip
"""How a utility is set up: read by everybody who may, of no place. What is new here needs a reason."""
