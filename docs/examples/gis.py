# SPDX-License-Identifier: Apache-2.0
"""Geographic information system: the layer of meters as GeoJSON, renewed as a whole.

    OPENMAINS_URL=http://127.0.0.1:8080 OPENMAINS_TOKEN=omt_… python gis.py /srv/gis/meters.geojson area_id=3 status=alarm

What follows the file are filters as in the list of meters. The file is replaced in one step when the new one is whole, so whoever draws it
never reads half a layer. Coordinates are WGS-84 (RFC 7946); a map in GCJ-02 converts them at its own border.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx


async def run(api: httpx.AsyncClient, target: Path, **chosen: str) -> tuple[int, int]:
    """Meters in the layer, and how many of them have no position yet."""
    half = target.with_suffix(".part")
    async with api.stream("GET", "/api/v1/bulk/meters.geojson", params=chosen) as answer:
        if answer.is_error:
            await answer.aread()
            raise SystemExit(f"{answer.status_code}: {answer.json()['detail']}")
        with half.open("wb") as file:
            async for piece in answer.aiter_bytes():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    features = json.loads(half.read_bytes())["features"]  # an answer that was cut is no JSON, and replaces nothing
    half.rename(target)
    return len(features), sum(feature["geometry"] is None for feature in features)


async def main() -> None:
    """From the environment and the command line."""
    headers = {"Authorization": f"Bearer {os.environ['OPENMAINS_TOKEN']}"}
    chosen = dict(word.split("=", 1) for word in sys.argv[2:])
    async with httpx.AsyncClient(base_url=os.environ["OPENMAINS_URL"], headers=headers, timeout=600) as api:
        meters, unplaced = await run(api, Path(sys.argv[1]), **chosen)
    print(f"{meters} meters, {unplaced} of them without a position")


if __name__ == "__main__":
    asyncio.run(main())
