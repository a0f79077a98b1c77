# SPDX-License-Identifier: Apache-2.0
"""The object tree of a device: what a server's operations find there (LwM2M core 1.1 section 6.3, 7.2).

Theory: values are kept at their paths, of three numbers for a single resource or four for a resource instance. An
operation either gives its result or raises :class:`Refusal` with the CoAP code that the specification says; nothing is
changed then. A bootstrap server may do what an ordinary server may not: see and write object 0, delete everything.
"""

from collections.abc import Iterable, Mapping

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m.attributes import Attributes
from openmains.wire.lwm2m.codec.link_format import Link
from openmains.wire.lwm2m.definitions import Definitions
from openmains.wire.lwm2m.path import Path, is_below, text
from openmains.wire.lwm2m.registration import Offered
from openmains.wire.lwm2m.value import Item, Value

SECURITY = 0
DEVICE = 3


class Refusal(Exception):
    """An operation that the device does not do. ``code``: the answer."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Tree:
    """Values by path. Instances exist from their first value on, or by ``add``, until they are removed."""

    __slots__ = ("_instances", "_values", "definitions")

    def __init__(self, definitions: Definitions, values: Mapping[Path, Value] | None = None) -> None:
        self.definitions = definitions
        self._values: dict[Path, Value] = {}
        self._instances: dict[int, set[int]] = {}
        for path, value in (values or {}).items():
            self.set(path, value)

    # --- the device's own hand ---

    def set(self, path: Path, value: Value) -> None:
        """Put a value; its instance begins to exist if it did not."""
        if not 3 <= len(path) <= 4:
            raise ValueError("a value needs a path of three or four numbers")
        self._values[path] = value
        self.add(path[0], path[1])

    def get(self, path: Path) -> Value | None:
        """The value at exactly ``path``."""
        return self._values.get(path)

    def add(self, object_id: int, instance: int) -> None:
        """An instance, maybe without values."""
        self._instances.setdefault(object_id, set()).add(instance)

    def remove(self, path: Path) -> None:
        """Everything at ``path`` and below, instances with it."""
        for place in [place for place in self._values if is_below(place, path)]:
            del self._values[place]
        if len(path) == 2:
            self._instances.get(path[0], set()).discard(path[1])
        elif len(path) == 1:
            self._instances.pop(path[0], None)
        elif not path:
            self._instances.clear()

    def items(self, path: Path) -> list[Item]:
        """All values at ``path`` and below, in order."""
        return [Item(place, self._values[place]) for place in sorted(self._values) if is_below(place, path)]

    def offered(self) -> tuple[Offered, ...]:
        """What a registration announces: every object but the security accounts (section 6.2.1)."""
        return tuple(
            Offered(one, self._version(one), tuple(sorted(self._instances[one])))
            for one in sorted(self._instances)
            if one != SECURITY
        )

    def instances(self, object_id: int) -> list[int]:
        """The instances of an object."""
        return sorted(self._instances.get(object_id, ()))

    # --- operations ---

    def read(self, path: Path, *, bootstrap: bool = False) -> list[Item]:
        """Read: what may be read at ``path`` and below. 4.04 nothing there, 4.05 not to be read."""
        self._must_exist(path)
        if path[:1] == (SECURITY,) and not bootstrap:
            raise Refusal(Code.UNAUTHORIZED)
        if bootstrap and (not path or path[0] not in (1, 2) or len(path) > 2):
            raise Refusal(Code.METHOD_NOT_ALLOWED)  # section 6.1.7.7: only objects 1 and 2, for old accounts
        if len(path) > 2 and not self._may(path, "R"):
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        items = [item for item in self.items(path) if self._may(item.path, "R")]
        if len(path) > 2 and not items:
            raise Refusal(Code.NOT_FOUND)
        return items

    def write(self, path: Path, items: Iterable[Item], *, replace: bool, bootstrap: bool = False) -> list[Path]:
        """Write: all of ``items`` or nothing. The paths that changed.

        ``replace`` takes away the writable resources, or the resource instances, that are not named.
        """
        items = list(items)
        if not bootstrap:
            self._must_exist(path)
            if path[0] == SECURITY:
                raise Refusal(Code.UNAUTHORIZED)
        for item in items:
            resource = self.definitions.resource(item.path)
            if resource is None:
                raise Refusal(Code.NOT_FOUND)
            if (len(item.path) == 4) and not resource.many:
                raise Refusal(Code.BAD_REQUEST)
            if not bootstrap and "W" not in resource.operations:
                raise Refusal(Code.METHOD_NOT_ALLOWED)
        gone: list[Path] = []
        if replace:
            named = {item.path for item in items}
            gone = [
                place
                for place in self._values
                if is_below(place, path) and place not in named and (bootstrap or self._may(place, "W"))
            ]
            for place in gone:
                del self._values[place]
        for item in items:
            if item.value is not None:
                self._drop_other_form(item.path)
                self.set(item.path, item.value)
        if bootstrap and len(path) == 2:
            self.add(path[0], path[1])
        return gone + [item.path for item in items]

    def create(self, object_id: int, instance: int | None, items: Iterable[Item]) -> Path:
        """Create: a new instance with these values, at the id wanted or the lowest free one. Its path."""
        definition = self.definitions.object(object_id)
        if definition is None:
            raise Refusal(Code.NOT_FOUND)
        if not definition.many or object_id == SECURITY:
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        taken = self._instances.get(object_id, set())
        if instance is None:
            instance = next(number for number in range(0xFFFF) if number not in taken)
        elif instance in taken:
            raise Refusal(Code.BAD_REQUEST)
        items = [Item((object_id, instance, *item.path[2:]), item.value) for item in items]
        if any(item.path[2] not in definition.resources for item in items):
            raise Refusal(Code.NOT_FOUND)
        self.add(object_id, instance)
        for item in items:
            if item.value is not None:
                self.set(item.path, item.value)
        return (object_id, instance)

    def delete(self, path: Path, *, bootstrap: bool = False) -> None:
        """Delete: an instance, or a resource instance; a bootstrap server may delete anything but the device itself and
        its own account (section 6.1.7.5)."""
        if bootstrap:
            kept = {place: value for place, value in self._values.items() if self._is_kept(place)}
            doomed = [path] if path else [(one,) for one in list(self._instances)]
            if path:
                self._must_exist(path)
            for one in doomed:
                self.remove(one)
            for place, value in kept.items():
                self.set(place, value)
            return
        self._must_exist(path)
        if len(path) not in (2, 4) or path[0] in (SECURITY, DEVICE):
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        if len(path) == 4 and not self._may(path, "W"):
            raise Refusal(Code.METHOD_NOT_ALLOWED)
        self.remove(path)

    def may_write(self, path: Path) -> None:
        """Before a payload is looked at: 4.01 object 0, 4.04 nothing there, 4.05 a resource that is not to be written."""
        self._must_exist(path if len(path) < 4 else path[:3])
        if path[0] == SECURITY:
            raise Refusal(Code.UNAUTHORIZED)
        if len(path) > 2 and not self._may(path, "W"):
            raise Refusal(Code.METHOD_NOT_ALLOWED)

    def may_observe(self, path: Path) -> None:
        """Attributes can be written: 4.01 object 0, 4.04 nothing there."""
        self._must_exist(path)
        if path[0] == SECURITY:
            raise Refusal(Code.UNAUTHORIZED)

    def may_execute(self, path: Path) -> None:
        """Execute: 4.04 when there is no such resource, 4.05 when it is none to execute."""
        self._must_exist(path[:2])
        resource = self.definitions.resource(path)
        if resource is None:
            raise Refusal(Code.NOT_FOUND)
        if resource.operations != "E" or len(path) != 3:
            raise Refusal(Code.METHOD_NOT_ALLOWED)

    def discover(self, path: Path, stored: Mapping[Path, Attributes], *, bootstrap: bool = False) -> list[Link]:
        """Discover (section 6.3.2): what is at ``path`` and one level below, with attributes."""
        if bootstrap:
            return self._bootstrap_discover(path)
        self._must_exist(path)
        if path[0] == SECURITY:
            raise Refusal(Code.UNAUTHORIZED)
        links: list[Link] = []
        if len(path) == 1:
            links.append(self._link(path, stored))
        for instance in self.instances(path[0]):
            if len(path) > 1 and path[1] != instance:
                continue
            if len(path) < 3:
                links.append(self._link((path[0], instance), stored))
            known = self.definitions.object(path[0])
            executable = {one.id for one in known.resources.values() if one.operations == "E"} if known else set()
            present = {place[2] for place in self._values if place[:2] == (path[0], instance)} | executable
            links += [
                self._link((path[0], instance, number), stored)
                for number in sorted(present)
                if len(path) < 3 or path[2] == number
            ]
        if len(path) >= 3:
            links += [
                self._link(place, stored)
                for place in sorted(self._values)
                if len(place) == 4 and (is_below(place, path) if len(path) == 3 else place == path)
            ]
        return links if len(path) < 4 else links[-1:]

    def _bootstrap_discover(self, path: Path) -> list[Link]:
        if len(path) > 1:
            raise Refusal(Code.BAD_REQUEST)
        if path:
            self._must_exist(path)
        links = [Link("/", {"lwm2m": "1.1"})]
        for one in sorted(self._instances):
            if path and one != path[0]:
                continue
            for instance in self.instances(one):
                short = self._values.get((one, instance, 10 if one == SECURITY else 0)) if one in (0, 1) else None
                attributes: dict[str, str | None] = {} if short is None else {"ssid": str(short)}
                if one == SECURITY and (uri := self._values.get((one, instance, 0))) is not None:
                    attributes["uri"] = str(uri)
                links.append(Link(text((one, instance)), attributes))
        return links

    # --- inside ---

    def _link(self, path: Path, stored: Mapping[Path, Attributes]) -> Link:
        attributes: dict[str, str | None] = {}
        if len(path) == 1 and (version := self._version(path[0])):
            attributes["ver"] = version
        if len(path) == 3 and self.definitions.many(path):
            count = sum(1 for place in self._values if len(place) == 4 and place[:3] == path)
            attributes["dim"] = str(count)
        own = stored.get(path)
        return Link(text(path), attributes | dict(own.as_dict() if own is not None else {}))

    def _version(self, object_id: int) -> str:
        definition = self.definitions.object(object_id)
        return "" if definition is None or definition.version == "1.0" else definition.version

    def _must_exist(self, path: Path) -> None:
        exists = bool(path) and path[0] in self._instances
        if exists and len(path) > 1:
            exists = path[1] in self._instances[path[0]]
        if exists and len(path) > 2:
            known = self.definitions.resource(path) is not None
            exists = any(is_below(place, path) for place in self._values) or (known and len(path) == 3)
        if not exists:
            raise Refusal(Code.NOT_FOUND)

    def _may(self, path: Path, operation: str) -> bool:
        resource = self.definitions.resource(path)
        return resource is None or operation in resource.operations

    def _drop_other_form(self, path: Path) -> None:
        """A resource has either one value or instances."""
        if len(path) == 4:
            self._values.pop(path[:3], None)
        else:
            for place in [place for place in self._values if len(place) == 4 and place[:3] == path]:
                del self._values[place]

    def _is_kept(self, place: Path) -> bool:
        return place[0] == DEVICE or (place[0] == SECURITY and self._values.get((0, place[1], 1)) is True)
