# SPDX-License-Identifier: Apache-2.0
"""One bootstrap: steps in their order, then Finish (LwM2M core 1.1 section 6.1.7).

Theory: the server deletes, writes objects 0 (security) and 1 (server), and says Finish; the device then checks what it
has got and answers Finish with success or 4.06. A step that fails ends the run: half an account is worse than the old
one, which the device still has until Finish. Deleting what is not there (4.04) is no failure, nor is a Discover that a
device does not know. Steps may be a generator: each answer is sent into it, and it says what comes next.
"""

from collections.abc import Generator, Iterable

from openmains.wire.coap.message import Code, is_success
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import link_format
from openmains.wire.lwm2m.codec.values import encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Done, Failed
from openmains.wire.lwm2m.operation import Kind, Operation, bootstrap_finish, delete, discover, write
from openmains.wire.lwm2m.path import INSTANCE, Path, from_segments
from openmains.wire.lwm2m.value import Item, Value

PSK_MODE = 0


Steps = Iterable[Operation] | Generator[Operation, Done | None, None]


class Run:
    """A bootstrap on its way over one link."""

    __slots__ = ("_finishing", "_steps", "current", "endpoint")

    def __init__(self, endpoint: str, steps: Steps) -> None:
        self.endpoint = endpoint
        self._steps = steps if isinstance(steps, Generator) else _each(steps)
        self._finishing = False
        self.current: Operation | None = None

    def next(self, answer: Done | None = None) -> Operation:
        """The next step; Finish is the last. ``answer``: to the one before."""
        try:
            self.current = self._steps.send(answer)
        except StopIteration:
            self._finishing, self.current = True, bootstrap_finish()
        return self.current

    def judge(self, event: Done | Failed) -> str | None:
        """After the answer to the current step: None go on, "" all is done, else why the run ends."""
        if isinstance(event, Failed):
            return event.reason
        kind = event.operation.kind
        harmless = kind is Kind.DISCOVER or (kind is Kind.DELETE and event.code == Code.NOT_FOUND)
        if not is_success(event.code) and not harmless:
            return "refused"
        return "" if self._finishing else None


def _each(steps: Iterable[Operation]) -> Generator[Operation, Done | None, None]:
    for step in steps:  # noqa: UP028 - `yield from` would send the answers on into a list
        yield step


def account(
    *,
    uri: str,
    identity: bytes,
    key: bytes,
    short_id: int = 101,
    lifetime_s: int = 86_400,
    binding: str = "U",
    security_instance: int = 1,
    server_instance: int = 0,
    content_format: int = content.TLV,
) -> list[Operation]:
    """The steps that give a device one server: the old accounts go, objects 0 and 1 are written.

    ``uri`` such as ``coaps://meters.example.org:5684``; ``identity`` and ``key`` of the PSK. Devices keep the bootstrap
    server's own account as instance 0 of object 0, so ours is 1 by default.
    """
    security: dict[int, Value] = {
        0: uri,
        1: False,
        2: PSK_MODE,
        3: identity,
        4: b"",
        5: key,
        10: short_id,
    }
    server: dict[int, Value] = {0: short_id, 1: lifetime_s, 6: True, 7: binding}
    return [
        delete((0,)),
        delete((1,)),
        _written((0, security_instance), security, content_format),
        _written((1, server_instance), server, content_format),
    ]


def renewal(
    *,
    uri: str,
    identity: bytes,
    key: bytes,
    lifetime_s: int = 86_400,
    binding: str = "U",
    content_format: int = content.TLV,
) -> Generator[Operation, Done | None, None]:
    """The steps that give a device a new key while every state between two of them still has a working account.

    Nothing is deleted: a write replaces one account. ``uri`` is of the server and of the bootstrap server, which are one;
    the account there is renewed first: with the server's renewed, the former key may end. ``identity`` and ``key`` of the PSK.
    Where the device keeps its accounts is asked first. One that has the bootstrap server's alone, wherever, gets the server's beside
    it: two bootstrap accounts are refused. One that does not say, or has several servers, gets them where ``account`` puts them.
    """
    has_bootstrap, security, short_id = True, 1, 101
    bootstrap_instance, server_instance = 0, 0
    listed = _accounts((yield discover((0,))), 0)
    owners = [(instance, ssid) for instance, ssid in listed.items() if ssid is not None]
    if len(owners) == 1:
        security, short_id = owners[0]
        others = [instance for instance, ssid in listed.items() if ssid is None]
        has_bootstrap, bootstrap_instance = len(others) == 1, others[0] if others else 0
        servers = _accounts((yield discover((1,))), 1)
        server_instance = next((instance for instance, ssid in servers.items() if ssid == short_id), 0)
    elif len(listed) == 1:  # it asks, so this is the account that it asks by
        (bootstrap_instance,) = listed
        security = 1 if bootstrap_instance != 1 else 2
    shared: dict[int, Value] = {0: uri, 2: PSK_MODE, 3: identity, 4: b"", 5: key}
    server: dict[int, Value] = {0: short_id, 1: lifetime_s, 6: True, 7: binding}
    if has_bootstrap:
        yield _written((0, bootstrap_instance), {**shared, 1: True}, content_format)
    yield _written((0, security), {**shared, 1: False, 10: short_id}, content_format)
    yield _written((1, server_instance), server, content_format)


def _accounts(answer: Done | None, object_id: int) -> dict[int, int | None]:
    """Instance → short server id (None: the bootstrap server's) out of a Discover; nothing where it says nothing usable."""
    if answer is None or answer.code != Code.CONTENT:
        return {}
    try:
        links = link_format.parse(answer.payload)
    except WireError:
        return {}
    found: dict[int, int | None] = {}
    for target, attributes in links:
        path = from_segments(tuple(target.strip("/").split("/")))
        if path is not None and len(path) == INSTANCE and path[0] == object_id:
            ssid = attributes.get("ssid") or ""
            found[path[1]] = int(ssid) if ssid.isascii() and ssid.isdigit() and len(ssid) <= 5 else None
    return found


def _written(path: Path, values: dict[int, Value], content_format: int) -> Operation:
    items = [Item((*path, number), value) for number, value in values.items()]
    return write(path, encode(items, content_format, path, definitions().type), content_format)
