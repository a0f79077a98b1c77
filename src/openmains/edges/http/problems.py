# SPDX-License-Identifier: Apache-2.0
"""Every error as RFC 9457 problem details in the caller's language, with the request id to report."""

import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.types import Scope
from msgspec import UNSET, UnsetType

from openmains.app.problems import Problem
from openmains.edges.http.deps import deps_of
from openmains.edges.http.language import Language, choose_language
from openmains.edges.http.problem_texts import PROBLEMS
from openmains.edges.http.problem_texts.codes import why_text
from openmains.edges.http.problem_texts.fields import field_text

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/v1/problems/"
_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
BY_STATUS = {
    400: "bad-request",
    401: "sign-in-needed",
    403: "not-allowed",
    404: "no-such-path",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "media-type",
    429: "too-many-requests",
}
# Headers that a problem's code or values stand for: a use case says why and for how long, not how HTTP puts it.
_OF_CODE = {  # RFC 9110 11.6.1
    "sign-in-needed": {"WWW-Authenticate": "Bearer"},
    "client-refused": {"WWW-Authenticate": 'Basic realm="OpenMains", charset="UTF-8"'},
}
OAUTH = {  # RFC 6749 5.2
    "client-refused": "invalid_client",
    "address-refused": "unauthorized_client",
    "grant-not-offered": "unsupported_grant_type",
    "scope-not-held": "invalid_scope",
    "token-request-incomplete": "invalid_request",
}
_OF_VALUE = {"retry_after_s": "Retry-After"}  # RFC 9110 10.2.3, in seconds
FAULTS = (  # words in what the reader of the input says, and the field code they mean
    (("unknown field",), "unknown-field"),
    (("missing required",), "required"),
    ((">=", "<=", "> ", "< ", "out of range"), "out-of-range"),
    (("regex", "matching", "length", "invalid rfc3339", "malformed", "invalid date"), "wrong-format"),
    (("invalid enum", "invalid value"), "not-accepted"),
    (("expected",), "wrong-type"),
)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # it is starting, ending, or took a statement back
    asyncpg.InsufficientResourcesError,  # disk, memory or connections are used up
    asyncpg.PostgresIOError,
    asyncpg.TransactionRollbackError,  # two acts waited for each other: this one was taken back whole
    OSError,
    TimeoutError,
)


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field; ``pointer`` is a JSON pointer into the body or ``/name`` of a parameter."""

    pointer: str
    code: str
    detail: str


class ProblemDetails(msgspec.Struct, frozen=True):
    """RFC 9457. ``error``: what a client of OAuth 2.0 looks for (RFC 6749 section 5.2), where a token was asked for."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldProblem] = []
    error: str | UnsetType = UNSET


def request_id_of(scope: Scope) -> str:
    """The request's id: the caller's X-Request-Id where it is plain, otherwise a random one."""
    state = scope.setdefault("state", {})
    found: str | None = state.get("request_id")
    if found is None:
        given = next((v.decode("latin-1") for k, v in scope.get("headers", ()) if k == b"x-request-id"), "")
        found = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state["request_id"] = found
    return found


def language_of(request: Request[Any, Any, Any]) -> Language:
    """Language of texts for this caller."""
    return choose_language(request.headers.get("accept-language"))


def render(
    problem: Problem, request: Request[Any, Any, Any], further: Mapping[str, str] | None = None
) -> Response[ProblemDetails]:
    """The response of a problem; ``further``: headers that only the refusing layer knows, such as Allow."""
    language = language_of(request)
    text = PROBLEMS[problem.code]
    try:
        values = {name: why_text(value, language) if name == "why" else value for name, value in problem.values.items()}
        detail = text.detail(language).format(**_worded(values, language))
    except KeyError:
        detail = text.detail(language)
    body = ProblemDetails(
        type=TYPE_PREFIX + problem.code,
        title=text.title(language),
        status=text.status,
        detail=detail,
        request_id=request_id_of(request.scope),
        errors=[FieldProblem(pointer, code, field_text(code, language)) for pointer, code in problem.fields],
        error=OAUTH.get(problem.code, UNSET),
    )
    headers = {name: str(problem.values[value]) for value, name in _OF_VALUE.items() if value in problem.values}
    headers |= {**_OF_CODE.get(problem.code, {}), **(further or {})}
    headers |= {"Content-Language": "zh-CN" if language == "zh" else "en", "Vary": "Accept-Language"}
    return Response(body, status_code=text.status, media_type=MEDIA_TYPE, headers=headers)


def on_problem(request: Request[Any, Any, Any], error: Problem) -> Response[ProblemDetails]:
    return render(error, request)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemDetails]:
    """Litestar's own refusals: unknown path, wrong method, unreadable or invalid input."""
    if isinstance(error, ValidationException):
        extra = error.extra if isinstance(error.extra, list) else []
        return render(Problem("invalid-input", fields=tuple(_field_faults(extra))), request)
    if error.status_code >= 500:
        return on_any(request, error)
    code = BY_STATUS.get(error.status_code, "bad-request")
    if isinstance(error, NotFoundException) and "state" in request.scope and "actor" in request.scope["state"]:
        code = "not-found"
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in ("allow", "retry-after")}
    values: dict[str, Any] = {"retry_after_s": 1} if code == "too-many-requests" else {"needed": ""}
    return render(Problem(code, **values), request, headers)


def on_any(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDetails]:
    """Everything else: input PostgreSQL cannot hold, an engine that is away, or a fault of ours."""
    if isinstance(error, asyncpg.DataError):
        return render(Problem("invalid-input"), request)
    if isinstance(error, RuntimeError) and isinstance(
        error.__cause__, StopIteration
    ):  # Litestar: a form without a file
        return render(Problem("invalid-input", fields=(("/data", "required"),)), request)
    if isinstance(error, RecursionError):  # thousands of brackets in each other
        return render(Problem("bad-request"), request)
    if isinstance(error, (*_AWAY, *deps_of(request).away)):
        _log.warning("engine away, request %s: %s", request_id_of(request.scope), error)
        return render(Problem("engine-away", retry_after_s=2), request)
    _log.error("request %s failed", request_id_of(request.scope), exc_info=error)
    return render(Problem("internal"), request)


def _field_faults(extra: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for fault in extra:
        if not isinstance(fault, dict):
            continue
        message = str(fault.get("message", ""))
        key = str(fault.get("key", "")).removeprefix("data.").replace(".", "/")
        unknown = re.search(r"unknown field `([^`]*)`", message)
        missing = re.search(r"missing required field `([^`]*)`", message)
        if unknown:
            key = unknown[1]
        elif missing:
            key = missing[1]
        yield "/" + key, _code_of(message)


def _code_of(message: str) -> str:
    lower = message.lower()
    for words, code in FAULTS:
        if any(word in lower for word in words):
            return code
    return "not-accepted"


def _worded(values: Mapping[str, object], language: Language) -> dict[str, object]:
    """Values with the words of a language, where one has words in both."""
    return {
        name: value[0 if language == "zh" else 1] if isinstance(value, tuple) and len(value) == 2 else value
        for name, value in values.items()
    }
