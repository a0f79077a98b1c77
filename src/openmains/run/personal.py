# SPDX-License-Identifier: Apache-2.0
"""Personal data of customers put together, for whoever seals or opens it: API, worker, command line, demo."""

import secrets
from pathlib import Path

from openmains.app.field.photos import PhotoKey, photo_vault
from openmains.app.party.personal import PersonalVault
from openmains.app.sealing.vault import KeyVault
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.party.keys import PersonalKeys
from openmains.run.master_key import masters_of


def personal_vault(var: Path, pool: Pool) -> PersonalVault:
    """Over a pool of the API's role or the pipeline's."""
    return PersonalVault(PersonalKeys(pool), masters_of(var), secrets.token_bytes)


def photos_of(var: Path, pool: Pool) -> KeyVault[PhotoKey]:
    """Keys of photographs, over a pool of the API's role."""
    return photo_vault(PersonalKeys(pool), masters_of(var), secrets.token_bytes)
