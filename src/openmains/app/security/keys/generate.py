# SPDX-License-Identifier: Apache-2.0
"""Make keys for meters that have none, or new ones that replace theirs once the meter has used them.

The only copy of a new key outside the database is the file for the maker. It is written, sealed, before the keys are
committed: after a crash in between there is a file too many, never a meter whose key nobody has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openmains.app.sealing.vault import Random
from openmains.app.security.keys.import_keys import KeyWorkCancelled, Progress
from openmains.app.security.keys.key_file import KeyRow, read_keys, write_keys
from openmains.app.security.keys.ports import KeyedMeter, KeyStore, MeterChoice
from openmains.app.security.keys.vault import Vault
from openmains.domain.ids import TenantId

PSK_BYTES = 16  # 128 bits: what TLS_PSK_WITH_AES_128_… can use
CHUNK_METERS = 5_000


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """``rotate``: also meters that have a key get a new one; the old one stays valid until the new one was used."""

    choice: MeterChoice
    rotate: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "KeyOrder":
        """From a job's parameters."""
        rotate = bool(params.get("rotate", False))
        choice = MeterChoice(
            meter_ids=params.get("meter_ids"), product_id=params.get("product_id"), area_id=params.get("area_id"),
            with_key=rotate,
        )  # fmt: skip
        return cls(choice, rotate)


async def generate_keys(
    order: KeyOrder,
    tenant_id: TenantId,
    store: KeyStore,
    vault: Vault,
    random: Random,
    keep: Callable[[bytes], object],
    *,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """How many keys were made. ``keep`` gets the file for the maker just before the keys are committed."""
    made: list[tuple[KeyedMeter, bytes]] = []
    data_key = await vault.current(tenant_id)
    async with store.tenant(tenant_id) as keys:
        total = await keys.count(order.choice)
        after = 0
        while meters := await keys.meters(order.choice, after, CHUNK_METERS):
            if should_stop():
                raise KeyWorkCancelled
            after = meters[-1].meter_id
            fresh = [(meter, random(PSK_BYTES)) for meter in meters]
            sealed = {meter.imei: data_key.seal(meter.imei, psk, vault.nonce()) for meter, psk in fresh}
            await keys.put(sealed, keep_previous=True)
            made += fresh
            progress(len(made), max(total, len(made)))
        if made:
            keep(write_keys(made))
    return len(made)


async def is_committed(file: bytes, tenant_id: TenantId, store: KeyStore, vault: Vault) -> int | None:
    """Number of keys in a file of an earlier run whose keys are in the store; None where that run was not committed."""
    rows = [row for row in read_keys(file) if isinstance(row, KeyRow)]
    async with store.tenant(tenant_id) as keys:
        first = (await keys.existing([rows[0].imei])).get(rows[0].imei) if rows else None
    if first is None:
        return None
    opener = await vault.data_key(tenant_id, first.key.key_id)
    return len(rows) if opener.open(first.imei, first.key.nonce, first.key.sealed) == rows[0].psk else None
