# SPDX-License-Identifier: Apache-2.0
"""The API and the console's files as one ASGI application.

Theory: a request passes the guard (who, how often, which role), then one handler, which opens one tenant's transaction
or runs one use case. Handlers hold no rules. Every refusal is a problem document in the caller's language.
"""

from importlib import resources
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders, State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.types import Message, Scope

from openmains.app.problems import Problem
from openmains.edges.http import (
    alarm,
    alarm_life,
    alarm_limits,
    announcements,
    areas,
    arrears,
    balance_differences,
    bill_papers,
    billing,
    command,
    command_batches,
    command_facts,
    command_policy,
    command_safety,
    concentrators,
    customer_acts,
    customer_homes,
    customer_session,
    customer_wechat,
    debits,
    device_management,
    driver_pages,
    field,
    field_papers,
    fleet,
    fleet_due,
    fleet_lives,
    fleet_map,
    fleet_meters,
    gateway_commands,
    home,
    identity,
    identity_applications,
    identity_roles,
    identity_session,
    identity_views,
    imports,
    ingest,
    invoices,
    job,
    ledger,
    monitors,
    network,
    notice,
    notice_browsers,
    notice_log,
    notice_rota,
    operator_platforms,
    party,
    party_accounts,
    payment,
    payment_comparisons,
    payment_orders,
    payment_partners,
    readings,
    readings_accounts,
    readings_bulk,
    readings_changes,
    readings_edits,
    readings_exceptions,
    readings_insert,
    readings_log,
    readings_manual,
    readings_quantities,
    readings_report,
    readings_saved,
    readings_sums,
    readings_tasks,
    readings_versions,
    receipt_papers,
    rule,
    security,
    server_accounts,
    subscriptions,
    system,
    tags,
    tariff,
    tariff_plans,
    work_order,
    work_order_field,
)
from openmains.edges.http.console import console_handlers
from openmains.edges.http.deadline import Deadline
from openmains.edges.http.deps import ApiDeps
from openmains.edges.http.guard import RENEWED, SessionTouch, authorize
from openmains.edges.http.permissions import Access, declared
from openmains.edges.http.problems import ProblemDetails, on_any, on_http_exception, on_problem, request_id_of
from openmains.edges.http.text_door import check_texts

PREFIX = "/api/v1"
LARGEST_BODY = 1024 * 1024
_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
_MODULES = (
    identity_session, identity_views, identity, identity_roles, identity_applications, fleet, fleet_meters, fleet_map, tags, readings,
    readings_quantities, readings_log, readings_exceptions,
    readings_edits, readings_versions, readings_manual, readings_changes, alarm, alarm_life, alarm_limits, monitors, ingest, job,
    security, device_management, command, command_policy, command_safety, command_facts, command_batches, readings_report, tariff,
    tariff_plans, ledger, billing, balance_differences, server_accounts,
    bill_papers, invoices, arrears, payment, payment_orders, payment_comparisons,
    debits, payment_partners, receipt_papers,
    readings_bulk, readings_insert, readings_sums, readings_saved, readings_tasks, areas, concentrators, operator_platforms, network,
    gateway_commands,
    driver_pages, imports, home, party, party_accounts, fleet_lives, fleet_due, readings_accounts, notice, notice_rota, notice_log,
    notice_browsers,
    announcements, customer_session, customer_wechat, customer_homes, customer_acts, subscriptions, field, field_papers,
    work_order, work_order_field, rule, system,
)  # fmt: skip
_ERRORS = {
    status: ResponseSpec(
        ProblemDetails, description=text, media_type="application/problem+json", generate_examples=False
    )
    for status, text in (
        (400, "Input not valid"),
        (401, "Sign in first"),
        (403, "Not allowed"),
        (404, "Not found"),
        (409, "In conflict with the present state"),
        (413, "Too large"),
        (429, "Too many requests"),
        (500, "Internal error"),
        (503, "An engine is away"),
    )
}


async def _before_send(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-Id"] = request_id_of(scope)
    if RENEWED in scope["state"]:  # a cookie of the handler's own, as at sign-out, is the newer word
        headers.setdefault("Set-Cookie", scope["state"][RENEWED])
    if scope["path"].startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


def operations() -> list[tuple[BaseRouteHandler, Access]]:
    """Every operation and who may call it; raises ``UndeclaredAccessError`` when one does not say."""
    return declared([*(handler for module in _MODULES for handler in module.HANDLERS), system.read_metrics])


def api_router() -> Router:
    """All operations under ``/api/v1``."""
    handlers = [handler for handler, _ in operations() if handler is not system.read_metrics]
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler):
            handler.responses = _ERRORS
    return Router(path=PREFIX, route_handlers=handlers, guards=[authorize], before_request=check_texts)


def openapi_config() -> OpenAPIConfig:
    """OpenAPI 3.1 without pages of its own; the document is checked in as ``docs/reference/openapi.json``."""
    return OpenAPIConfig(
        title="OpenMains",
        version="1",
        description="Gas and water meters: registry, readings, alarms, reports. Errors are RFC 9457 problem details.",
        path=f"{PREFIX}/schema",
        use_handler_docstrings=True,
        tags=[
            Tag(name=name)
            for name in (
                "identity",
                "fleet",
                "drivers",
                "parties",
                "meters",
                "readings",
                "alarms",
                "terminals",
                "keys",
                "commands",
                "tariffs",
                "ledger",
                "billing",
                "arrears",
                "counter",
                "payments",
                "customer pages",
                "field",
                "network",
            )
        ]
        + [
            Tag(name=name)
            for name in (
                "notices",
                "subscriptions",
                "rules",
                "work orders",
                "inspections",
                "dead letters",
                "jobs",
                "reports",
                "home",
                "system",
            )
        ],
        security=[{"token": []}, {"session": []}],
        components=Components(
            security_schemes={
                "token": SecurityScheme(type="http", scheme="bearer"),
                "session": SecurityScheme(type="apiKey", name="openmains_session", security_scheme_in="cookie"),
            }
        ),
    )


def packaged_console() -> Path | None:
    """Folder of the console within the package; None in a checkout where it was not built."""
    folder = Path(str(resources.files("openmains"))) / "console_dist"
    return folder if (folder / "index.html").is_file() else None


def build_app(deps: ApiDeps) -> Litestar:
    """The application; give it to ``serve`` or to any ASGI server."""
    console = deps.settings.console_dir or packaged_console()
    handlers: list[Any] = [api_router(), Router(path="/", route_handlers=[system.read_metrics], guards=[authorize])]
    handlers += console_handlers(console)
    return Litestar(
        route_handlers=handlers,
        state=State({"deps": deps, "touch": SessionTouch()}),
        exception_handlers={Problem: on_problem, HTTPException: on_http_exception, Exception: on_any},
        before_send=[_before_send],
        middleware=[Deadline(deps.system.standing_still)],
        openapi_config=openapi_config(),
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
    )
