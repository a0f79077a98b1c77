# SPDX-License-Identifier: Apache-2.0
"""One bootstrap: steps in their order, then Finish (LwM2M core 1.1 section 6.1.7).

Theory: the server deletes, writes objects 0 (security) and 1 (server), and says Finish; the device then checks what it
has got and answers Finish with success or 4.06. A step that fails ends the run: half an account is worse than the old
one, which the device still has until Finish. Deleting what is not there (4.04) is no failure.
"""

from collections.abc import Iterable

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec.values import encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Done, Failed
from openmains.wire.lwm2m.operation import Kind, Operation, bootstrap_finish, delete, write
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.value import Item, Value

PSK_MODE = 0


class Run:
    """A bootstrap on its way over one link."""

    __slots__ = ("_steps", "current", "endpoint")

    def __init__(self, endpoint: str, steps: Iterable[Operation]) -> None:
        self.endpoint = endpoint
        self._steps = [bootstrap_finish(), *reversed(list(steps))]
        self.current: Operation | None = None

    def next(self) -> Operation:
        """The next step; Finish is the last."""
        self.current = self._steps.pop()
        return self.current

    def judge(self, event: Done | Failed) -> str | None:
        """After the answer to the current step: None go on, "" all is done, else why the run ends."""
        if isinstance(event, Failed):
            return event.reason
        absent = event.operation.kind is Kind.DELETE and event.code == Code.NOT_FOUND
        if event.code >> 5 != 2 and not absent:
            return "refused"
        return None if self._steps else ""


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
    short_id: int = 101,
    lifetime_s: int = 86_400,
    binding: str = "U",
    content_format: int = content.TLV,
) -> list[Operation]:
    """The steps that give a device a new key while every state between two of them still has a working account.

    Nothing is deleted: a write replaces one account. ``uri`` is of the server and of the bootstrap server, which are one;
    the account there (/0/0) is renewed last. ``identity`` and ``key`` of the PSK.
    """
    server: dict[int, Value] = {0: short_id, 1: lifetime_s, 6: True, 7: binding}
    shared: dict[int, Value] = {0: uri, 2: PSK_MODE, 3: identity, 4: b"", 5: key}
    return [
        _written((0, 1), {**shared, 1: False, 10: short_id}, content_format),
        _written((1, 0), server, content_format),
        _written((0, 0), {**shared, 1: True}, content_format),
    ]


def _written(path: Path, values: dict[int, Value], content_format: int) -> Operation:
    items = [Item((*path, number), value) for number, value in values.items()]
    return write(path, encode(items, content_format, path, definitions().type), content_format)
