# SPDX-License-Identifier: Apache-2.0
"""Data keys that seal the PSKs of a tenant's devices."""

from collections.abc import Callable

from openmains.app.sealing.envelope import DEVICES, Masters
from openmains.app.sealing.ports import DataKeySource
from openmains.app.sealing.vault import KeyVault, Random
from openmains.app.security.keys.envelope import DataKey


class Vault(KeyVault[DataKey]):
    """``masters``: reads the master keys as they are now; ``random``: bytes of the operating system."""

    def __init__(self, store: DataKeySource, masters: Callable[[], Masters], random: Random) -> None:
        super().__init__(store, masters, random, DEVICES, DataKey)
