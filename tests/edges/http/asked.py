# SPDX-License-Identifier: Apache-2.0
"""Requests made from the API's document: each operation with inputs that fit its schema, in which every id is one of a place's own
(``reach_town.py``); and what an answer tells, in whatever file it comes."""

import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from openmains.edges.http.app import operations
from openmains.edges.http.permissions import operation_of
from tests.edges.http.reach_town import Place

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs/reference/openapi.json").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
NOT_ASKED = {"sign_in", "sign_out", "change_password"}  # of the credential alone, and would end it
PERMISSION_OF = {operation_of(handler): access.permission for handler, access in operations()}
IDS = {  # names by which inputs mean something that hangs at a place
    "under": "area_id", "parent_id": "area_id", "meter_ids": "meter_id", "area_ids": "area_id", "other_id": "account_id",
}  # fmt: skip
DEFAULTS = {
    "from": "2023-11-14T00:00:00Z", "to": "2023-11-15T00:00:00Z", "first": "2023-11-14", "last": "2023-11-14", "day": "2023-11-14",
    "at": "2023-11-14T13:00:00Z", "maker": "openmains", "model": "water-1", "reason": "because it is asked for", "key": "k",
}  # fmt: skip


@dataclass
class Operation:
    """One of the document."""

    name: str
    method: str
    path: str
    said: dict[str, Any]

    @property
    def changes(self) -> bool:
        return self.method != "get"


OPERATIONS = [
    Operation(said["operationId"], method, path, said)
    for path, item in DOCUMENT["paths"].items()
    for method, said in item.items()
    if said["operationId"] not in NOT_ASKED
]


def example(schema: dict[str, Any], name: str, ids: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits a schema; ids are the target's."""
    if "$ref" in schema:
        return example(SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]], name, ids, depth)
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return example(next(one for one in schema[either] if one.get("type") != "null"), name, ids, depth)
    known = ids.get(IDS.get(name, name))
    kind = schema.get("type")
    kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
    if kind == "array":
        one = example(schema.get("items", {}), name, ids, depth + 1)
        return [one] if known is not None or schema.get("minItems") else []
    if "enum" in schema:
        return schema["enum"][0]
    if known is not None and kind in ("integer", "string"):
        return known if kind == "integer" else f"{known}"
    if kind == "object" or "properties" in schema:
        needed = set(schema.get("required", ()))
        return {
            key: example(one, key, ids, depth + 1)
            for key, one in schema.get("properties", {}).items()
            if depth < 6 and (key in needed or key in ("reason", "key") or ids.get(IDS.get(key, key)) is not None)
        }
    if kind == "integer":
        return max(int(schema.get("minimum", 1)), 1)
    if kind == "boolean":
        return True
    if kind == "string":
        form = {"date": "2023-11-14", "date-time": "2023-11-14T13:00:00Z"}.get(schema.get("format", ""))
        return form or DEFAULTS.get(name, "x" * max(3, int(schema.get("minLength", 3))))
    return None


def ids_of(operation: Operation, place: Place) -> dict[str, Any]:
    """By the names that this operation has for them: a work order and an order of a payment have the same."""
    if "/payment-orders/" not in operation.path:
        return place.ids
    return {**place.ids, "order_id": place.ids["payment_order_id"]}


def request_of(operation: Operation, place: Place) -> dict[str, Any]:
    """What ``AsyncClient.request`` takes."""
    path, ids = operation.path, ids_of(operation, place)
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for parameter in operation.said.get("parameters", ()):
        name, where, schema = parameter["name"], parameter["in"], parameter.get("schema", {})
        known = ids.get(IDS.get(name, name), DEFAULTS.get(name))
        if where == "path":
            value = example(schema, name, ids) if known is None else known
            path = path.replace(f"{{{name}}}", str(value))
        elif where == "header":
            headers[name] = '"1"'
        elif name not in ("medium", "kind") and (parameter.get("required") or known is not None):
            query[name] = example(schema, name, ids) if known is None else known
    wanted: dict[str, Any] = {
        "method": operation.method,
        "url": path.removeprefix("/api/v1"),
        "params": query,
        "headers": headers,
    }
    for media, said in operation.said.get("requestBody", {}).get("content", {}).items():
        if media == "application/json":
            wanted["json"] = example(said["schema"], "", ids)
        else:
            wanted |= {"content": b"x", "headers": {**headers, "Content-Type": media}}
        break
    return wanted


def asks_for_one(operation: Operation, place: Place) -> bool:
    """Whether its path names something of a place."""
    names = {one["name"] for one in operation.said.get("parameters", ()) if one["in"] == "path"}
    return any(name in place.ids and name not in ("product_id", "medium", "tag_id") for name in names)


def nobody_like(place: Place) -> Place:
    """The same ids, of nothing at all."""
    gone = {
        name: 999_999_999 if isinstance(value, int) and name != "product_id" else value
        for name, value in place.ids.items()
    }
    return Place(place.utility, gone)


def told_without_ids(answer: httpx.Response) -> tuple[int, str]:
    """What an answer tells besides numbers: an empty list is the same of what is hidden and of what is not there."""
    return answer.status_code, re.sub(r"[0-9a-f-]{16,}|[0-9]+", "0", answer.text)


def texts_of(answer: httpx.Response) -> str:
    """What is written in an answer; of a file that is packed – XLSX, ZIP – what its parts say."""
    if not answer.content.startswith(b"PK"):
        return answer.content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


def leaks(answer: httpx.Response, *places: Place) -> list[str]:
    """The words of these places that are in an answer."""
    told = texts_of(answer)
    return [mark for place in places for mark in place.marks if mark in told]
