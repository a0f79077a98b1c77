# SPDX-License-Identifier: Apache-2.0
"""Every operation declares who may call it, and the declaration is obeyed."""

from pathlib import Path

import httpx
import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from openmains.domain.identity.role import BUILT_IN, NEEDS_PRODUCTS, Role
from openmains.edges.http.app import build_app
from openmains.edges.http.app import operations as declared_operations
from openmains.edges.http.guard import authorize
from openmains.edges.http.permissions import UndeclaredAccessError, declared, operation_of
from openmains.edges.http.permissions_page import as_markdown
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


ACCESS = {operation_of(handler): access for handler, access in declared_operations()}
PUBLIC = {name for name, access in ACCESS.items() if access.is_public}


async def test_every_route_is_declared_and_what_is_open_is_known(world: World) -> None:
    assert set(operations(world)) - {""} == set(ACCESS)
    assert len(ACCESS) == len(declared_operations())
    assert {
        "sign_in", "ask_for_code", "sign_in_customer", "health", "ready", "describe_problem", "hear_payment_callback", "pay_as_partner",
        "open_access", "hear_operator_push", "answer_operator_check", "read_wechat_sign_in", "sign_in_by_wechat",
    } == PUBLIC  # fmt: skip
    early = {name for name, access in ACCESS.items() if access.before_password_change}
    assert early == {"read_session", "sign_out", "change_password"}


async def test_an_operation_that_declares_nothing_stops_the_start() -> None:
    @get("/x", operation_id="forgotten", sync_to_thread=False)
    def forgotten() -> None: ...

    with pytest.raises(UndeclaredAccessError, match="forgotten"):
        declared([forgotten])


async def test_an_operation_that_declares_nothing_is_open_to_nobody(world: World) -> None:
    @get("/api/v1/x", operation_id="forgotten", sync_to_thread=False, guards=[authorize])
    def forgotten() -> None: ...

    app = build_app(world.deps)
    app.register(forgotten)
    headers = {"Authorization": f"Bearer {world.a.token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), headers=headers) as client:  # type: ignore[arg-type]
        answer = await client.get("http://om.test/api/v1/x")
    assert answer.status_code == 403 and answer.json()["type"].endswith("/not-allowed")


def test_permissions_page_is_fresh() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "permissions.md"
    assert page.read_text("utf-8") == as_markdown(), "run: make docs"


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_reaches_what_the_table_says_and_no_more(world: World, role: Role) -> None:
    only = {"products": [world.a.ids["product_id"]]} if role in NEEDS_PRODUCTS else {}
    token = await world.user(world.a, role.value, **only)
    async with world.client(token) as client:
        for name, (method, path) in operations(world).items():
            if name in PUBLIC or method == "WS" or name in ("sign_out", "change_password"):
                continue
            url = _filled(path)
            answer = await client.request(method, url, json={} if method in ("POST", "PATCH") else None)
            refused = answer.status_code == 403 and answer.json()["type"].endswith("/not-allowed")
            if ACCESS[name].is_customer:  # whatever a role may: customers are nobody of the staff
                assert answer.status_code == 401 and "customer-sign-in-needed" in answer.text, (name, answer.text)
                continue
            needed = ACCESS[name].permission
            allowed = needed is None or needed in BUILT_IN[role].permissions
            if (
                allowed and ACCESS[name].is_whole and role in NEEDS_PRODUCTS
            ):  # whose rights are limited by their products
                assert answer.json()["type"].endswith("/whole-utility-only"), (name, answer.text)
                continue
            assert refused != allowed, (name, answer.status_code, answer.text)
            # No signer runs here: what asks it says so.
            assert answer.status_code < 500 or answer.status_code == 501 or "signer-away" in answer.text, (
                name, answer.text,
            )  # fmt: skip


async def test_nothing_without_a_credential(world: World) -> None:
    async with world.client() as client:
        for name, (method, path) in operations(world).items():
            if name in PUBLIC or method == "WS":
                continue
            answer = await client.request(method, _filled(path), json={} if method in ("POST", "PATCH") else None)
            assert answer.status_code == 401, (name, answer.text)


def _filled(path: str) -> str:
    given = {"int}": "999999999", "date}": "2026-01-01"}
    parts = [given.get(p.split(":")[-1], "none") if p.startswith("{") else p for p in path.split("/")]
    return "http://om.test" + "/".join(parts)
