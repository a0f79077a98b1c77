# SPDX-License-Identifier: Apache-2.0
"""Meters that came by a door that knows no accounts are given one, as the worker does it."""

from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.hang import hang_meters


async def hang_all(pipeline: Pool) -> None:
    """All that wait; those of other tests may come before ours."""
    while await hang_meters(pipeline):
        pass
