# SPDX-License-Identifier: Apache-2.0
"""Every text door of the API: bodies with what is nested in them, queries, paths, names of files."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from openmains.edges.http import text_door
from tests.edges.http.world import World, new_meter

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"  # held fresh by its own test
NOTES = frozenset(  # lines are allowed and they begin as they like; never a heading of an export's row
    {"reason", "note", "value", "login", "tenant", "driver", "hex", "numbers", "params", "settings", "body"}
    | {"what", "result"}  # of work orders
    | {"note_zh", "note_en"}  # on bills
    | {"text"}  # of a driver page: TOML
    | {"text_zh", "text_en"}  # of announcements
    | {"q"}  # words of a search
    | {"heading"}  # of other systems' files, as they have it: compared, never shown as a row's name
)
CLOSED = frozenset(
    {"dev_eui", "iccid", "imei", "imsi", "prices", "bounds_m3", "add_m3", "points", "quantities", "event", "events"}
    | {"skills"}
    | {"addresses"}  # networks of an application
    | {"column", "role"}  # by the columns of the import, by the roles that there are
    | {"phone", "identity_number", "bank_account"}  # by `fault` of domain/party/personal.py
)  # by a pattern or a list, which the document leaves out where a field may be missing or is a list
TOKEN = {"name": "t", "role": "viewer"}


def texts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The string schemas within one."""
    found = [schema] if "string" in (schema.get("type"), *(schema.get("type") or [])) else []
    for inner in [
        *schema.get("oneOf", []),
        *schema.get("anyOf", []),
        *([schema["items"]] if "items" in schema else []),
    ]:
        found += texts(inner)
    return found


def test_each_text_of_the_document_is_a_name_a_note_a_secret_or_closed() -> None:
    said = json.loads(DOCUMENT.read_text("utf-8"))
    schemas = said["components"]["schemas"]
    open_texts = set()
    wanted = [
        operation["requestBody"]
        for item in said["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    ]
    seen: set[str] = set()
    while wanted:
        here = wanted.pop()
        if isinstance(here, list):
            wanted += here
        elif isinstance(here, dict):
            wanted += here.values()
            name = str(here.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                wanted.append(schemas[name])
                for field, schema in schemas[name].get("properties", {}).items():
                    if any(not {"enum", "const", "pattern", "format"} & text.keys() for text in texts(schema)):
                        open_texts.add(field)
    unknown = open_texts - text_door.NAMES - text_door.SECRETS - NOTES - CLOSED
    assert not unknown, f"say in text_door.py whether these are names: {sorted(unknown)}"


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u2028", "\ufeff"])
async def test_a_sign_nobody_sees_is_taken_nowhere(world: World, sign: str) -> None:
    bad = f"a{sign}b"
    meter = world.a.ids["meter_id"]
    async with world.client(world.a.token) as client:
        revision = (await client.get(f"/meters/{meter}")).headers["etag"]
        calls: list[tuple[str, str, Any, str]] = [
            ("POST", "/areas", {"code": "x", "name": bad}, "/name"),
            ("PATCH", f"/areas/{world.a.ids['area_id']}", {"name": bad}, "/name"),
            ("POST", "/products", {"code": "q", "name": "n", "maker": bad, "model": "m", "driver": "d"}, "/maker"),
            ("PATCH", f"/products/{world.a.ids['product_id']}", {"settings": {"a": {"b": [bad]}}}, "/settings/a/b/0"),
            ("POST", "/meters", new_meter(world.a, number=bad), "/number"),
            ("POST", "/meters", new_meter(world.a, bar_code=bad), "/bar_code"),
            ("PATCH", f"/meters/{meter}", {"address": bad}, "/address"),
            ("POST", "/users", {"login": "li", "name": bad, "role": "viewer"}, "/name"),
            ("POST", "/tokens", TOKEN | {"name": bad}, "/name"),
            (
                "POST",
                f"/meters/{meter}/commands",
                {"kind": "read_now", "unique_key": "k" * 9, "params": {"x": bad}},
                "/params/x",
            ),
            ("POST", f"/alarms/{world.a.ids['alarm_id']}/acknowledge", {"reason": bad}, "/reason"),
            ("GET", "/meters?q=" + quote(bad), None, "/q"),
        ]
        for method, path, body, pointer in calls:
            answer = await client.request(method, path, json=body, headers={"If-Match": revision})
            assert answer.status_code == 400, (method, path, answer.status_code, answer.text)
            told = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
            assert (pointer, "hidden-sign") in told, (method, path, told)
        upload = await client.post("/imports", files={"data": (f"{bad}.csv", b"a,b\n", "text/csv")})
        assert upload.status_code in (202, 400)  # a client may write such a name by another sign
        assert (await client.get(f"/meters/{meter}")).headers["etag"] == revision


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-1+1", "＝1", " =1"])
async def test_a_formula_is_no_name(world: World, text: str) -> None:
    meter = world.a.ids["meter_id"]
    async with world.client(world.a.token) as client:
        revision = (await client.get(f"/meters/{meter}")).headers["etag"]
        for method, path, body, field in (
            ("POST", "/areas", {"code": "x", "name": text}, "name"),
            ("POST", "/areas", {"code": text, "name": "x"}, "code"),
            ("POST", "/meters", new_meter(world.a, number=text), "number"),
            ("POST", "/meters", new_meter(world.a, bar_code=text), "bar_code"),
            ("PATCH", f"/meters/{meter}", {"address": text}, "address"),
            ("POST", "/users", {"login": "li", "name": text, "role": "viewer"}, "name"),
            ("POST", "/tokens", TOKEN | {"name": text}, "name"),
        ):
            answer = await client.request(method, path, json=body, headers={"If-Match": revision})
            assert answer.status_code == 400, (path, answer.text)
            assert (f"/{field}", "formula-sign") in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]
            assert "spreadsheet" in answer.json()["errors"][0]["detail"]
        assert (await client.post("/users", json={"login": "@x", "name": "n", "role": "viewer"})).status_code == 400
        assert (await client.post("/areas", json={"code": "x", "name": "   "})).json()["errors"][0]["code"] == "blank"


async def test_signed_numbers_phones_and_notes_are_taken(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        for place, address in enumerate(("-1层2号", "+86 138 0013 8000", "-3.5", "人民路 12 号 (东)")):
            made = await client.post("/meters", json=new_meter(utility, address=address))
            assert made.status_code == 201, made.text
            assert made.json()["address"] == address
            noted = {"code": f"a{place}", "name": address}
            assert (await client.post("/areas", json=noted)).status_code == 201
        said = "- leak at the stove\n- valve shut, => see 7"
        done = await client.post(f"/terminals/{utility.ids['unknown']}/hold", json={"note": said})
        assert done.status_code in (200, 404), done.text


async def test_passwords_are_as_people_like_them(world: World) -> None:
    async with world.client() as client:
        body = {"tenant": world.a.code, "login": "nobody", "password": "=\u202e\u200b long enough"}
        assert (await client.post("/session", json=body)).status_code == 401
