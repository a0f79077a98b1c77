# SPDX-License-Identifier: Apache-2.0
"""Every operation has a declared role, and the table is obeyed."""

import pytest
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from openmains.domain.identity.role import Role, covers
from openmains.edges.http.guard import operation_of
from openmains.edges.http.permissions import BEFORE_PASSWORD_CHANGE, PUBLIC, ROLES
from tests.edges.http.world import World


def operations(world: World) -> dict[str, tuple[str, str]]:
    """Operation → (method, path)."""
    found = {}
    for route in world.app.routes:
        handlers = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[attr-defined]
        for handler in handlers:
            if isinstance(handler, HTTPRouteHandler):
                if route.path.startswith("/api/v1/schema") or route.path in ("/", "/{path:path}"):
                    continue
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    found[operation_of(handler)] = (str(method), route.path)
            elif isinstance(handler, WebsocketRouteHandler):
                found[operation_of(handler)] = ("WS", route.path)
    return found


async def test_no_route_without_a_declared_role(world: World) -> None:
    names = set(operations(world)) - {""}
    assert names == PUBLIC | set(ROLES)
    assert not PUBLIC & set(ROLES)
    assert set(ROLES) >= BEFORE_PASSWORD_CHANGE


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_reaches_what_the_table_says_and_no_more(world: World, role: Role) -> None:
    token = await world.user(world.a, role.value)
    async with world.client(token) as client:
        for name, (method, path) in operations(world).items():
            if name in PUBLIC or method == "WS" or name in ("sign_out", "change_password"):
                continue
            url = _filled(path)
            answer = await client.request(method, url, json={} if method in ("POST", "PATCH") else None)
            refused = answer.status_code == 403 and answer.json()["type"].endswith("/not-allowed")
            assert refused != covers(role, ROLES[name]), (name, answer.status_code, answer.text)
            assert answer.status_code < 500 or answer.status_code == 501, (name, answer.text)


async def test_nothing_without_a_credential(world: World) -> None:
    async with world.client() as client:
        for name, (method, path) in operations(world).items():
            if name in PUBLIC or method == "WS":
                continue
            answer = await client.request(method, _filled(path), json={} if method in ("POST", "PATCH") else None)
            assert answer.status_code == 401, (name, answer.text)


def _filled(path: str) -> str:
    parts = ["999999999" if ":int" in p else "none" if p.startswith("{") else p for p in path.split("/")]
    return "http://om.test" + "/".join(parts)
