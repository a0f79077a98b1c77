# SPDX-License-Identifier: Apache-2.0
"""What runs and how far behind it is, as an administrator and a monitoring program see it."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct


class LiveEvent(Struct, frozen=True):
    """Something for the live view. ``kind``: 'counters', 'alarm', 'reading', …; ``data`` is plain JSON."""

    kind: str
    data: dict[str, Any]


class ProcessInfo(Struct, frozen=True):
    name: str
    pid: int
    started_at: datetime
    rss_bytes: int
    state: str


class StorageSample(Struct, frozen=True):
    """What all stores held together at an instant."""

    at: datetime
    bytes: int


class StoreFault(Struct, frozen=True):
    """A file of the installation that is not as we left it: what is lost, and what to do, in both languages.

    ``stands``: so it is now. ``mending``: it is being built anew. ``mended``: it was, and is whole again. ``lost``: it was, and what
    is gone stays gone. ``blocks``: reports cannot be taken, stored and read, or commands not signed, while it stands.
    """

    name: str  # of the place, such as ``signer.ledger``; one fault a place
    file: str  # below the data directory
    at: datetime
    state: Literal["stands", "mending", "mended", "lost"]
    zh: str
    en: str
    blocks: bool = False


class SystemSnapshot(Struct, frozen=True):
    """What runs and how far behind it is.

    ``scope`` tenant: the platform is run by somebody else; only ``version`` and ``counters`` are filled, these with what
    waits for this tenant's own people.
    """

    version: str
    scope: Literal["platform", "tenant"]
    processes: list[ProcessInfo]
    stream_lag: dict[str, int]  # shard → messages not yet processed
    counters: dict[str, int]  # name → count since start; refusals as refused.<reason>
    engines: dict[str, str]  # engine → version or what is wrong
    storage: dict[str, int]  # what → bytes
    growth: list[StorageSample] = []  # last 30 days, oldest first
    faults: list[StoreFault] = []  # of files, those that stand first; of this machine


class Metric(Struct, frozen=True):
    """One sample in Prometheus' terms."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float
    labels: dict[str, str] = {}
