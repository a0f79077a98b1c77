# SPDX-License-Identifier: Apache-2.0
"""Customer information system: each day's volumes and registers as files that follow one another, nothing missed and nothing twice.

    OPENMAINS_URL=http://127.0.0.1:8080 OPENMAINS_TOKEN=omt_… python cis.py /var/spool/cis

Run it as often as the other system reads, from cron. A file `readings-000001.csv` holds every day that changed since the file before:
a corrected day comes again with a higher version, and replaces what was known of it. Killed at any moment, the next run goes on: a file
has its name only when it is whole, and its cursor is its last line.
"""

import asyncio
import csv
import io
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

import httpx

HEAD = ("meter_number", "day", "version", "register_m3", "volume_m3", "is_whole")


def reached(folder: Path) -> tuple[int, dict[str, str]]:
    """How many files there are, and from where the next one is asked for."""
    before = sorted(folder.glob("readings-*.csv"))
    asked = {} if not before else {"cursor": before[-1].read_text("utf-8").splitlines()[-1].removeprefix("# ")}
    return len(before), asked


async def run(api: httpx.AsyncClient, folder: Path) -> Path | None:
    """The next file, or None where nothing changed."""
    files, asked = reached(folder)
    text, rows, cursor = io.StringIO(), 0, ""
    out = csv.writer(text)
    out.writerow(HEAD)
    async with api.stream("GET", "/api/v1/readings/changes", params=asked) as answer:
        if answer.is_error:
            await answer.aread()
            raise SystemExit(f"{answer.status_code}: {answer.json()['detail']}")
        async for line in answer.aiter_lines():
            change = json.loads(line)
            if "cursor" in change:
                cursor = change["cursor"]
                continue
            unit = Decimal(1).scaleb(change["unit_exponent"])
            register, volume = change["base"] * unit, change["volume"] * unit
            whole = change["known"] == change["slots"]
            out.writerow(
                (change["number"], change["day"], change["version"], f"{register:f}", f"{volume:f}", int(whole))
            )
            rows += 1
    if rows == 0:
        return None
    text.write(f"# {cursor}\n")
    name = folder / f"readings-{files + 1:06}.csv"
    half = name.with_suffix(".part")
    with half.open("w", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())
    return half.rename(name)


async def main() -> None:
    """From the environment and the command line."""
    headers = {"Authorization": f"Bearer {os.environ['OPENMAINS_TOKEN']}"}
    async with httpx.AsyncClient(base_url=os.environ["OPENMAINS_URL"], headers=headers, timeout=600) as api:
        print(await run(api, Path(sys.argv[1])) or "nothing new")


if __name__ == "__main__":
    asyncio.run(main())
