# SPDX-License-Identifier: Apache-2.0
"""Finance system: a month's vouchers as the file it imports, checked against the trial balance before it is handed over.

    OPENMAINS_URL=http://127.0.0.1:8080 OPENMAINS_TOKEN=omt_… python finance.py 2026-10 /srv/finance

The journal is asked for day by day, so that no file is too large, and written with the columns of the ledger page. Debit and credit of
the file must add up, account by account, to what the trial balance says of the same days: else nothing is written and the account is
named. Close the month (`POST /ledger/months/{month}/close`) before the file is imported, and nothing is added to it afterwards.
"""

import asyncio
import calendar
import csv
import io
import os
import sys
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx


async def _get(api: httpx.AsyncClient, path: str, first: date, last: date) -> httpx.Response:
    answer = await api.get(
        path, params={"from": first.isoformat(), "to": last.isoformat()}, headers={"Accept-Language": "zh"}
    )
    if answer.is_error:
        raise SystemExit(f"{answer.status_code}: {answer.json()['detail']}")
    return answer


def _sums(rows: list[dict[str, str]]) -> dict[str, tuple[int, int]]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        for side, column in enumerate(("借方金额", "贷方金额")):
            sums[row["科目编码"]][side] += int(Decimal(row[column] or "0") * 100)
    return {code: (debit, credit) for code, (debit, credit) in sums.items()}


async def run(api: httpx.AsyncClient, month: str, folder: Path) -> Path:
    """The file of vouchers. Ends with a sentence where it does not agree with the trial balance."""
    year, number = (int(part) for part in month.split("-"))
    days = [date(year, number, 1) + timedelta(days=n) for n in range(calendar.monthrange(year, number)[1])]
    rows: list[dict[str, str]] = []
    head: list[str] = []
    for day in days:
        text = (await _get(api, "/api/v1/ledger/journal.csv", day, day)).content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text))
        rows += list(reader)
        head = list(reader.fieldnames or head)
    balance: dict[str, Any] = (await _get(api, "/api/v1/ledger/trial-balance", days[0], days[-1])).json()
    said = {row["code"]: (row["debit"], row["credit"]) for row in balance["rows"] if row["debit"] or row["credit"]}
    found = {code: sums for code, sums in _sums(rows).items() if any(sums)}
    for code in sorted(said.keys() | found.keys()):
        if said.get(code) != found.get(code):
            raise SystemExit(
                f"account {code}: the journal says {found.get(code)} fen, the trial balance {said.get(code)}"
            )
    name = folder / f"vouchers-{month}.csv"
    half = name.with_suffix(".part")
    with half.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, head)
        out.writeheader()
        out.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    return half.rename(name)


async def main() -> None:
    """From the environment and the command line."""
    headers = {"Authorization": f"Bearer {os.environ['OPENMAINS_TOKEN']}"}
    async with httpx.AsyncClient(base_url=os.environ["OPENMAINS_URL"], headers=headers, timeout=600) as api:
        print(await run(api, sys.argv[1], Path(sys.argv[2])))


if __name__ == "__main__":
    asyncio.run(main())
