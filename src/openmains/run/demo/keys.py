# SPDX-License-Identifier: Apache-2.0
"""The keys of the demo's emulated meters: random, made for this installation, as a utility and its makers would make them.

Device keys (PSK) are made by the real use case, which writes the file for the maker; the emulated meters are this maker's
and keep it in ``var/demo``. Keys that follow from a number would be the same in every demo, and a demo's port may be open to
others. The command key of a meter is what ``openmains signer meter-key`` prints for the maker; here the demo asks for it
itself, which is possible only because it runs under the signer's account. A signer with an account of its own keeps it:
the demo's meters then report and obey nothing.
"""

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path

from openmains.app.command.signer.keys import command_key
from openmains.app.security.keys.generate import KeyOrder, generate_keys, is_committed
from openmains.app.security.keys.key_file import KeyRow, read_keys
from openmains.app.security.keys.ports import MeterChoice
from openmains.app.security.keys.vault import Vault
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run.care.ledger import KEY_FILE, master_key
from openmains.run.logs import say
from openmains.run.master_key import masters_of
from openmains.run.secret_files import write_private
from openmains.run.settings import Settings

FOLDER, FILE = "demo", "device-keys.csv"
PATIENCE_S = 5.0


async def device_keys(pool: Pool, tenant_id: TenantId, imeis: Sequence[int], var: Path) -> dict[int, bytes]:
    """IMEI → PSK of these meters, made where there are none, or where their file was lost."""
    path = var / FOLDER / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = PostgresKeys(pool)
    vault = Vault(store, masters_of(var), secrets.token_bytes)
    known = _read(path)
    if not known.keys() >= set(imeis) or await is_committed(path.read_bytes(), tenant_id, store, vault) is None:
        made = await generate_keys(
            KeyOrder(MeterChoice(imeis=imeis, with_key=True), rotate=True), tenant_id, store, vault, secrets.token_bytes,
            lambda data: write_private(path, data.decode("utf-8")),
        )  # fmt: skip
        await store.note(tenant_id, "generate_keys", "device_key", "", {"made": made, "rotate": True})
        known = _read(path)
    return known


def _read(path: Path) -> dict[int, bytes]:
    if not path.exists():
        return {}
    return {row.imei: row.psk for row in read_keys(path.read_bytes()) if isinstance(row, KeyRow)}


async def command_keys(settings: Settings, meter_ids: Sequence[MeterId]) -> dict[MeterId, bytes]:
    """Meter → command key; none where the signer's key is not ours to read. Waits a little for a signer that is starting."""
    path = settings.signer_home / KEY_FILE
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while not settings.signer_socket and not path.exists() and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.1)
    if settings.signer_socket or not path.exists():
        say("签名密钥不在此处，演示表不执行命令 / the signer's key is elsewhere: the demo's meters obey no commands")
        return {}
    master = master_key(settings.signer_home)
    return {meter_id: command_key(master, meter_id) for meter_id in meter_ids}
