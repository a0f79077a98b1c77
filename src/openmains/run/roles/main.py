# SPDX-License-Identifier: Apache-2.0
"""One role as one process: ``python -m openmains.run.roles.main ROLE``, started by the supervisor or by a service manager.

Ends in order on SIGTERM or SIGINT. A lock keeps a second process of the same role (one that outlived a killed
supervisor, say) from working on the same ``var``; the newcomer waits for it.
"""

import asyncio
import contextlib
import fcntl
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from openmains.run import logs
from openmains.run.care.faults import FaultFolder, Words
from openmains.run.care.texts import role_given_up
from openmains.run.engines.child import StartError
from openmains.run.roles.parts import PARTS, part_of
from openmains.run.settings import Settings, load

# role → what runs it; imported only in its own process
RUNNERS = {
    "signer": "openmains.run.roles.signer:run_signer",
    "edge": "openmains.run.roles.edge:run_edge",
    "core": "openmains.run.roles.core:run_core",
    "dispatch": "openmains.run.roles.dispatch:run_dispatch",
    **dict.fromkeys(PARTS, "openmains.run.roles.core:run_in_core"),
    "demo": "openmains.run.demo.main:run_demo",
}
ROLES = tuple(RUNNERS)
EXIT_REFUSED = 78  # EX_CONFIG of sysexits: it cannot be mended by starting again
# Where processors are short, edge and pipeline have the same right to them: an edge that goes first takes in what nobody applies, and
# whatever else runs on the machine would go before the core. What can wait is the worker's.
NICE = {"worker": 10}
DRAIN_S = 25.0
YOUNG_AT_START = (
    100_000  # what a start makes stays: looking for cycles in it is a sixth of the time that its modules take
)
LEFTOVER_S = 30.0
_log = logging.getLogger(__name__)


class RoleRunningError(StartError):
    """Another process of that role has the lock."""


@contextlib.contextmanager
def role_lock(var: Path, role: str, patience_s: float = LEFTOVER_S) -> Iterator[None]:
    """Hold ``var/run/<role>.lock``; raises StartError when somebody else still does after ``patience_s``."""
    (var / "run").mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(var / "run" / f"{role}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RoleRunningError(
                        f"另一个 {role} 进程正在使用 {var}。", f"another {role} process is using {var}."
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


async def _run(role: str, settings: Settings) -> None:
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        if not stop.is_set():
            stop.set()
            last_resort = threading.Timer(DRAIN_S, os._exit, (70,))
            last_resort.daemon = True
            last_resort.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    _log.info("starting", extra={"fields": {"role": role, "pid": os.getpid()}})
    module, _, function = RUNNERS[part_of(role)].partition(":")
    runner = getattr(importlib.import_module(module), function)
    if part_of(role) in PARTS:
        await runner(settings, stop, role)
    else:
        await runner(settings, stop)


def run(role: str, settings: Settings) -> int:
    """Run until asked to stop; the exit code."""
    logs.set_up(settings.var_path, settings.log_level)
    os.nice(NICE.get(part_of(role), 0))
    gc.set_threshold(YOUNG_AT_START, 50, 50)
    try:
        with role_lock(settings.var_path, f"{role}-{settings.node}" if role == "edge" and settings.node > 1 else role):
            uvloop.run(_run(role, settings))
    except StartError as error:
        words = role_given_up(role, Words(error.zh, error.en))
        FaultFolder(settings.var_path).tell(f"role.{role}", f"log/{role}.log", words, blocks=role != "demo")
        _log.error("%s / %s", error.zh, error.en)
        return EXIT_REFUSED
    except Exception:
        _log.exception("%s ended by a fault", role)
        return 1
    _log.info("ended", extra={"fields": {"role": role}})
    return 0


def main() -> int:
    """Entry of the role processes."""
    if len(sys.argv) != 2 or part_of(sys.argv[1]) not in ROLES:
        print(f"usage: python -m openmains.run.roles.main {{{','.join(ROLES)}}}", file=sys.stderr)
        return 2
    return run(sys.argv[1], load().settings)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # chDB's and other libraries' threads have nothing more to say
