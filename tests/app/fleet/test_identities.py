# SPDX-License-Identifier: Apache-2.0
import numpy as np

from openmains.app.fleet.identities import Identities, Identity


def loaded() -> Identities:
    identities = Identities()
    identities.load(
        np.array([861_000_000_000_005, 861_000_000_000_013], np.int64),
        np.array([11, 12], np.int64),
        np.array([1, 2], np.int32),
        np.array([7, 8], np.int32),
    )
    return identities


def test_finds_each_meter_and_nobody_else() -> None:
    identities = loaded()
    assert identities.find(861_000_000_000_005) == Identity(11, 1, 7)
    assert identities.find(861_000_000_000_013) == Identity(12, 2, 8)
    for stranger in (0, 861_000_000_000_004, 861_000_000_000_006, 999_999_999_999_999):
        assert identities.find(stranger) is None


def test_added_exchanged_and_removed_meters_are_seen_at_once() -> None:
    identities = loaded()
    identities.change(861_000_000_000_021, Identity(13, 1, 7))
    assert identities.find(861_000_000_000_021) == Identity(13, 1, 7)
    identities.change(861_000_000_000_039, Identity(11, 1, 7))  # a new module in meter 11
    assert identities.find(861_000_000_000_039) == Identity(11, 1, 7)
    assert identities.find(861_000_000_000_005) is None
    identities.change(None, Identity(12, 2, 8))
    assert identities.find(861_000_000_000_013) is None


def test_empty_registry_knows_nobody() -> None:
    assert Identities().find(861_000_000_000_005) is None
