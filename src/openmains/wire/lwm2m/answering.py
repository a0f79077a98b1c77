# SPDX-License-Identifier: Apache-2.0
"""A device's side of device management: one CoAP request, one answer (LwM2M core 1.1 section 6.3, transport 6.4).

Theory: method, path length, Accept and payload say which operation it is; the tree does it or refuses with a code. The
owner of the device may refuse on top (``judge``): a valve that must not move answers before anything is changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code, Method, Option
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import attributes as attr
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.client_events import ClientEvent, Executed, Written
from openmains.wire.lwm2m.codec import link_format, senml, tlv
from openmains.wire.lwm2m.codec.values import NAMED, SINGLE, decode, encode
from openmains.wire.lwm2m.operation import Kind
from openmains.wire.lwm2m.path import LAYER, Path, from_segments, segments
from openmains.wire.lwm2m.tree import Refusal, Tree
from openmains.wire.lwm2m.value import Item

Judge = Callable[[Kind, Path, Sequence[Item]], int | None]
"""Asked before something is written, executed, created or deleted: a code to refuse with, or None."""

_COMPOSITE = (content.SENML_CBOR, content.SENML_JSON)


@dataclass(slots=True)
class Answer:
    """What goes back, and what the owner hears. ``paths``: what was read, for an observation."""

    code: int
    payload: bytes = b""
    options: list[Option] = field(default_factory=list)
    events: list[ClientEvent] = field(default_factory=list)
    paths: tuple[Path, ...] = ()
    accept: int | None = None


class Answerer:
    """Does the server's operations on a tree, and keeps the attributes that it writes."""

    def __init__(self, tree: Tree, *, default_format: int, root: tuple[str, ...], judge: Judge | None) -> None:
        self.tree = tree
        self.attributes: dict[Path, attr.Attributes] = {}
        self._default = default_format
        self._root = root
        self._judge = judge

    def answer(self, request: Request, *, bootstrap: bool = False) -> Answer:
        """The answer to a request of the server; never raises for what is in it."""
        try:
            return self._answer(request, bootstrap)
        except Refusal as refusal:
            return Answer(refusal.code)
        except WireError as error:
            unknown = error.reason == "content format unknown"
            return Answer(Code.UNSUPPORTED_CONTENT_FORMAT if unknown else Code.BAD_REQUEST)

    def _answer(self, request: Request, bootstrap: bool) -> Answer:
        path = self._path(request.path)
        method = request.method
        accept = opt.get_uint(request.options, opt.ACCEPT)
        format_ = opt.get_uint(request.options, opt.CONTENT_FORMAT)
        if method == Method.GET and accept == content.LINK_FORMAT:
            links = self.tree.discover(path, self.attributes, bootstrap=bootstrap)
            prefixed = [link._replace(target=self._prefix(link.target)) for link in links]
            return Answer(Code.CONTENT, link_format.write(prefixed), _format(content.LINK_FORMAT))
        if method == Method.GET:
            return self.read((path,), accept, bootstrap=bootstrap)
        if method == Method.FETCH and not path:
            paths = tuple(item.path for item in senml.decode(request.payload, _senml(format_), paths_only=True))
            return self.read(paths, _senml(accept if accept is not None else format_), composite=True)
        if method == Method.IPATCH and not path:
            items = decode(request.payload, _senml(format_), (), self.tree.definitions.type)
            return self._write_composite(items)
        if method == Method.PUT and path:
            if format_ is None and not request.payload and request.query:
                return self._write_attributes(path, request.query)
            return self._write(path, request.payload, format_, replace=True, bootstrap=bootstrap)
        if method == Method.POST and path and not bootstrap:
            if len(path) == 1:
                return self._create(path, request.payload, format_)
            if len(path) == 2:
                return self._write(path, request.payload, format_, replace=False, bootstrap=False)
            return self._execute(path, request.payload, format_)
        if method == Method.DELETE and (path or bootstrap):
            if not bootstrap:
                self._ask(Kind.DELETE, path, ())
            self.tree.delete(path, bootstrap=bootstrap)
            return Answer(Code.DELETED, events=[Written((path,))])
        raise Refusal(Code.METHOD_NOT_ALLOWED)

    def _path(self, given: tuple[str, ...]) -> Path:
        if given[: len(self._root)] == self._root:
            given = given[len(self._root) :]
        if not given:
            return ()
        path = from_segments(given)
        if path is None:
            raise Refusal(Code.NOT_FOUND)
        return path

    def _prefix(self, target: str) -> str:
        prefix = "".join(f"/{segment}" for segment in self._root)
        return (prefix + target).rstrip("/") if prefix else target

    # --- reading ---

    def read(
        self, paths: tuple[Path, ...], accept: int | None, *, composite: bool = False, bootstrap: bool = False
    ) -> Answer:
        """Read, Read-Composite, and what an observation tells. What is missing is left out of a composite answer."""
        items: list[Item] = []
        for path in paths:
            try:
                items += self.tree.read(path, bootstrap=bootstrap)
            except Refusal:
                if not composite:
                    raise
        try:
            format_ = self._choose(items, paths, accept, composite)
            whole = () if composite else paths[0]
            payload = encode(items, format_, whole, self.tree.definitions.type)
        except WireError:
            raise Refusal(Code.NOT_ACCEPTABLE) from None
        return Answer(Code.CONTENT, payload, _format(format_), paths=paths, accept=accept)

    def observed(self, paths: tuple[Path, ...], accept: int | None, *, composite: bool) -> Answer:
        """What an observer is told now; a code that is no success ends the observation."""
        try:
            return self.read(paths, accept, composite=composite)
        except Refusal as refusal:
            return Answer(refusal.code)

    def _choose(self, items: list[Item], paths: tuple[Path, ...], accept: int | None, composite: bool) -> int:
        one = not composite and len(items) == 1 and items[0].path == paths[0]
        if accept is None:
            if one:
                return content.OPAQUE if isinstance(items[0].value, bytes) else content.TEXT
            return content.SENML_CBOR if composite else self._default
        allowed = _COMPOSITE if composite else (*SINGLE, *NAMED) if one else NAMED
        if accept not in allowed:
            raise Refusal(Code.NOT_ACCEPTABLE)
        return accept

    # --- changing ---

    def _write(self, path: Path, payload: bytes, format_: int | None, *, replace: bool, bootstrap: bool) -> Answer:
        if len(path) == 1 and not bootstrap:
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        if len(path) >= 2 and not bootstrap:
            self.tree.may_write(path)
        items = decode(payload, format_, path, self.tree.definitions.type)
        if not bootstrap:
            self._ask(Kind.WRITE if replace else Kind.WRITE_PARTIAL, path, items)
        changed = self.tree.write(path, items, replace=replace, bootstrap=bootstrap)
        return Answer(Code.CHANGED, events=[Written(tuple(changed))])

    def _write_composite(self, items: list[Item]) -> Answer:
        for item in items:
            self.tree.may_write(item.path)
        self._ask(Kind.WRITE_COMPOSITE, (), items)
        changed: list[Path] = []
        for item in items:
            changed += self.tree.write(item.path, [item], replace=False)
        return Answer(Code.CHANGED, events=[Written(tuple(changed))])

    def _write_attributes(self, path: Path, query: Sequence[str]) -> Answer:
        self.tree.may_observe(path)
        after = attr.write(self.attributes.get(path, attr.NONE), query, path)
        if after == attr.NONE:
            self.attributes.pop(path, None)
        else:
            self.attributes[path] = after
        return Answer(Code.CHANGED)

    def _execute(self, path: Path, payload: bytes, format_: int | None) -> Answer:
        self.tree.may_execute(path)
        if format_ not in (None, content.TEXT):
            raise Refusal(Code.UNSUPPORTED_CONTENT_FORMAT)
        given = parse_arguments(payload)
        self._ask(Kind.EXECUTE, path, ())
        return Answer(Code.CHANGED, events=[Executed(path, given)])

    def _create(self, path: Path, payload: bytes, format_: int | None) -> Answer:
        instance: int | None = None
        types = self.tree.definitions.type
        if format_ in (content.TLV, content.TLV_1_0_DRAFT):
            entries = tlv.decode(payload)
            if entries and entries[0].kind is tlv.Kind.INSTANCE:
                if len(entries) != 1:
                    raise Refusal(Code.BAD_REQUEST)
                instance = entries[0].id
                payload = tlv.encode(entries[0].inside)
            items = decode(payload, format_, (path[0], instance or 0), types)
        else:
            items = decode(payload, format_, path, types) if payload else []
            named = {item.path[1] for item in items}
            if len(named) > 1:
                raise Refusal(Code.BAD_REQUEST)
            instance = named.pop() if named else None
        self._ask(Kind.CREATE, path, items)
        created = self.tree.create(path[0], instance, items)
        location = [(opt.LOCATION_PATH, part.encode()) for part in (*self._root, *segments(created))]
        return Answer(Code.CREATED, options=location, events=[Written((created,))])

    def _ask(self, kind: Kind, path: Path, items: Sequence[Item]) -> None:
        code = None if self._judge is None else self._judge(kind, path, items)
        if code is not None:
            raise Refusal(code)


def parse_arguments(payload: bytes) -> dict[int, str]:
    """Arguments of Execute (section 7.4.2.1 of 1.1): ``0='a',3`` → {0: "a", 3: ""}. Raises :class:`WireError`."""
    if not payload.isascii():
        raise WireError(LAYER, 0, "arguments malformed")
    text = payload.decode("ascii")
    found: dict[int, str] = {}
    at = 0
    while at < len(text):
        if found:
            if text[at] != ",":
                raise WireError(LAYER, at, "arguments malformed")
            at += 1
        digit = text[at : at + 1]
        if not digit.isdigit() or int(digit) in found:
            raise WireError(LAYER, at, "arguments malformed")
        value = ""
        at += 1
        if text[at : at + 2] == "='":
            end = text.find("'", at + 2)
            if end < 0:
                raise WireError(LAYER, at, "arguments malformed")
            value = text[at + 2 : end]
            at = end + 1
        found[int(digit)] = value
    return found


def _format(number: int) -> list[Option]:
    return [(opt.CONTENT_FORMAT, opt.uint(number))]


def _senml(number: int | None) -> int:
    if number not in _COMPOSITE:
        raise Refusal(Code.UNSUPPORTED_CONTENT_FORMAT)
    return number
