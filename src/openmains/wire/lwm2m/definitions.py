# SPDX-License-Identifier: Apache-2.0
"""What objects and resources are: names, types, operations, units (pages in ``objects/``).

Theory: the pages are data, checked as a whole when they are first read; one that is wrong stops the program, for a
wrong type would decode a register wrongly. A resource that no page knows is no error: its value stays what the format
says it is (bytes in TLV, a number or text in SenML).
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.value import Type


class PageError(Exception):
    """A page of objects is wrong: where, and why."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. ``operations``: letters of R, W, E; "" means only while bootstrapping. ``type``: None for E."""

    id: int
    operations: str
    type: Type | None
    unit: str
    many: bool
    must: bool
    en: str
    zh: str
    note_en: str = ""
    note_zh: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """One object with its resources by id."""

    id: int
    urn: str
    many: bool
    must: bool
    en: str
    zh: str
    resources: Mapping[int, Resource]
    note_en: str = ""
    note_zh: str = ""

    @property
    def version(self) -> str:
        """``1.2`` of ``urn:oma:lwm2m:oma:3:1.2``; 1.0 when the name does not say."""
        parts = self.urn.split(":")
        return parts[5] if len(parts) > 5 else "1.0"


class Definitions:
    """All objects that we know, by id."""

    __slots__ = ("_objects",)

    def __init__(self, objects: Iterable[Object]) -> None:
        self._objects = {one.id: one for one in objects}

    def __iter__(self) -> Iterator[Object]:
        return iter(self._objects[one] for one in sorted(self._objects))

    def object(self, object_id: int) -> Object | None:
        """The object, None when no page knows it."""
        return self._objects.get(object_id)

    def resource(self, path: Path) -> Resource | None:
        """The resource that a path of three or four numbers names, None when no page knows it."""
        found = self._objects.get(path[0]) if len(path) > 2 else None
        return None if found is None else found.resources.get(path[2])

    def type(self, path: Path) -> Type | None:
        """The type of the resource at ``path``; the ``Types`` of the codecs."""
        found = self.resource(path)
        return None if found is None else found.type

    def many(self, path: Path) -> bool:
        """Whether the resource at ``path`` has instances."""
        found = self.resource(path)
        return found is not None and found.many


@lru_cache(maxsize=1)
def definitions() -> Definitions:
    """The packaged pages. Raises :class:`PageError` for the first that is wrong."""
    folder = resources.files("openmains.wire.lwm2m.objects")
    pages = {page.name: page.read_text("utf-8") for page in folder.iterdir() if page.name.endswith(".toml")}
    return read(pages)


def read(pages: Mapping[str, str]) -> Definitions:
    """Pages given as file name → text."""
    found: dict[int, Object] = {}
    for name, text in sorted(pages.items()):
        try:
            page = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PageError(f"{name}: {error}") from None
        sets = page.get("sets", {})
        for raw in page.get("object", []):
            one = _object(name, raw, sets)
            if one.id in found:
                raise PageError(f"{name}: object {one.id} is there already")
            found[one.id] = one
    return Definitions(found.values())


_OBJECT_KEYS = {"id", "urn", "many", "must", "en", "zh", "note_en", "note_zh", "resources", "like"}
_RESOURCE_KEYS = {"id", "ops", "type", "unit", "many", "must", "en", "zh", "note_en", "note_zh"}


def _object(page: str, raw: Mapping[str, Any], sets: Mapping[str, Any]) -> Object:
    where = f"{page}: object {raw.get('id')}"
    _check(where, raw, _OBJECT_KEYS, ("id", "urn", "en", "zh"))
    if f":{raw['id']}" not in raw["urn"]:
        raise PageError(f"{where}: its urn names another")
    rows = [*sets.get(raw.get("like", ""), []), *raw.get("resources", [])]
    by_id: dict[int, Resource] = {}
    for row in rows:
        resource = _resource(f"{where}, resource {row.get('id')}", row)
        if resource.id in by_id:
            raise PageError(f"{where}: resource {resource.id} is there already")
        by_id[resource.id] = resource
    if not by_id:
        raise PageError(f"{where}: no resources")
    many, must = raw.get("many", False), raw.get("must", False)
    notes = raw.get("note_en", ""), raw.get("note_zh", "")
    return Object(raw["id"], raw["urn"], many, must, raw["en"], raw["zh"], by_id, *notes)


def _resource(where: str, row: Mapping[str, Any]) -> Resource:
    _check(where, row, _RESOURCE_KEYS, ("id", "en", "zh"))
    operations = row.get("ops", "")
    if operations not in ("", "R", "W", "RW", "E"):
        raise PageError(f"{where}: operations {operations!r}")
    if ("type" in row) == (operations == "E"):
        raise PageError(f"{where}: a type is for what is read or written, and only for that")
    try:
        kind = Type(row["type"]) if "type" in row else None
    except ValueError:
        raise PageError(f"{where}: type {row['type']!r}") from None
    many, must = row.get("many", False), row.get("must", False)
    notes = row.get("note_en", ""), row.get("note_zh", "")
    return Resource(row["id"], operations, kind, row.get("unit", ""), many, must, row["en"], row["zh"], *notes)


def _check(where: str, raw: Mapping[str, Any], known: set[str], needed: Iterable[str]) -> None:
    if unknown := set(raw) - known:
        raise PageError(f"{where}: unknown {', '.join(sorted(unknown))}")
    if missing := [key for key in needed if key not in raw]:
        raise PageError(f"{where}: no {', '.join(missing)}")
    if not isinstance(raw["id"], int) or not 0 <= raw["id"] < 0xFFFF:
        raise PageError(f"{where}: id out of range")
    if bool(raw.get("note_en")) != bool(raw.get("note_zh")):
        raise PageError(f"{where}: a note in one language")


def as_markdown() -> str:
    """The reference for makers: all objects, ours with their notes."""
    lines = [
        "<!-- Generated by scripts/reference.py from src/openmains/wire/lwm2m/objects; do not edit. -->",
        "# LwM2M objects",
        "",
        "What OpenMains knows about objects and resources. `operations`: R read, W write, E execute, `–` only by a bootstrap server.",
        "An asterisk marks what is mandatory, `[]` what has several instances. Objects from 26241 on are OpenMains' own; the others",
        "are of the OMA registry. How they travel is in [lwm2m.md](lwm2m.md).",
    ]
    own = [one for one in definitions() if one.id >= 26241]
    for one in [*own, *(one for one in definitions() if one.id < 26241)]:
        lines += ["", f"## {one.id} {one.en} {one.zh}", "", f"`{one.urn}`{', several instances' if one.many else ''}"]
        if one.note_en:
            lines += ["", one.note_en, "", one.note_zh]
        lines += ["", "| id | name | 名称 | operations | type | unit |", "|---|---|---|---|---|---|"]
        notes = []
        for resource in one.resources.values():
            kind = "" if resource.type is None else resource.type.value
            lines.append(
                f"| {resource.id} | {resource.en}{'*' if resource.must else ''}{' []' if resource.many else ''} | {resource.zh} "
                f"| {resource.operations or '–'} | {kind} | {resource.unit} |"
            )
            if resource.note_en:
                notes.append(f"- {resource.id}: {resource.note_en}. {resource.note_zh}。")
        if notes:
            lines += ["", *notes]
    return "\n".join(lines) + "\n"
