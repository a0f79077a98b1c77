# SPDX-License-Identifier: Apache-2.0
"""Every field of an answer that may hold personal data is known here, with what keeps it: a mask, or the permission of the operations
that tell it (R13.2, R13.6). A field that is new is refused until somebody says which."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/reference/openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SEALED = re.compile(r"(^|_)(phone|mobile|identity_number|id_card|bank_account|email|birth)($|_)")
NAMES = re.compile(r"(^|_)(customer_name|contact_name|holder_name|payer_name|owner_name|reporter|buyer)($|_)")

MASKED = {
    "Customer": {"phone"}, "PartyCustomer": {"phone"}, "CustomerDetail": {"phone", "identity_number", "bank_account"}, "Contact": {"phone"},
}  # fmt: skip
"""Sealed at rest, told as ``domain/party/personal.py`` masks them; in clear by ``see_personal`` alone, and each look is in the trail."""

OF_STAFF = {"PersonSettings": {"phone", "email"}, "Letterhead": {"phone"}}
"""The utility's own: where notices go to its people, seen by themselves and by who manages notices; what stands on every bill."""

NAMED = {
    "Meter": {"customer_name"}, "MeterDetail": {"customer_name"}, "Account": {"customer_name"}, "AccountDetail": {"customer_name"},
    "Holder": {"customer_name"}, "RecordedAct": {"customer_name"}, "ReadingException": {"customer_name"}, "VisitMeter": {"customer_name"},
    "Invoice": {"buyer", "buyer_tax_number"}, "WorkOrder": {"reporter"}, "WorkOrderDetail": {"reporter"},
}  # fmt: skip
"""Names: of meters and invoices to who may see customers; of accounts by operations that need it; of a visit and an order to who goes there."""


def _answered() -> Iterator[str]:
    """Names of the schemas that answers are made of."""
    left = [
        media["schema"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for media in answer.get("content", {}).values()
        if "schema" in media
    ]
    seen: set[str] = set()
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                name = node["$ref"].rsplit("/", 1)[-1]
                if name not in seen:
                    seen.add(name)
                    yield name
                    left.append(SCHEMAS[name])
            left += [value for key, value in node.items() if key != "$ref"]


def _fields(pattern: re.Pattern[str]) -> dict[str, set[str]]:
    found = {
        name: {field for field in SCHEMAS[name].get("properties", {}) if pattern.search(field)} for name in _answered()
    }
    return {name: fields for name, fields in found.items() if fields}


def test_what_is_sealed_is_told_masked() -> None:
    assert _fields(SEALED) == MASKED | OF_STAFF


def test_where_names_of_customers_are_told_is_known() -> None:
    assert _fields(NAMES) == NAMED
