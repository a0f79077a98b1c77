# SPDX-License-Identifier: Apache-2.0
"""Every refusal is a problem document in the caller's language; garbage never makes a 500."""

import json
import string
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openmains.edges.http.language import choose_language
from openmains.edges.http.openapi import document
from openmains.edges.http.problem_texts import PROBLEMS
from openmains.edges.http.problem_texts.fields import FIELDS
from tests.edges.http.world import OWN, World
from tests.support.properties import counted

REFERENCE = Path(__file__).parents[3] / "docs/reference/openapi.json"


def test_openapi_document_is_fresh() -> None:
    assert REFERENCE.read_text("utf-8") == document(), "run: python -m openmains.edges.http.openapi " + str(REFERENCE)


def test_texts_are_complete_in_both_languages() -> None:
    for code, text in PROBLEMS.items():
        for zh in (text.zh_title, text.zh):
            assert any("一" <= c <= "鿿" for c in zh), code
        for en in (text.en_title, text.en):
            assert en and not any("一" <= c <= "鿿" for c in en), code
        names = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (text.zh, text.en)]
        assert names[0] == names[1], code
    assert all(zh and en for zh, en in FIELDS.values())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("en", "en"),
        ("en-GB,zh;q=0.5", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr", "zh"),
        ("en;q=0.1,zh;q=0.2", "zh"),
        ("en;q=x", "zh"),
    ],
)
def test_language(header: str | None, language: str) -> None:
    assert choose_language(header) == language


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", None, 404, "no-such-path"),
        ("PUT", "/meters", "{}", 405, "method-not-allowed"),
        ("POST", "/meters", "{", 400, "bad-request"),
        ("POST", "/meters", "{}", 400, "invalid-input"),
        ("POST", "/areas", '{"code":"x y","name":""}', 400, "invalid-input"),
        ("POST", "/areas", '{"code":"ok","name":"n","extra":1}', 400, "invalid-input"),
        ("GET", "/meters?limit=0", None, 400, "invalid-input"),
        ("GET", "/meters?cursor=%00", None, 400, "bad-cursor"),
        ("GET", "/meters/99999999999999999999999", None, 400, "invalid-input"),
        ("GET", "/meters/999999999", None, 404, "not-found"),
        ("GET", "/reports/collection", None, 501, "not-offered"),
    ],
)
async def test_problem_documents(
    world: World, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    for language in ("zh", "en"):
        async with world.client(world.a.token, language) as client:
            headers = {"Content-Type": "application/json", "X-Request-Id": "abcdefgh-1"}
            answer = await client.request(method, path, content=body, headers=headers)
            assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (status, f"/api/v1/problems/{code}"), answer.text
            assert problem["status"] == status and problem["request_id"] == "abcdefgh-1"
            assert answer.headers["x-request-id"] == "abcdefgh-1"
            assert problem["title"] == PROBLEMS[code].title("zh" if language == "zh" else "en")
            assert answer.headers["content-security-policy"] and answer.headers["x-content-type-options"] == "nosniff"
            if status == 405:
                assert "GET" in answer.headers["allow"]
            described = await client.get(problem["type"].removeprefix("/api/v1"))
            assert described.json()["code"] == code


async def test_too_large_body(world: World) -> None:
    async with world.client(world.a.token) as client:
        answer = await client.post("/areas", content=b" " * 1_100_000, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413 and answer.json()["type"].endswith("/too-large")


async def test_field_pointers(world: World) -> None:
    async with world.client(world.a.token) as client:
        answer = await client.post("/areas", json={"code": "ok", "name": 3})
        assert answer.json()["errors"] == [{"pointer": "/name", "code": "wrong-type", "detail": "has the wrong type"}]
        answer = await client.post("/areas", json={"code": "ok"})
        assert answer.json()["errors"][0]["pointer"] == "/name"
        assert answer.json()["errors"][0]["code"] == "required"


async def test_console_files_and_pages(world: World) -> None:
    async with world.client() as client:
        for page in ("/", "/meters/17", "/login"):
            answer = await client.get("http://om.test" + page)
            assert "console" in answer.text and answer.headers["cache-control"] == "no-cache", page
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        asset = await client.get("http://om.test/assets/a-1.js")
        assert "immutable" in asset.headers["cache-control"] and "javascript" in asset.headers["content-type"]
        for path in ("/assets/none.js", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/api/none", "/a%00"):
            assert (await client.get("http://om.test" + path)).status_code in (400, 404), path


async def test_console_text_is_compressed_for_who_takes_it(world: World) -> None:
    async with world.client() as client:
        url = "http://om.test/assets/long-1.js"
        packed = await client.get(url, headers={"Accept-Encoding": "br, gzip;q=0.5"})
        assert packed.headers["content-encoding"] == "gzip" and packed.headers["vary"] == "Accept-Encoding"
        assert int(packed.headers["content-length"]) < len(packed.content) == 4000
        assert "immutable" in packed.headers["cache-control"] and "javascript" in packed.headers["content-type"]
        for unwilling in ("identity", "gzip;q=0", "br", "*;q=0"):
            plain = await client.get(url, headers={"Accept-Encoding": unwilling})
            assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding", unwilling
            assert plain.content == packed.content


async def test_health_and_ready(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/health")).json() == (await client.get("/ready")).json() == {"status": "ok"}


DOCUMENT: Any = json.loads(
    REFERENCE.read_text("utf-8")
)  # fresh, or the first test says so; each worker would build it anew
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if operation["operationId"] not in ("sign_in", "sign_out", "change_password", "revoke_token", "reset_user_password")
]
garbage = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        ["", "null", "\x00", "\ud7ff", "-1", "1e9", "2024-02-30", "9999-12-31T23:59:59Z", "true", "'", "%"]
    ),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _body(operation: dict[str, Any], draw: Any) -> Any:
    if "requestBody" not in operation or draw(st.integers(0, 5)) == 0:
        return draw(json_values)
    schema = operation["requestBody"]["content"].get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    fields = SCHEMAS.get(name, {}).get("properties", {})
    return {field: draw(json_values | st.sampled_from(["1", 1, "en", "viewer"])) for field in fields}


SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


@settings(max_examples=counted(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_garbage_is_never_our_fault(world: World, call: Any, data: st.DataObject) -> None:
    method, path, operation = data.draw(st.sampled_from(OPERATIONS))
    query: dict[str, str] = {}
    headers = {"If-Match": data.draw(st.sampled_from(['"1"', "x", '"99999999999999999999"', "²"])).encode()}
    for parameter in operation.get("parameters", ()):
        value = data.draw(garbage | st.sampled_from(["1", "2024-01-01", "2024-01-01T00:00:00Z"]))
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(value or "x", safe=""))
        elif parameter["in"] == "query" and data.draw(st.booleans()):
            query[parameter["name"]] = value
    content = None
    if method in ("post", "patch"):
        content = json.dumps(_body(operation, data.draw)).encode()
    answer = call(method.upper(), "http://om.test" + path, params=query, content=content, headers=headers)
    away = answer.status_code == 503 and answer.json()["type"].endswith("/signer-away")  # no signer runs here
    assert answer.status_code < 500 or answer.status_code == 501 or away, (method, path, query, content, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("sign", ["[", '{"a":'])
async def test_thousands_of_brackets_are_bad_input(world: World, sign: str) -> None:
    """For the stranger at the door and for whoever is inside; every operation that takes a body."""
    body = sign * 200_000
    paths = DOCUMENT["paths"]
    posts = sorted(
        path for path, methods in paths.items() if "requestBody" in methods.get("post", ()) and "{" not in path
    )
    for token in (world.a.token, None):
        async with world.client(token) as client:
            client.headers.update(OWN)
            for path in posts:
                where = path.removeprefix("/api/v1")
                answer = await client.post(where, content=body, headers={"Content-Type": "application/json"})
                assert 400 <= answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize(
    "content",
    [b"", b"--x--\r\n", b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n', b"x" * 500],
)
async def test_a_form_without_its_file_is_bad_input(world: World, content: bytes) -> None:
    async with world.client(world.a.token) as client:
        for path in ("/imports", "/keys/import"):
            answer = await client.post(
                path, content=content, headers={"Content-Type": "multipart/form-data; boundary=x"}
            )
            assert 400 <= answer.status_code < 500, (path, answer.text)
