# SPDX-License-Identifier: Apache-2.0
"""Prices that changed long ago: a plan as if it had been approved before its day, which the API refuses for days that are over."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


async def past_plan(
    owner: Any, tenant_id: int, tariff_id: int, number: int, from_day: date, document: Mapping[str, Any]
) -> None:
    """``owner``: a connection that owns the tables."""
    await owner.execute(
        "INSERT INTO tariff_plan (tenant_id, tariff_id, number, from_day, document, reason, state, author_id, made_us, decided_by, decided_us)"
        " VALUES ($1, $2, $3, $4, $5, 'notice', 'approved', 1, 1, 2, 1)",
        tenant_id, tariff_id, number, (from_day - date(1970, 1, 1)).days, json.dumps(document),
    )  # fmt: skip
