# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/examples, run against the API of a test as another system's people would run them."""

import importlib.util
from pathlib import Path
from typing import Any

import httpx

from tests.edges.http.world import World

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> Any:
    """Its ``run``."""
    found = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.run


def outside(world: World, token: str) -> httpx.AsyncClient:
    """A client as the examples make one: with the server's address and a token."""
    transport = httpx.ASGITransport(app=world.app)  # type: ignore[arg-type]
    return httpx.AsyncClient(
        transport=transport, base_url="http://om.test", headers={"Authorization": f"Bearer {token}"}
    )
