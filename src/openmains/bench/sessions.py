# SPDX-License-Identifier: Apache-2.0
"""``openmains bench sessions``: what a live session costs on disk and in memory, how fast an edge has them again, and how
long a city of meters needs to come back after its edge lost everything.

First part, in this process: N sessions written as the edge writes them, then all of them read back as their records would
ask for them. Second part (``--storm``), a whole system: that many meters connect, the edge is killed and its session file
removed, and all of them connect again; counted until the last one is back.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from openmains.app.link.terminals import Terminals
from openmains.bench import calibration
from openmains.bench.handshake import keyed_system
from openmains.bench.load.secure import session_pair
from openmains.bench.machine import tree
from openmains.bench.registry import FIRST_IMEI
from openmains.bench.secure import STEP, connect_meters
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.period import DAY_S
from openmains.edges.sqlite.sessions import SessionFile, StoredSession
from openmains.edges.sqlite.writer import SessionWriter
from openmains.run import messages
from openmains.run.settings import Loaded
from openmains.wire.lwm2m.registration import Offer, Offered, Registration

CHUNK = 20_000
NODE = 1
PEER = ("198.51.100.7", 40_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench sessions``."""
    text = messages.text
    parser.add_argument("--sessions", type=int, default=1_000_000, help=text("会话数", "sessions"))
    parser.add_argument(
        "--storm", type=int, default=0, help=text("重连风暴的表数(0 不测)", "meters of the reconnect storm, 0: none")
    )
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when a session or a meter is missing afterwards."""
    del loaded
    machine = calibration.say()
    figures = asyncio.run(keep(args.sessions))
    print(
        f"{figures['sessions']:,} sessions: {figures['bytes_disk']} bytes each on disk, {figures['bytes_memory']} in memory"
    )
    print(
        f"written in {figures['write_s']:.1f} s; the first answer to a stored session {figures['first_ms']:.1f} ms after a start;"
        f" all of them in memory again after {figures['restore_s']:.1f} s"
    )
    if args.storm:
        figures |= asyncio.run(storm(args.storm))
        print(
            f"{figures['storm']:,} meters connected at {figures['handshakes_per_s']:,.0f}/s; after the loss of the edge and its"
            f" file {figures['back']:,} were back {figures['storm_s']:.1f} s after its end"
        )
    if args.json:
        keys = ("sessions", "bytes_disk", "bytes_memory", "restore_s", "storm", "back", "storm_s", "handshakes_per_s")
        print(json.dumps({key: figures[key] for key in keys if key in figures} | {"machine": machine}))
    return 0 if figures["missing"] == 0 and figures.get("storm", 0) == figures.get("back", 0) else 1


def registration(place: int) -> bytes:
    """A registration as such meters make it: objects 1, 3, 4 and 19."""
    objects = tuple(
        Offered(number, "", instances) for number, instances in ((1, (0,)), (3, (0,)), (4, (0,)), (19, (0, 1)))
    )
    made = Registration(
        f"{place:012x}", f"urn:imei:{imei_text(FIRST_IMEI + place)}", 30 * DAY_S, "1.1", "U", True, "", Offer((), (), objects),
        1.79e9, 1.79e9,
    )  # fmt: skip
    return made.dump()


def size_of(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(each.stat().st_size for each in folder.iterdir())


def own_memory() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def lose_edge(supervisor: int, var: Path) -> None:
    """kill -9 of the edge, and its disk is gone."""
    for pid, name in tree(supervisor).items():
        if name == "edge":
            os.kill(pid, signal.SIGKILL)
    for each in (var / "edge").glob("node-*"):
        each.unlink()


async def keep(count: int) -> dict[str, Any]:
    """Write, then read back."""
    with tempfile.TemporaryDirectory(prefix="openmains-bench-") as temporary:
        path, key = Path(temporary) / "node-1.sqlite", os.urandom(32)
        file = SessionFile(path, NODE, key, os.urandom)
        writer = SessionWriter(file)
        cids = []
        began = time.perf_counter()
        for first in range(0, count, CHUNK):
            for place in range(first, min(first + CHUNK, count)):
                cid = bytes((NODE,)) + os.urandom(7)
                _, session = session_pair(FIRST_IMEI + place, cid, place, PEER)
                stored = StoredSession(
                    cid, FIRST_IMEI + place, session.dump(), session.reserved, -1, "198.51.100.7 40000", 1,
                    registration=registration(place),
                )  # fmt: skip
                writer.establish(stored, lambda done: None)
                cids.append(cid)
            await writer.drain()
        write_s = time.perf_counter() - began
        file.close()
        size = size_of(Path(temporary))

        began = time.perf_counter()
        file = SessionFile(path, NODE, key, os.urandom)
        terminals = Terminals(SessionWriter(file), 1, count + 1, lambda terminal: None)
        gc.collect()
        before = own_memory()
        missing = int(terminals.load(cids[0]) is None)
        first_ms = (time.perf_counter() - began) * 1000
        began = time.perf_counter()
        for cid in cids[1:]:
            missing += terminals.load(cid) is None
        restore_s = time.perf_counter() - began
        gc.collect()
        after = own_memory()
        file.close()
    return {
        "sessions": count,
        "bytes_disk": size // count,
        "bytes_memory": (after - before) // count,
        "write_s": write_s,
        "first_ms": first_ms,
        "restore_s": round(restore_s, 2),
        "missing": missing,
    }


async def storm(count: int) -> dict[str, Any]:
    """All connected, the edge dies with its file, all connect again."""
    count = max(STEP, count // STEP * STEP)
    async with keyed_system(count) as keyed:
        print(f"{count:,} handshakes …", flush=True)
        first = await asyncio.to_thread(connect_meters, keyed.registry, keyed.port, count)
        first.end()
        began = time.perf_counter()
        lose_edge(keyed.supervisor, keyed.var)
        print("the edge and its sessions are gone; all connect again …", flush=True)
        again = await asyncio.to_thread(connect_meters, keyed.registry, keyed.port, count)
        took = time.perf_counter() - began
        again.end()
    return {
        "storm": count,
        "back": again.handshakes,
        "storm_s": round(took, 1),
        "handshakes_per_s": round(first.per_second, 1),
    }
