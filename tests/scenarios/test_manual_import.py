# SPDX-License-Identifier: Apache-2.0
"""A file of readings through a whole system: uploaded, run by the worker, judged by the pipeline, in the list and in the changes."""

import json
from typing import Any

from openmains.domain.fleet.identifiers import imei_of
from tests.support.system import Systems, add_product, found_utility, import_meters, until


async def test_a_file_of_readings_becomes_days(systems: Systems) -> None:
    with systems() as system:
        await found_utility(system)
        system.products["W1"] = add_product(system, "W1", "openmains/water-1", qmax_l_h=3125)
        await import_meters(system, [(1, f"{imei_of(86_410_000_000_000):015d}", "W1")])
        ((number, meter_id),) = [(row["number"], row["meter_id"]) for row in system.pages("/meters")]
        file = f"表号,抄表时间,读数 (m³)\n{number},2026-01-11 10:00,12.4\n{number},2026-01-01 10:00,10\nnobody,2026-01-01 10:00,1\n"
        files = {"data": ("r.csv", file.encode(), "text/csv")}
        job = system.api.post("/manual-readings/import?partial=true", files=files).json()

        def over() -> Any:
            told = system.get(f"/jobs/{job['job_id']}")
            return told if told["status"] not in ("queued", "running") else None

        done = await until(over)
        assert done["status"] == "done", done
        counts = {name: done["result"][name] for name in ("rows", "inserted", "rejected", "applied")}
        assert counts == {"rows": 3, "inserted": 2, "rejected": 1, "applied": True}
        report = system.api.get(f"/jobs/{job['job_id']}/file", params={"which": "errors"}).text
        assert "nobody" in report

        def booked() -> Any:
            rows = system.get("/manual-readings", meter_id=meter_id)["items"]
            return rows if {row["state"] for row in rows} == {"booked"} else None

        assert {row["register_m3"] for row in await until(booked)} == {"12.4", "10"}
        (version,) = system.get(f"/meters/{meter_id}/days/2026-01-05/versions")["items"]
        assert (version["cause"], version["total_m3"]) == ("manual", "0.240")
        lines = [json.loads(line) for line in system.api.get("/readings/changes").text.splitlines()]
        assert {line["day"] for line in lines if "day" in line} >= {f"2026-01-{day:02d}" for day in range(2, 11)}
        assert lines[-1]["is_over"] is True
