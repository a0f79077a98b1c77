# SPDX-License-Identifier: Apache-2.0
"""The role ``signer``: a process of its own that alone holds the command key (ADR 0012).

It opens its ledger and its socket before it needs any engine, so that it answers 'stopped' with the database down; without the
registry it signs nothing. Only a first start waits for the database: it alone knows whether there was a ledger before.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from openmains.app.command.driver import CatalogCommands, CommandDrivers
from openmains.app.command.signer.authority import Authority
from openmains.app.command.signer.ports import RegistryAwayError
from openmains.drivers import catalog as driver_catalog
from openmains.edges.postgres.command.signer_registry import UNNAMED, SignerRegistry
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.server import SignerServer
from openmains.edges.signer.switch import FileSwitch
from openmains.run.care.faults import FaultFolder
from openmains.run.care.ledger import (
    KEY_VARIABLE,
    LEDGER,
    LedgerMovedError,
    close_ledger,
    fault_of_open,
    is_first,
    make_first,
    master_key,
    name_of,
    open_ledger,
    unchanged,
    write_out,
)
from openmains.run.care.texts import (
    ledger_damaged,
    refusal,
    signer_gone,
    signer_other,
)
from openmains.run.engines.child import StartError
from openmains.run.settings import Settings

log = logging.getLogger("openmains.signer")
CHECK_EVERY_S = 5.0
READ_ALL_EVERY_S = 3600.0


async def run_signer(
    settings: Settings,
    stop: asyncio.Event,
    drivers: CommandDrivers | None = None,
    clock_s: Callable[[], int] = lambda: int(time.time()),
) -> None:
    """Serve until ``stop``."""
    home = settings.signer_home
    urls = settings.urls()
    registry = SignerRegistry(urls.postgres_signer or urls.postgres_owner)
    if is_first(home):
        await _first(home, registry, stop)
    key = master_key(home)
    os.environ.pop(KEY_VARIABLE, None)  # not for whatever this process might start
    ledger = open_ledger(home, key)
    switch = FileSwitch(settings.stop_folder)
    authority = Authority(
        ledger,
        registry,
        drivers or CatalogCommands(driver_catalog.load()),
        switch,
        key,
        clock_s=clock_s,
    )
    server = SignerServer(authority, switch, settings.signer_path, name_of(key))
    await server.start()
    log.info("signer ready")
    try:
        await _watch(home, ledger, registry, name_of(key), stop)
    except LedgerMovedError:
        await server.close()  # nothing is signed any more that would not be in the copy
        write_out(home, ledger, FaultFolder(settings.var_path), settings.var_path / "damaged")
        raise
    finally:
        await server.close()
        await registry.close()
        close_ledger(home, ledger)


async def _first(home: Path, registry: SignerRegistry, stop: asyncio.Event) -> None:
    """Make key and ledger, unless the database knows of commands that were signed: then they are lost. Waits for the database."""
    while not stop.is_set():
        try:
            known = await registry.command_key()
            break
        except RegistryAwayError:
            log.warning(
                "the signer's folder is empty: waiting for the database to know whether this is the first start"
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CHECK_EVERY_S)
    else:
        raise StartError("已停止。", "stopped.")
    if known:
        raise refusal(signer_gone(home))
    make_first(home)


async def _watch(home: Path, ledger: SqliteLedger, registry: SignerRegistry, name: str, stop: asyncio.Event) -> None:
    """Until ``stop``; raises StartError when key or ledger are not what they were, ``LedgerMovedError`` when the ledger's file is not
    where it was: what is signed on would be lost."""
    path = home / LEDGER
    is_same = unchanged(home)
    read_at, compared = time.monotonic(), False
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CHECK_EVERY_S)
        is_same()
        if time.monotonic() - read_at > READ_ALL_EVERY_S:
            read_at = time.monotonic()
            if fault := await asyncio.to_thread(fault_of_open, path):
                raise refusal(ledger_damaged(path, fault))
        if not compared:
            with contextlib.suppress(RegistryAwayError):
                known = await registry.command_key()
                compared = True
                if known not in ("", UNNAMED, name):
                    raise refusal(signer_other(home))
