# SPDX-License-Identifier: Apache-2.0
"""Secrets as rows hold them: sealed, under the key that ``key_id`` names."""

from openmains.app.notice.sealing import SealedKey
from openmains.edges.postgres.db import Row


def sealed_of(row: Row) -> SealedKey | None:
    """Sealed secrets of a row; None where it has none."""
    return None if row["sealed"] is None else SealedKey(row["key_id"], row["nonce"], row["sealed"])
