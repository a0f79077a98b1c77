# SPDX-License-Identifier: Apache-2.0
"""A registration: what a device said about itself, and what we observe there (LwM2M core 1.1 section 6.2).

Theory: parsing is strict where a device's identity and lifetime are concerned and generous elsewhere (an unknown query
parameter or link is skipped, section 6.2.1). A registration outlives the process that took it: ``dump`` gives a few
hundred bytes, ``load`` makes it again, observe tokens included, so that a sleeping meter's next notification still has
an owner. Times in it are Unix seconds, for a monotonic clock does not survive a restart.

Thousands of meters of one make announce the same objects; the parsed list is shared among them.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec import cbor, link_format
from openmains.wire.lwm2m.path import LAYER, Path, from_segments

DUMP_VERSION: Final = 1
DEFAULT_LIFETIME_S: Final = 86_400
MAX_LIFETIME_S: Final = 0xFFFFFFFF
VERSIONS: Final = ("1.0", "1.1", "1.2")  # who says 1.2 is spoken to as 1.1, which it has to understand

_MAX_QUERY: Final = 16


class Offered(NamedTuple):
    """One object of a device: id, version ("" when not said, which means 1.0), instances in rising order."""

    object_id: int
    version: str
    instances: tuple[int, ...]


class Offer(NamedTuple):
    """What the payload of a registration says: where the tree begins, content formats of the root, objects."""

    root: tuple[str, ...]
    formats: tuple[int, ...]
    objects: tuple[Offered, ...]


NOTHING_OFFERED: Final = Offer((), (), ())


@dataclass(slots=True)
class Observation:
    """One observation: the key is its path, or all paths of a composite one. ``call`` lives as long as the link does."""

    paths: tuple[Path, ...]
    token: bytes
    accept: int | None = None
    composite: bool = False
    call: Any = None


@dataclass(slots=True)
class Registration:
    """A device that is registered. ``link`` is where it can be reached; everything else survives in ``dump``."""

    location: str
    endpoint: str
    lifetime_s: int = DEFAULT_LIFETIME_S
    """0: without end."""
    version: str = "1.0"
    binding: str = "U"
    queue_mode: bool = False
    sms: str = ""
    offer: Offer = NOTHING_OFFERED
    registered_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    observations: dict[tuple[Path, ...], Observation] = field(default_factory=dict)
    link: Hashable = None

    @property
    def objects(self) -> tuple[Offered, ...]:
        """The objects that the device announced."""
        return self.offer.objects

    @property
    def expires_unix_s(self) -> float | None:
        """When its lifetime ends, None: never."""
        return self.updated_unix_s + self.lifetime_s if self.lifetime_s else None

    def has(self, path: Path) -> bool:
        """Whether the device announced the object, and the object instance if the path names one.

        An object announced without any instance (``</19>``) may have each: so modules say it that count none.
        """
        for offered in self.offer.objects:
            if offered.object_id == path[0]:
                return len(path) == 1 or not offered.instances or path[1] in offered.instances
        return False

    def dump(self) -> bytes:
        """The registration without its link, as bytes; some 100 to 400 of them."""
        return bytes((DUMP_VERSION,)) + cbor.encode(
            [
                self.location,
                self.endpoint,
                self.lifetime_s,
                self.version,
                self.binding,
                self.queue_mode,
                self.sms,
                [self.offer.root, self.offer.formats, self.offer.objects],
                round(self.registered_unix_s * 1000),
                round(self.updated_unix_s * 1000),
                [[one.paths, one.token, one.accept, one.composite] for one in self.observations.values()],
            ]
        )

    @classmethod
    def load(cls, data: bytes) -> "Registration":
        """What ``dump`` gave. Raises :class:`WireError` for anything else."""
        if data[:1] != bytes((DUMP_VERSION,)):
            raise WireError(LAYER, 0, "registration of another version")
        try:
            location, endpoint, lifetime, version, binding, queue, sms, offer, registered, updated, observed = (
                cbor.decode(data[1:])
            )
            root, formats, objects = offer
            observations = [
                Observation(tuple(map(tuple, paths)), token, accept, composite)
                for paths, token, accept, composite in observed
            ]
            return cls(
                location,
                endpoint,
                lifetime,
                version,
                binding,
                queue,
                sms,
                _shared(Offer(tuple(root), tuple(formats), tuple(Offered(i, v, tuple(n)) for i, v, n in objects))),
                registered / 1000,
                updated / 1000,
                {one.paths: one for one in observations},
            )
        except (TypeError, ValueError):
            raise WireError(LAYER, 1, "registration malformed") from None


@lru_cache(maxsize=1024)
def _shared(offer: Offer) -> Offer:
    """The same object for equal offers."""
    return offer


@dataclass(slots=True)
class Parsed:
    """The query of a Register or an Update; None where nothing was parsed."""

    endpoint: str | None = None
    lifetime_s: int | None = None
    version: str | None = None
    binding: str | None = None
    queue_mode: bool = False
    sms: str | None = None


def parse_query(query: Sequence[str], max_endpoint: int) -> Parsed:
    """The parameters of sections 6.2.1 and 6.2.2; unknown ones are skipped. Raises :class:`WireError`."""
    parsed = Parsed()
    if len(query) > _MAX_QUERY:
        raise WireError(LAYER, 0, "too many query parameters")
    for item in query:
        # Firmware in C sends its strings with their NUL, and values as wide as their field.
        name, _, value = (part.strip(" \t\r\n\0") for part in item.partition("="))
        if name == "ep":
            if not 0 < len(value.encode()) <= max_endpoint or not value.isprintable():
                raise WireError(LAYER, 0, "endpoint name unusable")
            parsed.endpoint = value
        elif name == "lt":
            if not (value.isascii() and value.isdigit()) or len(value) > 10 or int(value) > MAX_LIFETIME_S:
                raise WireError(LAYER, 0, "lifetime unusable")
            parsed.lifetime_s = int(value)
        elif name == "lwm2m":
            parsed.version = value[:8]
        elif name == "b":
            if not 0 < len(value) <= 5 or not set(value) <= set("UTSNQ"):
                raise WireError(LAYER, 0, "binding unusable")
            parsed.binding = value
            # Version 1.0 says queue mode inside of the binding; 1.1 has a parameter of its own.
            parsed.queue_mode = parsed.queue_mode or "Q" in value
        elif name == "Q":
            parsed.queue_mode = True
        elif name == "sms":
            parsed.sms = value[:32]
    return parsed


@lru_cache(maxsize=1024)
def parse_offer(payload: bytes, max_instances: int, root: tuple[str, ...] = ()) -> Offer:
    """The objects of a registration. Raises :class:`WireError`. ``root``: where they begin unless the payload says so.

    ``</lwm2m>;rt="oma.lwm2m";ct=110`` names another root (section 7.3); links that are not objects below it are skipped.
    """
    links = [(target.strip(), attributes) for target, attributes in link_format.parse(payload, 2 * max_instances + 8)]
    formats: tuple[int, ...] = ()
    for target, attributes in links:
        if attributes.get("rt") == "oma.lwm2m":
            root = tuple(segment for segment in target.split("/") if segment)
        if target == "/" or attributes.get("rt") == "oma.lwm2m":
            formats = tuple(
                int(one) for one in (attributes.get("ct") or "").split() if one.isascii() and one.isdigit()
            )[:16]
    versions: dict[int, str] = {}
    instances: dict[int, set[int]] = {}
    for target, attributes in links:
        segments = tuple(segment for segment in target.split("/") if segment)
        path = from_segments(segments[len(root) :]) if segments[: len(root)] == root else None
        if path is None or len(path) > 2:
            continue
        mine = instances.setdefault(path[0], set())
        mine.update(path[1:])
        ver = attributes.get("ver")
        if ver:
            versions[path[0]] = ver[:8]
    if len(instances) + sum(map(len, instances.values())) > 2 * max_instances:
        raise WireError(LAYER, 0, "too many objects")
    objects = tuple(Offered(one, versions.get(one, ""), tuple(sorted(instances[one]))) for one in sorted(instances))
    return _shared(Offer(root, formats, objects))


def write_offer(objects: Iterable[Offered], root: Sequence[str] = (), formats: Sequence[int] = ()) -> bytes:
    """The payload of a registration, for the client role."""
    prefix = "".join(f"/{segment}" for segment in root)
    links: list[link_format.Link] = []
    if root or formats:
        attributes: dict[str, str | None] = {"rt": "oma.lwm2m"}
        if formats:
            attributes["ct"] = " ".join(map(str, formats))
        links.append(link_format.Link(prefix or "/", attributes))
    for object_id, version, instances in objects:
        if version or not instances:
            links.append(link_format.Link(f"{prefix}/{object_id}", {"ver": version} if version else {}))
        links += [link_format.Link(f"{prefix}/{object_id}/{instance}", {}) for instance in instances]
    return link_format.write(links)
