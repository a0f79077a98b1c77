# SPDX-License-Identifier: Apache-2.0
"""The JSON of LwM2M 1.0 (core 1.0.2 section 6.4.4, content format 11543), as SenML records; read only.

One object ``{"bn": base name, "bt": base time, "e": [entries]}``, an entry with ``n``, ``t`` and one of ``v`` (number),
``sv`` (text, or opaque in base64), ``bv`` (boolean) and ``ov`` (object link). 1.1 replaced it by SenML JSON, of which it is
an older dialect: the same things by other names, and base fields said once. Without ``bn`` names are below the path of the
request.
"""

from typing import Any, Final

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec.cbor import Odd

LAYER: Final = "lwm2m json"
_NAMES: Final = {"n": "n", "t": "t", "v": "v", "sv": "vs", "bv": "vb", "ov": "vlo"}

Record = dict[str, Any]


def as_records(document: Any, path: str) -> list[Record | Odd]:
    """The entries in their order, the base fields in the first. ``path``: of the request, as ``/3/0``.

    Raises :class:`WireError` for what is no such object.
    """
    entries = document.get("e") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise WireError(LAYER, 0, "not an object of entries")
    bases: Record = {"bn": document.get("bn", path)}
    if "bt" in document:
        bases["bt"] = document["bt"]
    records = [_record(entry) for entry in entries]
    if isinstance(bases["bn"], str) and _names_one_below(bases["bn"], records):
        bases["bn"] += "/"
    for place, record in enumerate(records):
        if isinstance(record, dict):
            records[place] = {**bases, **record}
            break
    return records


def _names_one_below(base: str, records: list[Record | Odd]) -> bool:
    """Whether a base without its slash is meant to have one: '/3/0' and '9' are /3/0/9, never /3/09."""
    return not base.endswith("/") and any(
        isinstance(record, dict) and isinstance(record.get("n"), str) and record["n"][:1].isdigit()
        for record in records
    )


def _record(entry: Any) -> Record | Odd:
    if not isinstance(entry, dict):
        return entry if isinstance(entry, Odd) else Odd("not a record", 0)
    return {_NAMES[name]: value for name, value in entry.items() if name in _NAMES}
