# SPDX-License-Identifier: Apache-2.0
"""The books under random operations, over the real PostgreSQL and ClickHouse, against plain sums (``tests/support/plain_books.py``):
payments and the same again at once, payments given back, days read and corrected, prices that change, meters that are exchanged, bills, and
kills of the connection and of the process in the middle.

After each batch the ledger adds up to 0, each payment is there once, each day's deduction is the difference of two exact sums over the
litres that were read, and what was killed is there whole or not at all. Each payment, duplicate, reading, correction, bill, exchange,
reversal, price and kill is one operation. That the checker sees one lost update is tested by itself
(``tests/domain/ledger/test_plain_books.py``).

Measured with 150 accounts on two cores with other work: 176 operations a second, so the million takes an hour and a half there.
"""

import time
from datetime import date

import pytest

from openmains.domain.period import date_to_day, day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.books_walk import walking
from tests.edges.http.world import World


async def test_random_operations_leave_the_books_as_plain_sums_have_them(world: World, clickhouse: ClickHouse) -> None:
    async with walking(world, clickhouse, None, 5, 16) as walk:
        await walk.month()
        await walk.killed_process()
        await walk.month()
    print(dict(walk.done))
    assert {"payments", "duplicates", "readings", "corrections", "bills", "kills", "process kills"} <= walk.done.keys()


@pytest.mark.usefixtures("takes_minutes")
async def test_a_million_random_operations_leave_the_books_as_plain_sums_have_them(
    world: World, clickhouse: ClickHouse
) -> None:
    began = time.monotonic()
    async with walking(world, clickhouse, date(2024, 2, 1), 800, 61) as walk:
        while walk.town.open_day < date_to_day(walk.place.today.replace(day=1)):
            await walk.month()
            await walk.killed_process()
            total = sum(walk.done.values())
            print(
                day_to_date(walk.town.open_day),
                total,
                round(total / (time.monotonic() - began)),
                dict(walk.done),
                flush=True,
            )
    assert sum(walk.done.values()) >= 1_000_000
