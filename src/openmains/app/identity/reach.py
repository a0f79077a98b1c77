# SPDX-License-Identifier: Apache-2.0
"""Where a grant may hold: places, media and products that the utility has."""

from openmains.app.identity.ports import ReachStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Work
from openmains.domain.identity.reach import Reach
from openmains.domain.identity.role import NEEDS_PRODUCTS


async def known_reach(work: Work, reach: Reach, role: str) -> None:
    """Raises ``invalid-input`` that names what the utility does not have – a limit to nothing would be found out by nobody – and where the
    role holds for named products only and none is named."""
    if role in NEEDS_PRODUCTS and not reach.products:
        raise Problem("invalid-input", fields=(("/products", "required"),))
    if reach.is_whole:
        return
    unknown = await work[ReachStore].unknown(reach)
    fields = [
        (f"/{name}/{given.index(one)}", "not-accepted")
        for name, given, missing in (
            ("places", reach.places, unknown.places),
            ("products", reach.products, unknown.products),
        )
        for one in missing
    ]
    if fields:
        raise Problem("invalid-input", fields=tuple(fields))
