# SPDX-License-Identifier: Apache-2.0
"""Problems are said once: every code raised has a text, every text is raised, and use cases know nothing of HTTP."""

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from openmains.app.command.device_management.operations import HEARD, NOTHING_TO_SAY
from openmains.domain.fleet.hanging import Refusal
from openmains.domain.identity.password import weakness
from openmains.edges.http.problem_texts import (
    PROBLEMS,
    alarm,
    application,
    billing,
    command,
    device_management,
    field,
    fleet,
    identity,
    ledger,
    notice,
    party,
    payment,
    portal,
    readings,
    request,
    rule,
    security,
    tariff,
    work_order,
)
from openmains.edges.http.problem_texts.fields import FIELDS
from openmains.edges.http.problems import BY_STATUS, FAULTS
from tests.support.source_tree import parsed

SOURCE = Path(__file__).resolve().parents[2] / "src" / "openmains"
# Codes that are looked up in a table: the file, and what the table holds.
LOOKED_UP = {
    "app/command/device_management/operations.py": {*HEARD.values(), *NOTHING_TO_SAY.values()},
    "app/fleet/lives/acts.py": set(Refusal),
    "app/work_order/act.py": {"order-not-yours", "order-own", "reason-needed", "invalid-input"},  # `OrderRefusedError`
    "edges/http/problems.py": set(BY_STATUS.values()),
}
HTTP_WORDS = re.compile(
    r"\bHTTP\b|\bif-match\b|\betag\b|status[ _]code|/api/|cookie|retry-after|accept-language|authorization header"
    r"|content-(?:type|disposition|language)|www-authenticate|\bRFC 9110\b|\blitestar\b|query string|(?-i:\b(?:GET|POST|PUT|PATCH) /)",
    re.I,
)


@cache
def raised() -> tuple[tuple[str, ast.Call], ...]:
    """Every ``Problem(…)`` of the source, with its file."""
    return tuple(
        (path.relative_to(SOURCE).as_posix(), node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    )


def _code(call: ast.Call) -> str | None:
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) else None


def test_every_code_has_a_text_and_every_text_a_code() -> None:
    assert {name for name, call in raised() if _code(call) is None} == set(LOOKED_UP)
    codes = {code for _, call in raised() if (code := _code(call))}.union(*LOOKED_UP.values())
    assert codes - set(PROBLEMS) == set(), "raised without a text"
    assert set(PROBLEMS) - codes == set(), "texts that nobody raises"


def test_no_code_has_two_texts() -> None:
    parts = (
        alarm, application, billing, command, device_management, field, fleet, identity, ledger, notice, party, payment, portal, readings,
        request, security, tariff, rule, work_order,
    )  # fmt: skip
    assert sum(len(part.TEXTS) for part in parts) == len(PROBLEMS)


def test_values_of_a_text_are_given_wherever_it_is_raised() -> None:
    missing = []
    for name, call in raised():
        code = _code(call)
        if code is None:
            continue
        wanted = {field for _, field, _, _ in string.Formatter().parse(PROBLEMS[code].en) if field}
        missing += [f"{name}:{call.lineno} {code}: {value}" for value in wanted - {k.arg for k in call.keywords}]
    assert missing == []


def _field_codes() -> Iterator[str]:
    for _, call in raised():
        for keyword in call.keywords:
            if keyword.arg == "fields":
                texts = [node.value for node in ast.walk(keyword.value) if isinstance(node, ast.Constant)]
                yield from (
                    text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+([-_][a-z]+)*", text)
                )


def test_every_field_code_has_a_text() -> None:
    weak = {weakness(password, "somebody12") for password in ("short", "x" * 300, "somebody12a", "1234567890")}
    assert len(weak) == 4 and None not in weak
    assert {*_field_codes(), *(code for _, code in FAULTS), *weak} - set(FIELDS) == set()


COAP = SOURCE / "app" / "link" / "lwm2m"
TALKS = (
    SOURCE / "app" / "notice",
    SOURCE / "app" / "payment" / "channels",
    SOURCE / "app" / "link" / "operators",
)  # what we say to channels of others is said over HTTP; of our own API it knows nothing
COAP_METHODS = {"GET /", "POST /", "PUT /"}  # CoAP's have the same names (RFC 7252 section 5.8)


def test_use_cases_and_rules_know_nothing_of_http() -> None:
    found = []
    for layer in ("app", "domain"):
        for path in sorted((SOURCE / layer).rglob("*.py")):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                match = HTTP_WORDS.search(line)
                if (
                    match
                    and not (COAP in path.parents and match[0] in COAP_METHODS)
                    and not any(path.is_relative_to(talk) for talk in TALKS)
                ):
                    found.append(f"{path.relative_to(SOURCE)}:{number}: {match[0]}")
    assert found == []
