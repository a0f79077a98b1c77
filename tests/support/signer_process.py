# SPDX-License-Identifier: Apache-2.0
"""The signer as a real process with the test driver: ``python -m tests.support.signer_process VAR``."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from openmains.app.command.signing_ports import Credential
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.switch import FileSwitch
from openmains.run.care.ledger import LEDGER, begin_anew, is_first, make_first
from openmains.run.roles.signer import run_signer
from openmains.run.settings import load
from tests.support.command_meter import PlainDrivers
from tests.support.passwords import cheap_hash
from tests.support.patience import PATIENCE_S

CLOCK = "test-clock"
WEDNESDAY_TEN = 1_790_128_800  # 2026-09-23 10:00 in Shanghai
ROOT = Path(__file__).resolve().parents[2]


class SignerProcess:
    """Started on a ``var`` that holds engines' addresses; people are enrolled in its ledger."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.settings = load({"OPENMAINS_VAR": str(var)}).settings
        self.client = SocketSigner(self.settings.signer_path, patience_s=PATIENCE_S)
        self.switch = FileSwitch(self.settings.stop_folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._beside: SqliteLedger | None = None  # a second connection: opening one reads the whole file
        self.set_clock(WEDNESDAY_TEN)

    def set_clock(self, now: int) -> None:
        """The signer's clock stands until it is set again."""
        self.now = now
        (self.var / "run" / CLOCK).write_text(str(now))

    def enrol(
        self, tenant_id: int, login: str, password: str, role: str = "operator", *, administrator: bool = False
    ) -> None:
        """At once, as ``openmains signer enrol`` does beside a running signer."""
        if self._beside is None:
            self._beside = SqliteLedger(self.settings.signer_home / LEDGER)
        self._beside.enrol(tenant_id, login, cheap_hash(password), role, administrator=administrator)

    async def sign_facts(self, tenant_id: int, first: Credential, second: Credential) -> int:
        """Two people sign what the registry says now."""
        found = await self.client.facts(tenant_id)
        return await self.client.sign_facts(tenant_id, found.list_hash, "a test", first, second) if found.count else 0

    def master(self) -> bytes:
        return bytes.fromhex((self.settings.signer_home / "command-key").read_text().strip())

    async def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
            [sys.executable, "-m", "tests.support.signer_process", str(self.var)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        )
        until = time.monotonic() + PATIENCE_S
        while not await self._listens():
            assert self._process.poll() is None and time.monotonic() < until, "the signer did not start"
            await asyncio.sleep(0.02)

    async def _listens(self) -> bool:
        """A socket's file is there a moment before anybody listens at it."""
        try:
            _, writer = await asyncio.open_unix_connection(str(self.settings.signer_path))
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def kill(self) -> None:
        """As a loss of the process would."""
        assert self._process is not None
        if self._beside is not None:
            self._beside.close()
            self._beside = None
        self._process.kill()
        self._process.wait()
        self.settings.signer_path.unlink(missing_ok=True)
        await self.client.close()


@asynccontextmanager
async def running_signer(var: Path) -> AsyncIterator[SignerProcess]:
    """A started signer, killed at the end."""
    process = SignerProcess(var)
    home = process.settings.signer_home
    if is_first(home):
        make_first(home)  # people are enrolled before the first start
    else:
        begin_anew(
            home, var / "damaged"
        )  # whatever opens a ledger reads all of it: what other drills left is not for this one
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


async def _main(var: str) -> None:
    clock = Path(var) / "run" / CLOCK
    await run_signer(
        load({"OPENMAINS_VAR": var}).settings, asyncio.Event(), PlainDrivers(), lambda: int(clock.read_text())
    )


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
