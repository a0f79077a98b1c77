# SPDX-License-Identifier: Apache-2.0
"""Every operation of the document, as every role, with inputs that fit the document and inputs that do not: never a fault of ours.

Inputs are made by schemathesis from the document, always the same ones. Each goes out four times: without a credential, as viewer,
operator and administrator of a utility that has one of everything; the ids of these stand in for made-up ones half the time.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from openmains.app.readings.report.answers import Reports
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.http.app import build_app
from openmains.edges.nats.operate import OperateBus
from openmains.edges.nats.stream import connect
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.tax.simulator import EmulatedTax
from openmains.emulator.pay.wechat import EmulatedWechat
from openmains.run.engines.engines import Engines
from tests.edges.http.test_command import ANN, BEN, signer
from tests.edges.http.world import Utility, World
from tests.support.passwords import cheap_hash
from tests.support.providers import caller_to

__all__ = ["signer"]  # a fixture
DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"  # held fresh by its own test
ROLES = ("administrator", "operator", "viewer", None)
OWN_CREDENTIALS = {"sign_in", "sign_out", "change_password"}  # asked as they are, with no session to lose
FEW, MANY = 3, 60
Answer = tuple[str | None, httpx.Response]


def _document() -> dict[str, Any]:
    """The API's document; what the API takes no other fields in is closed, so that inputs which fit it pass its reader."""
    said: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    for schema in said["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return said


OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(_document()).get_all_operations()
    for operation in [result.ok()]
}


@dataclass
class Callers:
    """The whole API, the utility, and a token for each role."""

    world: World
    utility: Utility
    tokens: dict[str | None, str | None]
    loop: asyncio.AbstractEventLoop

    def ask(self, prepared: requests.PreparedRequest) -> list[Answer]:
        """The request as each role."""
        return self.loop.run_until_complete(self._ask(prepared))

    async def _ask(self, prepared: requests.PreparedRequest) -> list[Answer]:
        answers = []
        for role, token in self.tokens.items():
            headers = {
                name: value
                for name, value in prepared.headers.items()
                if name.lower() not in ("authorization", "cookie")
            }
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            async with self.world.client() as client:
                body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
                raw = {name.encode(): value.encode("utf-8") for name, value in headers.items()}
                answers.append(
                    (role, await client.request(str(prepared.method), str(prepared.url), content=body, headers=raw))
                )
        return answers


@pytest.fixture(scope="module")
async def callers(
    world: World, signer: SqliteLedger, engines: Engines, clickhouse: ClickHouse
) -> AsyncIterator[Callers]:
    pool = await create_pool(engines.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    nats = await connect(engines.urls.nats, name="test")
    deps = replace(
        world.deps,
        reports=Reports(DayReports(clickhouse), ReportLabels(pool), KeptReports(pool)),
        meter_link=OperateBus(nats),
        provider_call=caller_to(EmulatedWechat(world.deps.now_s)),
        tax=EmulatedTax(),
    )
    whole = replace(world, deps=deps, app=build_app(deps))
    utility = await whole.utility()
    for who, role in ((ANN, "operator"), (BEN, "approver")):
        signer.enrol(utility.tenant_id, who["login"], cheap_hash(who["password"]), role)
    tokens = {role: None if role is None else await whole.user(utility, role) for role in ROLES}
    yield Callers(whole, utility, tokens, asyncio.get_running_loop())
    await nats.close()
    await pool.close()


def prepared(case: Case, utility: Utility, known_ids: bool) -> requests.PreparedRequest:
    """The request; ``known_ids``: with those of the utility in its path, but for persons and tokens, who would be lost."""
    if known_ids:
        for name in case.path_parameters:
            if name in utility.ids and name not in ("user_id", "token_id"):
                case.path_parameters[name] = utility.ids[name]
    wanted = case.as_transport_kwargs(base_url="http://om.test")
    taken = ("method", "url", "headers", "params", "json", "data", "files")
    return requests.Request(**{name: wanted[name] for name in taken if name in wanted}).prepare()


def check(callers: Callers, label: str, examples: int) -> None:
    operation = OPERATIONS[label]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    @given(case=cases, known_ids=st.booleans())
    def never_our_fault(case: Case, known_ids: bool) -> None:
        request = prepared(case, callers.utility, known_ids)
        for role, answer in callers.ask(request):
            said = (role, request.method, request.url, request.body, answer.status_code, answer.text[:500])
            assert answer.status_code < 500, said
            if answer.status_code >= 400:
                assert answer.headers["content-type"].startswith("application/problem+json"), said
                assert answer.json()["detail"], said

    never_our_fault()


def test_the_document_is_asked_whole(world: World) -> None:
    declared = {operation["operationId"] for item in _document()["paths"].values() for operation in item.values()}
    asked = {operation.definition.raw["operationId"] for operation in OPERATIONS.values()}
    assert asked == declared and len(asked) > 100 and asked > OWN_CREDENTIALS


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_input_is_our_fault(callers: Callers, label: str) -> None:
    check(callers, label, FEW)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_input_of_many_is_our_fault(callers: Callers, label: str, takes_minutes: None) -> None:
    check(callers, label, MANY)
