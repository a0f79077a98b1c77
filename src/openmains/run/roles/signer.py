# SPDX-License-Identifier: Apache-2.0
"""The role ``signer``: a process of its own that alone holds the command key (ADR 0012).

It opens its ledger and its socket before it needs any engine, so that it answers 'stopped' with the database down; without the
registry it signs nothing.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from openmains.app.command.driver import CatalogCommands, CommandDrivers
from openmains.app.command.signer.authority import Authority
from openmains.app.command.signer.keys import MASTER_BYTES
from openmains.drivers import catalog as driver_catalog
from openmains.edges.postgres.command.signer_registry import SignerRegistry
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.server import SignerServer
from openmains.edges.signer.switch import FileSwitch
from openmains.run.engines.child import StartError
from openmains.run.secret_files import write_private
from openmains.run.settings import Settings

log = logging.getLogger("openmains.signer")
KEY_VARIABLE = "OPENMAINS_COMMAND_KEY"
LEDGER = "ledger.sqlite"
KEY_FILE = "command-key"


def master_key(home: Path) -> bytes:
    """The command master key: from the environment, else from ``home/command-key`` (0600), made at the first start."""
    text = os.environ.get(KEY_VARIABLE, "")
    path = home / KEY_FILE
    if not text:
        if not path.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (home / LEDGER).exists():
                raise StartError(
                    f"签名账本存在而密钥 {path} 丢失;请从备份恢复,否则所有表具的命令密钥都将失效。",
                    f"the signer's ledger is there but its key {path} is not: restore it, or every meter's key is void.",
                )
            write_private(path, os.urandom(MASTER_BYTES).hex() + "\n")
        text = path.read_text("ascii").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != MASTER_BYTES:
        raise StartError("命令主密钥应为 64 位十六进制。", "the command master key should be 64 hexadecimal digits.")
    return key


async def run_signer(
    settings: Settings,
    stop: asyncio.Event,
    drivers: CommandDrivers | None = None,
    clock_s: Callable[[], int] = lambda: int(time.time()),
) -> None:
    """Serve until ``stop``."""
    home = settings.signer_home
    key = master_key(home)
    os.environ.pop(KEY_VARIABLE, None)  # not for whatever this process might start
    ledger = SqliteLedger(home / LEDGER)
    switch = FileSwitch(settings.stop_folder)
    urls = settings.urls()
    registry = SignerRegistry(urls.postgres_signer or urls.postgres_owner)
    authority = Authority(
        ledger,
        registry,
        drivers or CatalogCommands(driver_catalog.load()),
        switch,
        key,
        clock_s=clock_s,
    )
    server = SignerServer(authority, switch, settings.signer_path)
    await server.start()
    log.info("signer ready")
    try:
        await stop.wait()
    finally:
        await server.close()
        await registry.close()
        ledger.close()
