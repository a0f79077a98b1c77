# SPDX-License-Identifier: Apache-2.0
"""The matrix of rights, generated from the API's document: every operation, as every built-in role limited to one place, and as client
applications limited to it or bound to its meter, asked for the own place, another place of the same utility, and another utility's. What
lies elsewhere is not there: no text of it is in any answer, not in files that are packed either; no search finds it;
and nothing that was asked of it is done.

How the requests are made: ``asked.py``. One system.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from openmains.app.readings.report.answers import Reports
from openmains.domain.identity.application import PERSONS_ONLY
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import WHOLE
from openmains.domain.identity.role import BUILT_IN, NEEDS_PRODUCTS, Role
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.http.app import build_app
from openmains.edges.postgres.db import LIMITED_ROLE, PIPELINE_ROLE, create_pool
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.run.engines.engines import Engines
from tests.edges.http.asked import (
    OPERATIONS,
    PERMISSION_OF,
    Operation,
    asks_for_one,
    leaks,
    nobody_like,
    request_of,
    texts_of,
    told_without_ids,
)
from tests.edges.http.reach_town import ROWS, Place, furnish
from tests.edges.http.test_applications import make, token
from tests.edges.http.world import World

APPLICATIONS = ("limited", "bound")


@dataclass(frozen=True)
class Caller:
    """Who asks, within the own place. ``hides_people``: sees meters, and not whose they are."""

    token: str
    may: frozenset[Permission]
    hides_people: bool = False


@dataclass
class Town:
    """One's own place, another one of the utility, another utility's; who asks, limited to the first."""

    world: World
    own: Place
    other: Place
    foreign: Place
    callers: dict[str, Caller]


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
    callers = {
        role.value: Caller(
            await whole.user(utility, role.value, places=places, products=products if role in NEEDS_PRODUCTS else []),
            BUILT_IN[role].permissions - WHOLE, role in NEEDS_PRODUCTS,
        )
        for role in Role
    }  # fmt: skip
    scopes = sorted(frozenset(Permission) - PERSONS_ONLY - WHOLE)
    for name, within in (("limited", {"places": places}), ("bound", {"meters": [own.number]})):
        made = await make(whole, utility, scopes=scopes, **within)
        callers[name] = Caller(await token(whole, made), frozenset(scopes))
    yield Town(whole, own, other, foreign, callers)
    await pool.close()


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
        others = {
            "command_batch",
            "job",
            "saved_query",
            "debit_file",
            "debit_answer",
        }  # of another person, or with sums of the whole
        of_utility = {"app_user", "tag", "client_application"}  # at no place; closed
        for table in sorted({"meter", "meter_state", "meter_search"} | {row[0] for row in ROWS} - others - of_utility):
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


@pytest.mark.parametrize("name", [Role.ADMINISTRATOR.value, Role.MAKER.value, *APPLICATIONS])
async def test_no_search_finds_what_lies_elsewhere(town: Town, name: str) -> None:
    """Words of another place are answered as words that stand nowhere, by every operation that searches; those of the own place are found."""
    searching = [one for one in OPERATIONS if any(said["name"] == "q" for said in one.said.get("parameters", ()))]
    assert {"list_meters", "download_meters", "list_customers"} <= {one.name for one in searching}
    found, nothing = set(), "zqzq7"
    async with town.world.client(town.callers[name].token) as client:
        for operation in searching:
            if operation.changes:
                continue
            wanted = request_of(operation, town.own)
            wanted["params"].pop("meter_id", None)  # either a search or a choice
            told: dict[str, object] = {}
            for words in (nothing, town.own.private, *town.other.marks, *town.foreign.marks):
                answer = await client.request(**{**wanted, "params": {**wanted["params"], "q": words}})
                assert answer.status_code < 500, (operation.name, answer.text)
                assert not leaks(answer, town.other, town.foreign) or words in answer.text, operation.name
                said = re.sub(r"[0-9-]{10}T[0-9:.]{8,}Z", "", texts_of(answer))  # when a file was made
                told[words] = (answer.status_code, said if answer.status_code < 400 else "")
            elsewhere = {words: said for words, said in told.items() if words != town.own.private}
            assert len(set(elsewhere.values())) == 1, (operation.name, elsewhere)
            if told[town.own.private] != told[nothing]:
                found.add(operation.name)
    if name in (Role.ADMINISTRATOR, "limited"):
        assert {"list_meters", "download_meters"} <= found


BROADEST = (Role.ADMINISTRATOR, Role.MAKER)
"""What is open to a limited person at all is open to these: the first by places, the other by products as well."""
NARROWER = [*(role.value for role in Role if role not in BROADEST), *APPLICATIONS]


@pytest.mark.parametrize("name", [*(role.value for role in Role), *APPLICATIONS])
async def test_nothing_leaks_and_nothing_is_done_elsewhere(town: Town, name: str) -> None:
    """The broadest roles ask everything of all three; the others, whose operations are some of theirs, read what lies elsewhere, and are
    refused what is not theirs. Everything of all three, for every one, is asked by the slow test below."""
    wrong = await asked(town, name, is_whole=name not in NARROWER)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NARROWER)
async def test_nothing_leaks_to_anyone(town: Town, name: str, takes_minutes: None) -> None:
    wrong = await asked(town, name, is_whole=True)
    assert not wrong, "\n".join(wrong)


async def asked(town: Town, name: str, *, is_whole: bool) -> list[str]:
    """What went wrong. ``is_whole``: of all three targets, changes too."""
    caller = town.callers[name]
    wrong: list[str] = []
    async with town.world.client(caller.token) as client:
        for operation in OPERATIONS:
            permission = PERMISSION_OF.get(operation.name)
            if permission is not None and permission not in caller.may:
                status = (await client.request(**request_of(operation, town.other))).status_code
                if status != 403:
                    wrong.append(f"not refused: {operation.name}: {status}")
                continue
            if not is_whole and operation.changes:
                continue
            for target in (town.own, town.other, town.foreign) if is_whole else (town.other,):
                wrong += await _told(town, client, caller, operation, target)
    return wrong


async def _told(
    town: Town, client: httpx.AsyncClient, caller: Caller, operation: Operation, target: Place
) -> list[str]:
    answer = await client.request(**request_of(operation, target))
    where = "own" if target is town.own else "elsewhere" if target is town.other else "foreign"
    told = f"{operation.name} {where}: {answer.status_code} {answer.text[:300]}"
    wrong = []
    if answer.status_code >= 500 and answer.status_code not in (501, 503):
        wrong.append(told)
    if found := leaks(answer, town.other, town.foreign):
        wrong.append(f"tells {found}: {told}")
    if caller.hides_people and town.own.private in answer.text:
        wrong.append(f"tells a maker whose it is: {told}")
    if target is not town.own and asks_for_one(operation, target) and answer.status_code < 400:
        empty = await client.request(**request_of(operation, nobody_like(target)))
        if operation.changes or told_without_ids(answer) != told_without_ids(empty):
            wrong.append(f"lets in: {told}")
    return wrong


OF_NO_PLACE = {
    "collection_due", "notice_calendar", "notice_template", "reread_scan",
    "tenant", "app_user", "own_role", "area_kind", "access_policy", "cell_capacity", "command_policy", "command_setting",
    "lifetime_rule", "tariff", "tariff_plan", "meter_price", "technician", "work_order_kind", "ledger_month", "arrears_rule",
    "calendar_year", "bill_letterhead", "tag", "invoice_tax",
    "driver_page", "driver_page_version", "personal_key", "tenant_key", "restore_epoch",
    "platform_choice", "outbox_place", "import_heading",
}  # fmt: skip
"""How a utility is set up: read by everybody who may, of no place. What is new here needs a reason."""
