# SPDX-License-Identifier: Apache-2.0
"""Every text that comes in by the API passes here, before its operation: bodies with all that is nested in them (settings, command
parameters), query and path. The rules are ``domain/plain_text.py``'s; imports ask the same.

By the name of its field a text is a name (one line, no formula) or a note; tests hold each field of the API's document to be one of
both, a secret, or closed by its own pattern.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile

from openmains.app.problems import Problem
from openmains.domain.plain_text import hidden_sign, name_fault, note_fault

NAMES = frozenset(
    {"name", "code", "number", "bar_code", "address", "maker", "model", "name_en"}
    | {"account_number", "contractor", "person", "product"}
    | {"street", "house_number", "building", "unit", "floor", "room", "relation"}
    | {"to"}  # who is sent for an alarm
    | {"title", "title_zh", "title_en", "reporter", "signer", "unit"}  # of work orders; of announcements
    | {"email", "openid", "url", "subject"}  # where notices and events go, and how they begin
    | {"endpoint", "label"}  # of a browser that takes notices
    | {"bank", "payer", "holder", "buyer", "component", "item"}  # on bills; who pays
    | {"work_order"}  # its kind, by its code
    | {"meters", "put", "take"}  # numbers of meters behind a concentrator, bound to an application
)
SECRETS = frozenset(
    {"password", "current", "new", "secret", "client_secret"}
)  # never shown, never exported, and people may have them as they like
RAW = frozenset({"hear_operator_push"})  # a body that is kept as it came; what is in it is read by a codec of wire
OPAQUE = frozenset({"cursor"})  # a mark of ours that comes back; its own reader knows it (``bad-cursor``)
_MOST_TOLD = 20
_decode = msgspec.json.Decoder().decode
Fault = tuple[str, str]


async def check_texts(request: Request[Any, Any, Any]) -> None:
    """Raises ``invalid-input`` with the place of each text that cannot be taken."""
    faults = [*_of_parameters(request)]
    is_read = request.method in ("POST", "PUT", "PATCH", "DELETE") and not is_upload(request)
    if is_read and getattr(request.scope["route_handler"], "operation_id", None) not in RAW:
        body = await request.body()
        if body:
            try:
                faults += _faults(_decode(body), "", "")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return  # the reader of the operation's own input says what is wrong with it
    if faults:
        raise Problem("invalid-input", fields=tuple(faults[:_MOST_TOLD]))


def is_upload(request: Request[Any, Any, Any]) -> bool:
    """Whether the operation takes a file: its rows are checked by the import, its name by ``file_name``."""
    signature = request.scope["route_handler"].parsed_fn_signature
    return "data" in signature.parameters and signature.parameters["data"].annotation is UploadFile


def file_name(upload: UploadFile) -> str:
    """An upload's name without folders. Raises ``invalid-input``."""
    name = Path(upload.filename or "").name[:200]
    if hidden_sign(name):
        raise Problem("invalid-input", fields=(("/data", "hidden-sign"),))
    return name


def _of_parameters(request: Request[Any, Any, Any]) -> Iterator[Fault]:
    for name, value in request.query_params.multi_items():
        if name in OPAQUE:
            continue
        if fault := note_fault(str(value)):
            yield f"/{_escaped(name)}", fault
    for name, value in request.path_params.items():
        if isinstance(value, str) and (fault := note_fault(value)):
            yield f"/{name}", fault


def _faults(value: Any, key: str, pointer: str) -> Iterator[Fault]:
    if isinstance(value, str):
        fault = None if key in SECRETS else name_fault(value) if key in NAMES else note_fault(value)
        if fault:
            yield pointer or "/", fault
    elif isinstance(value, dict):
        for name, item in value.items():
            if note_fault(name):
                yield pointer or "/", "hidden-sign"
            else:
                yield from _faults(item, name, f"{pointer}/{_escaped(name)}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, key, f"{pointer}/{place}")


def _escaped(name: str) -> str:
    """A step of a JSON pointer (RFC 6901 3); what nobody sees in it is left out."""
    return re.sub(r"[^\x20-\uffff]", "", name).replace("~", "~0").replace("/", "~1")[:100]
