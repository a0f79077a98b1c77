# SPDX-License-Identifier: Apache-2.0
"""Personal data under a master key of the tests."""

import secrets

from openmains.app.field.photos import PhotoKey, photo_vault
from openmains.app.party.personal import PersonalVault
from openmains.app.sealing.envelope import MasterKey, Masters
from openmains.app.sealing.vault import KeyVault
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.party.keys import PersonalKeys

MASTERS = Masters.of(MasterKey(secrets.token_bytes(32)))


def personal_vault(pool: Pool) -> PersonalVault:
    """Over a pool of the API's role or the pipeline's."""
    return PersonalVault(PersonalKeys(pool), lambda: MASTERS, secrets.token_bytes)


def photos_of(pool: Pool) -> KeyVault[PhotoKey]:
    """Keys of photographs, over a pool of the API's role."""
    return photo_vault(PersonalKeys(pool), lambda: MASTERS, secrets.token_bytes)
