# SPDX-License-Identifier: Apache-2.0
"""What a device's LwM2M client tells its owner."""

from dataclasses import dataclass
from typing import Any

from openmains.wire.lwm2m.path import Path


@dataclass(frozen=True, slots=True)
class Registered:
    """The server took the registration."""

    location: str


@dataclass(frozen=True, slots=True)
class RegistrationUpdated:
    """The server renewed the registration."""


@dataclass(frozen=True, slots=True)
class Left:
    """Deregistered; whether the server heard it or not."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Registering, updating or bootstrapping failed. ``code``: the server's answer, 0 for none; ``max_age_s``: its wish
    when to come back, None when it said nothing."""

    code: int
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class BootstrapDone:
    """The accounts are in the tree (objects 0 and 1)."""


@dataclass(slots=True, eq=False)
class Sending:
    """A report of ours on its way. ``tag`` is the owner's own."""

    path: tuple[str, ...]
    payload: bytes
    content_format: int
    confirmable: bool = True
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The server answered a report."""

    sending: Sending
    code: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class NotSent:
    """No answer to a report. It may have arrived all the same."""

    sending: Sending
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """The server wrote, created or deleted: these paths changed."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Executed:
    """The server executed a resource; the answer is on its way."""

    path: Path
    arguments: dict[int, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """The server observes these paths from now on."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Unobserved:
    """The server observes these paths no more. ``reason`` as in CoAP: cancelled, reset, timeout."""

    paths: tuple[Path, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Notified:
    """The server acknowledged a confirmable notification."""

    paths: tuple[Path, ...]


ClientEvent = (
    Registered
    | RegistrationUpdated
    | Left
    | Trouble
    | BootstrapDone
    | Sent
    | NotSent
    | Written
    | Executed
    | Observed
    | Unobserved
    | Notified
)
