# SPDX-License-Identifier: Apache-2.0
"""A whole running system with meters whose keys it knows, for foreign clients; and what can be seen of them from outside."""

import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from openmains.domain.fleet.identifiers import imei_of, imei_text
from tests.support.chaos import pids
from tests.support.daily import heartbeat
from tests.support.object_meter import rotate_keys
from tests.support.ports import free_port
from tests.support.secure import import_keys
from tests.support.system import System, Systems, add_product, found_utility, import_meters

T = TypeVar("T")
FIRST_NUMBER = 350_000_000_000
FIRST_IMEI = 86_350_000_000_000
LIMIT_S = 60.0  # for what takes a second or two; a client's own patience is often shorter
FRAMES, WEAK, OBJECTS = "frames", "weak", "objects"
"""Products: frames in strict sessions; the same for modules with CBC only or without extended master secret; standard objects."""
OF_EACH = {FRAMES: 60, WEAK: 40, OBJECTS: 40}


class Failed(Exception):
    """It did not go as it should: what was seen instead, as one line."""


class CannotDo(Exception):
    """The client has no way to do this: why."""


@dataclass
class Meter:
    """One registered meter. ``key``: 16 letters, for clients that take text only."""

    imei: int
    number: int
    meter_id: int
    key: bytes
    product: str
    _seq: int = 0

    @property
    def name(self) -> str:
        return imei_text(self.imei)

    def frame(self) -> bytes:
        """A heartbeat that no other of this meter is equal to."""
        self._seq += 1
        return heartbeat(self.number, self._seq)


@dataclass
class Place:
    """``system`` with meters that nobody has used yet."""

    system: System
    unused: dict[str, list[Meter]] = field(default_factory=dict)

    def meter(self, product: str = FRAMES) -> Meter:
        return self.unused[product].pop()

    # --- what is seen ---

    def until(self, found: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
        """Ask again and again; what was found. Raises Failed."""
        deadline = time.monotonic() + limit_s
        while not (value := found()):
            if time.monotonic() > deadline:
                raise Failed(f"not within {limit_s:g} s: {what}")
            time.sleep(0.1)
        return value

    def frames(self, meter: Meter) -> list[bytes]:
        """What arrived of a meter and was understood."""
        found = self.system.pages(f"/meters/{meter.meter_id}/frames", limit=200, direction="up")
        return [bytes.fromhex(frame["payload_hex"]) for frame in found if frame["outcome"] == "ok"]

    def arrived(self, meter: Meter, frame: bytes) -> None:
        self.until(lambda: frame in self.frames(meter), "the report is in the frame log")

    def security(self, meter: Meter) -> Any:
        return self.system.get(f"/meters/{meter.meter_id}/security")

    def objects(self, meter: Meter) -> Any:
        answer = self.system.api.get(f"/meters/{meter.meter_id}/objects")
        return answer.json() if answer.is_success else None

    def operate(self, meter: Meter, operation: str, path: str, value: str = "") -> Any:
        body = {"operation": operation, "path": path, "value": value, "reason": "peers"}
        answer = self.system.api.post(f"/meters/{meter.meter_id}/operations", json=body)
        if not answer.is_success:
            raise Failed(f"{operation} {path}: {answer.status_code} {answer.json()['type'].rpartition('/')[2]}")
        return answer.json()

    def refusals(self, name: str) -> list[str]:
        """Why whoever calls itself so was refused."""
        return [item["reason"] for item in self.system.get("/refusals", limit=200)["items"] if name in item["name"]]

    def counter(self, name: str) -> int:
        """Of the edge, as it said within the last seconds; 0: never counted."""
        return self.system.counters().get(f"edge.{name}", 0)

    def rotate(self, meter: Meter) -> bytes:
        """A new key waits for this meter."""
        (key,) = rotate_keys(self.system, [meter.imei]).values()
        return key

    # --- what is done ---

    def kill_edge(self) -> None:
        """kill -9 of the edge; back when another one runs and listens."""
        (victim,) = pids(self.system, "edge")
        os.kill(victim, signal.SIGKILL)
        self.until(lambda: pids(self.system, "edge") not in ([], [victim]), "the supervisor starts the edge again")
        self.until(lambda: self._listens(), "the edge listens again")

    def _listens(self) -> bool:
        """Somebody else has the port."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("127.0.0.1", self.system.dtls))
            except OSError:
                return True
        return False


@asynccontextmanager
async def made_place(systems: Systems) -> AsyncIterator[Place]:
    """Start everything; a minute."""
    port = free_port(socket.SOCK_DGRAM)
    settings = {"dtls_port": port, "bootstrap_uri": f"coaps://127.0.0.1:{port}", "meter_rate_per_min": 10_000}
    with systems(**settings) as system:
        await found_utility(system)
        for code, driver in ((FRAMES, "openmains/water-1"), (WEAK, "openmains/water-1"), (OBJECTS, "lwm2m/water-1")):
            weak = {"allow_cbc": True, "allow_no_ems": True} if code == WEAK else {}
            add_product(system, code, driver, **weak)
        products = [code for code, count in reversed(OF_EACH.items()) for _ in range(count)]
        rows = [(FIRST_NUMBER + k, str(imei_of(FIRST_IMEI + k)), code) for k, code in enumerate(products)]
        await import_meters(system, rows)
        keys = {int(imei): secrets.token_hex(8).encode() for _, imei, _ in rows}
        import_keys(system, keys)
        ids = system.meter_ids()
        place = Place(system, {code: [] for code in OF_EACH})
        for number, imei, code in rows:
            place.unused[code].append(Meter(int(imei), number, ids[str(number)], keys[int(imei)], code))
        yield place
