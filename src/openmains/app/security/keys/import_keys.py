# SPDX-License-Identifier: Apache-2.0
"""Import a key file: read → check → seal → store, in one transaction. The same file twice changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from openmains.app.security.keys.key_file import KeyRow, KeyRowError, read_keys
from openmains.app.security.keys.ports import DeviceKeys, KeyStore
from openmains.app.security.keys.vault import Vault
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import TenantId

CHUNK_ROWS = 5_000
MOST_ERRORS = 10_000
Progress = Callable[[int, int], None]


class KeyWorkCancelled(Exception):
    """``should_stop`` said so; nothing was changed."""


@dataclass(slots=True)
class KeyImport:
    """What became of a file; ``errors`` holds the first MOST_ERRORS."""

    rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    error_count: int = 0
    errors: list[KeyRowError] = field(default_factory=list)
    applied: bool = False

    def summary(self) -> dict[str, object]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged,
            "errors": self.error_count, "applied": self.applied,
        }  # fmt: skip


class _Undo(Exception):
    """Leaves the transaction without keeping anything."""


async def import_keys(
    data: bytes,
    tenant_id: TenantId,
    store: KeyStore,
    vault: Vault,
    *,
    partial: bool = False,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> KeyImport:
    """All or nothing, unless ``partial``. A key that differs from the stored one replaces it at once: the file says what
    is in the meter. Raises ``HeaderError``, ``KeyWorkCancelled``; whatever the store raises leaves the keys as they were.
    """
    result = KeyImport()
    total = data.count(b"\n")
    rows = read_keys(data)
    data_key = await vault.current(tenant_id)
    try:
        async with store.tenant(tenant_id) as keys:
            while chunk := list(islice(rows, CHUNK_ROWS)):
                if should_stop():
                    raise KeyWorkCancelled
                good = await _checked(chunk, keys, result)
                if good and (partial or not result.error_count):
                    stored = await keys.existing(list(good))
                    fresh = {}
                    for imei, psk in good.items():
                        known = stored.get(imei)
                        if known is not None:
                            opener = await vault.data_key(tenant_id, known.key.key_id)
                            if opener.open(imei, known.key.nonce, known.key.sealed) == psk and known.previous is None:
                                continue
                        fresh[imei] = data_key.seal(imei, psk, vault.nonce())
                    await keys.put(fresh, keep_previous=False)
                    result.updated += len(fresh.keys() & stored.keys())
                    result.inserted += len(fresh.keys() - stored.keys())
                    result.unchanged += len(good) - len(fresh)
                progress(result.rows, max(total, result.rows))
            if result.error_count and not partial:
                raise _Undo
        result.applied = True
    except _Undo:
        result.inserted = result.updated = result.unchanged = 0
    return result


async def _checked(chunk: list[KeyRow | KeyRowError], keys: DeviceKeys, result: KeyImport) -> dict[int, bytes]:
    """IMEI → PSK of the good rows; the others go to the result's errors."""
    good = {item.imei: item for item in chunk if isinstance(item, KeyRow)}
    taken = await keys.others_meters(list(good))
    errors = [item for item in chunk if isinstance(item, KeyRowError)]
    errors += [KeyRowError(good[imei].row, "imei", imei_text(imei), "imei_taken") for imei in taken]
    errors.sort(key=lambda error: error.row)
    result.rows += len(chunk)
    result.error_count += len(errors)
    result.errors += errors[: MOST_ERRORS - len(result.errors)]
    return {imei: item.psk for imei, item in good.items() if imei not in taken}
