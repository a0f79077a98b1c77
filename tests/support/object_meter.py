# SPDX-License-Identifier: Apache-2.0
"""A meter with objects: our LwM2M client over DTLS on a real socket, to a running system. It keeps its accounts in its tree
and connects with the key that stands there, as a meter does after a bootstrap."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import (
    ClientEvent,
    Executed,
    Notified,
    Observed,
    Registered,
    Sending,
    Sent,
    Written,
)
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Item, Value
from tests.support.patience import PATIENCE_S
from tests.support.secure import SecureMeter
from tests.support.system import System, until

SERVER = "server"
KEY: Path = (0, 1, 5)
TRIGGER: Path = (1, 0, 9)
E = TypeVar("E")


def accounts(imei: int, key: bytes) -> dict[Path, Value]:
    """Objects 0 and 1 as they leave the factory: /0/0 for bootstrap, /0/1 the server, the same key."""
    identity = f"{imei:015d}".encode()
    found: dict[Path, Value] = {(1, 0, 0): 101, (1, 0, 1): 86_400, (1, 0, 6): True, (1, 0, 7): "U"}
    for instance, bootstrap in enumerate((True, False)):
        row: dict[int, Value] = {0: "coaps://factory.example", 1: bootstrap, 2: 0, 3: identity, 4: b"", 5: key}
        found |= {(0, instance, resource): value for resource, value in row.items()}
    return found | {(0, 1, 10): 101}


def rotate_keys(system: System, imeis: Sequence[int]) -> dict[int, bytes]:
    """``openmains keys generate --rotate`` for these; the new keys, from the maker's file."""
    file = system.var / "rotated.csv"
    named = [f"{imei:015d}" for imei in imeis]
    command = [sys.executable, "-m", "openmains.run.cli", "keys", "generate", "--rotate", "--out", str(file)]
    env = os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [*command, "--imei", *named], env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with file.open(encoding="utf-8-sig", newline="") as rows:
        found = {int(row["imei"]): bytes.fromhex(row["psk"]) for row in csv.DictReader(rows)}
    file.unlink()
    return found


class ObjectMeter(SecureMeter):
    """One meter with a tree of values. ``told``: what its client said, in order. ``breaks_at``: it loses its power when
    this path was written."""

    def __init__(
        self, imei: int, psk: bytes, port: int, values: Mapping[Path, Value], *, queue: bool = False, seed: int = 1
    ) -> None:
        super().__init__(imei, psk, port, seed=seed)
        self._seed = seed
        self._queue = queue
        self.tree = Tree(definitions(), {**accounts(imei, psk), **values})
        self.told: list[ClientEvent] = []
        self.breaks_at: Path | None = None
        self.lwm2m: Client
        self.power_on()

    def power_on(self) -> None:
        """All but the tree is forgotten."""
        self._seed += 1000
        self.lwm2m = Client(
            self.tree, endpoint=f"urn:imei:{self.imei:015d}", seed=self._seed, queue=self._queue, renew=False
        )
        self.told = []

    @property
    def key(self) -> bytes:
        """Of its server account."""
        found = self.tree.get(KEY)
        assert isinstance(found, bytes)
        return found

    async def come(self) -> None:
        """Connect with the key that it has, at the first try, and register."""
        self._psk = self.key
        assert await self.connect(), "a valid key was refused"
        self.lwm2m.register(SERVER, self._loop.time())
        self._flush()
        await self.hears(Registered)

    def update(self) -> None:
        """Renew the registration."""
        self.lwm2m.update(self._loop.time())
        self._flush()

    def set(self, path: Path, value: Value) -> None:
        """A new value; observers hear of it."""
        self.lwm2m.set(path, value, self._loop.time())
        self._flush()

    async def send(self, items: Sequence[Item]) -> int:
        """Send; the answer's code."""
        return await self._answer_to(self.lwm2m.send(items, self._loop.time()))

    async def post(self, path: tuple[str, ...], payload: bytes, content_format: int) -> int:
        """POST a report; the answer's code."""
        return await self._answer_to(self.lwm2m.post(path, payload, self._loop.time(), content_format))

    async def hears(self, what: type[E], where: Callable[[E], bool] = lambda event: True) -> E:
        """Wait for the client's word, which may have come already."""

        def said() -> E | None:
            return next((event for event in self.told if isinstance(event, what) and where(event)), None)

        found = await until(said)
        assert found is not None
        return found

    async def observed(self, path: Path) -> None:
        """Wait until the platform observes this."""
        await self.hears(Observed, lambda event: event.paths == (path,))

    async def noted(self, path: Path) -> None:
        """Wait until a notification about this was acknowledged."""
        await self.hears(Notified, lambda event: event.paths == (path,))

    # --- inside ---

    async def _answer_to(self, sending: Sending) -> int:
        self._flush()
        return (await self.hears(Sent, lambda event: event.sending is sending)).code

    def _on_coap(self, data: bytes, now: float) -> None:
        self._take(self.lwm2m.receive(data, SERVER, now), now)

    def _take(self, events: Sequence[ClientEvent], now: float) -> None:
        self.told += events
        for event in events:
            if isinstance(event, Executed) and event.path == TRIGGER:
                self.lwm2m.bootstrap(SERVER, now)
            elif isinstance(event, Written) and self.breaks_at in event.paths:
                self.close()

    @property
    def _upper(self) -> Client:
        return self.lwm2m

    def _on_upper_timer(self, now: float) -> None:
        self._take(self.lwm2m.handle_timer(now), now)
