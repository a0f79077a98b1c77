# SPDX-License-Identifier: Apache-2.0
"""What a server asks of a device: one value an operation, made by the functions below (LwM2M core 1.1 section 6.3, 6.4).

Theory: each operation is one CoAP request (table of section 6.3 in the transport document: method, path, options,
payload). The functions only say which; ``Server.submit`` queues and sends it. Payloads are bytes in a content format:
which format a device takes, and what the values mean, is for the layer above, with ``codec`` and ``objects``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from openmains.wire.coap.message import Method
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec.senml import write_paths
from openmains.wire.lwm2m.path import Path


class Kind(Enum):
    """The operations by their names in the specification."""

    READ = "read"
    DISCOVER = "discover"
    WRITE = "write"
    WRITE_PARTIAL = "write partial"
    WRITE_ATTRIBUTES = "write attributes"
    EXECUTE = "execute"
    CREATE = "create"
    DELETE = "delete"
    OBSERVE = "observe"
    CANCEL = "cancel"
    READ_COMPOSITE = "read composite"
    WRITE_COMPOSITE = "write composite"
    OBSERVE_COMPOSITE = "observe composite"
    BOOTSTRAP_FINISH = "bootstrap finish"


@dataclass(slots=True, eq=False)
class Operation:
    """One request to a device. ``tag`` is the application's own; ``link`` is known once it was submitted."""

    kind: Kind
    method: int
    paths: tuple[Path, ...]
    payload: bytes = field(default=b"", repr=False)  # may hold a key
    content_format: int | None = None
    accept: int | None = None
    query: tuple[str, ...] = ()
    tag: Any = None
    link: Any = None

    @property
    def path(self) -> Path:
        """The path, of a composite operation the first one."""
        return self.paths[0] if self.paths else ()


def read(path: Path, accept: int | None = None) -> Operation:
    """The value of an object, object instance, resource or resource instance. ``accept``: the format wanted."""
    return Operation(Kind.READ, Method.GET, (path,), accept=accept)


def discover(path: Path, depth: int | None = None) -> Operation:
    """What is there and with which attributes, in link format. ``depth`` 0…3 is of version 1.2; None: not said."""
    query = () if depth is None else (f"depth={depth}",)
    return Operation(Kind.DISCOVER, Method.GET, (path,), accept=content.LINK_FORMAT, query=query)


def write(path: Path, payload: bytes, content_format: int, *, partial: bool = False) -> Operation:
    """Replace an instance or a resource; ``partial`` (instances only) keeps what the payload does not name."""
    if partial:
        return Operation(Kind.WRITE_PARTIAL, Method.POST, (path,), payload, content_format)
    return Operation(Kind.WRITE, Method.PUT, (path,), payload, content_format)


def write_attributes(path: Path, query: Sequence[str]) -> Operation:
    """Set notification attributes: ``attributes.Attributes.query()`` makes the list; ``pmin`` alone takes one away."""
    return Operation(Kind.WRITE_ATTRIBUTES, Method.PUT, (path,), query=tuple(query))


def execute(path: Path, arguments: str = "") -> Operation:
    """Run a resource. ``arguments`` as in section 7.4.3 of 1.1: ``0='a',3``."""
    return Operation(Kind.EXECUTE, Method.POST, (path,), arguments.encode(), content.TEXT if arguments else None)


def create(path: Path, payload: bytes, content_format: int) -> Operation:
    """A new instance of the object ``path``; the payload may give its id."""
    return Operation(Kind.CREATE, Method.POST, (path,), payload, content_format)


def delete(path: Path) -> Operation:
    """Take an object instance away (or, of 1.1, a resource instance); of the root only while bootstrapping."""
    return Operation(Kind.DELETE, Method.DELETE, (path,))


def observe(path: Path, accept: int | None = None) -> Operation:
    """The value now and, as notifications, whenever it changes as the attributes say."""
    return Operation(Kind.OBSERVE, Method.GET, (path,), accept=accept)


def cancel(*paths: Path) -> Operation:
    """End an observation in words; ``Server.drop`` does it without any (the next notification meets a Reset)."""
    return Operation(Kind.CANCEL, Method.GET, paths)


def read_composite(
    paths: Sequence[Path], content_format: int = content.SENML_CBOR, accept: int | None = None
) -> Operation:
    """Several values at once (1.1): a FETCH with the paths as a SenML pack."""
    payload = write_paths(paths, content_format)
    wanted = content_format if accept is None else accept
    return Operation(Kind.READ_COMPOSITE, Method.FETCH, tuple(paths), payload, content_format, wanted)


def write_composite(payload: bytes, content_format: int = content.SENML_CBOR) -> Operation:
    """Several values at once (1.1): an iPATCH with a SenML pack of them."""
    return Operation(Kind.WRITE_COMPOSITE, Method.IPATCH, (), payload, content_format)


def observe_composite(
    paths: Sequence[Path], content_format: int = content.SENML_CBOR, accept: int | None = None
) -> Operation:
    """Observe several paths as one (1.1)."""
    payload = write_paths(paths, content_format)
    wanted = content_format if accept is None else accept
    return Operation(Kind.OBSERVE_COMPOSITE, Method.FETCH, tuple(paths), payload, content_format, wanted)


def bootstrap_finish() -> Operation:
    """The last word of a bootstrap server."""
    return Operation(Kind.BOOTSTRAP_FINISH, Method.POST, ())
