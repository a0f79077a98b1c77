# SPDX-License-Identifier: Apache-2.0
"""The Python client that is made of the document works against the API: what it asks is understood, what it gets is what was said."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Response
from litestar.response import File, Stream
from litestar.routes import HTTPRoute

from openmains.edges.http.app import api_router, openapi_config
from tests.edges.http.world import World

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs/reference/openapi.json"  # test_problems.py proves that it is fresh


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Made as `make client` makes it; a warning of the maker (something of the document that it left out) fails."""
    place = tmp_path_factory.mktemp("client") / "made"
    done = subprocess.run([ROOT / "scripts/client.sh", place], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(place))
    yield place
    sys.path.remove(str(place))
    for name in [name for name in sys.modules if name.partition(".")[0] == "openmains_client"]:
        del sys.modules[name]


@pytest.fixture
async def client(package: Path, world: World) -> AsyncIterator[Any]:
    made = importlib.import_module("openmains_client").AuthenticatedClient("http://test", token=world.a.token)
    transport = httpx.ASGITransport(app=world.app)  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {world.a.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as over:
        yield made.set_async_httpx_client(over)


def call(path: str) -> Any:
    return importlib.import_module(f"openmains_client.api.{path}").asyncio_detailed


def model(name: str) -> Any:
    return getattr(importlib.import_module("openmains_client.models"), name)


def test_every_operation_is_there(package: Path) -> None:
    wanted = set(re.findall(r'"operationId": "(\w+)"', REFERENCE.read_text("utf-8")))
    files = {path.stem for path in (package / "openmains_client/api").glob("*/*.py")} - {"__init__"}
    assert files == wanted


def test_what_is_sent_as_a_file_is_not_said_to_be_json() -> None:
    """A client would try to read it as such."""
    said = json.loads(REFERENCE.read_text("utf-8"))["paths"]
    files = [
        (handler.operation_id, said[route.path_format][method.lower()]["responses"]["200"]["content"])
        for route in Litestar([api_router()], openapi_config=openapi_config()).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods & {"GET", "POST"}
        if handler.operation_id
        and handler.parsed_fn_signature.return_type.annotation in (File, Stream, Response[bytes], Response[str])
    ]
    assert len(files) > 20
    said_json = [name for name, content in files if "application/json" in content or "" in content]
    assert said_json == [
        "download_plan",
        "hear_payment_callback",
        "hear_operator_push",
    ]  # a file that is JSON; what a provider or a platform is told in its own form


async def test_a_list_a_file_and_an_act(client: Any, world: World) -> None:
    meters = await call("meters.list_meters")(client=client, limit=1)
    assert meters.status_code == 200
    (meter,) = meters.parsed.items
    assert (await call("meters.read_meter")(client=client, meter_id=meter.meter_id)).parsed.number == meter.number
    rows = await call("readings.download_edits_csv")(client=client)
    assert rows.status_code == 200 and isinstance(rows.parsed, str) and "," in rows.parsed
    code = "made-by-client"
    body = model("NewArea")(code=code, name="Made by the client")
    added = await call("fleet.add_area")(client=client, body=body)
    assert added.status_code == 201, added.content
    assert added.parsed.code == code


async def test_a_refusal_is_the_problem_that_the_document_promises(client: Any, world: World) -> None:
    body = model("NewArea")(code="", name="x")
    refused = await call("fleet.add_area")(client=client, body=body)
    assert refused.status_code == 400
    assert isinstance(refused.parsed, model("ProblemDetails"))
    assert refused.parsed.status == 400 and refused.parsed.title
    gone = await call("meters.read_meter")(client=client, meter_id=2**40)
    assert gone.status_code == 404 and isinstance(gone.parsed, model("ProblemDetails"))
