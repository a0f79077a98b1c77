# SPDX-License-Identifier: Apache-2.0
"""Bills as PDF through the API over real engines: one, those of a run in pieces, the letterhead, and payment codes."""

import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from openmains.app.billing.bill_files import Printing
from openmains.app.billing.paper import paper
from openmains.app.billing.papers import facts_of
from openmains.app.job.ports import ClaimedJob, JobCancelled
from openmains.domain.ids import TenantId
from openmains.domain.ledger.payment_code import payment_code
from openmains.domain.period import zone
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.test_billing import Context, Town, done_, town
from tests.edges.http.test_tariffs import problem
from tests.edges.http.world import World

ZONE = zone("Asia/Shanghai")


class FileContext(Context):
    """``JobContext`` of a job of files."""

    def __init__(self, place: Town, run_id: int, folder: Path, parts: int = 10**6) -> None:
        super().__init__(place.utility.tenant_id, run_id, parts)
        params = {"run_id": run_id, "language": "zh"}
        self.job = ClaimedJob(7, TenantId(place.utility.tenant_id), "bill_files", params, str(folder), 0.0)


def printing(place: Town) -> Printing:
    deps = place.world.deps
    assert deps.billed_days is not None and deps.typeset is not None
    today = ZONE.day_of(deps.now_s())
    return Printing(deps.store, deps.billed_days, deps.typeset, ZONE, today, piece=2, part=1)


async def document(place: Town, bill_id: int, language: Any = "zh") -> dict[str, Any]:
    deps = place.world.deps
    assert deps.billed_days is not None
    today = ZONE.day_of(deps.now_s())
    (facts,) = await facts_of(deps.store, deps.billed_days, TenantId(place.utility.tenant_id), [bill_id], today, {})
    return json.loads(json.dumps(paper(facts, language, ZONE)))  # type: ignore[no-any-return]


async def test_bills_are_printed(world: World, clickhouse: ClickHouse, tmp_path: Path) -> None:
    async with town(world, clickhouse, 3) as (place, clerk, chief):
        for account in (1, 2, 3):
            await place.whole_months(account, 500)
        await place.run(chief, place.before)
        run = await place.run(chief, place.month)
        bills = (await done_(chief, "/bills", run_id=run["run_id"]))["items"]
        first = next(one for one in bills if one["account_id"] == 1)
        await _one(place, clerk, chief, first)
        await _files(place, clerk, chief, run, tmp_path)


async def _one(place: Town, clerk: httpx.AsyncClient, chief: httpx.AsyncClient, bill: dict[str, Any]) -> None:
    letter = {
        "phone": "0571-96390",
        "pay_link": "https://pay.example.cn/p?c={code}",
        "note_zh": "谢谢。",
        "note_en": "Thanks.",
    }
    assert problem(await clerk.put("/bill-letterhead", json={**letter, "reason": "first"})) == "not-allowed"
    wrong = {**letter, "pay_link": "https://pay.example.cn/", "reason": "first"}
    assert problem(await chief.put("/bill-letterhead", json=wrong)) == "invalid-input"
    assert (await chief.put("/bill-letterhead", json={**letter, "reason": "first"})).status_code == 200
    assert (await done_(clerk, "/bill-letterhead"))["phone"] == letter["phone"]

    answer = await clerk.get(f"/bills/{bill['bill_id']}/pdf")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-") and b"/Count 1" in answer.content
    again = await clerk.get(f"/bills/{bill['bill_id']}/pdf")
    assert again.content == answer.content, "the same bill on the same day is the same file"
    chinese = await clerk.get(f"/bills/{bill['bill_id']}/pdf", params={"language": "zh"})
    assert chinese.status_code == 200 and chinese.content != answer.content
    assert problem(await clerk.get("/bills/999999999/pdf")) == "not-found"

    told = await document(place, bill["bill_id"])
    code = payment_code(1)
    assert told["pay"]["scan"] == f"https://pay.example.cn/p?c={code}"
    assert await done_(clerk, f"/payment-codes/{code}") == {"account_id": 1}
    assert problem(await clerk.get(f"/payment-codes/{code[:-1]}{9 - int(code[-1])}")) == "not-found"
    detail = await done_(clerk, f"/bills/{bill['bill_id']}")
    assert told["total"] == f"{bill['total_fen'] // 100}.{bill['total_fen'] % 100:02d}"
    assert [row[-1] for row in told["lines"]["rows"]] == [
        f"{one['fen'] // 100}.{one['fen'] % 100:02d}" for one in detail["lines"]
    ]
    assert told["meters"]["rows"][0][4] == bill["volume_m3"] and "–" not in told["meters"]["rows"][0][2:4]
    assert told["compare"]["rows"][1][1] != "–" and told["compare"]["rows"][2][1] == "–", (
        "a month before, none a year ago"
    )
    assert [one["ml"] > 0 for one in told["chart"]] == [False] * 11 + [True, True]
    assert told["notes"][-1] == "谢谢。" and (await document(place, bill["bill_id"], "en"))["notes"][-1] == "Thanks."


async def _files(
    place: Town, clerk: httpx.AsyncClient, chief: httpx.AsyncClient, run: dict[str, Any], folder: Path
) -> None:
    path = f"/bill-runs/{run['run_id']}/files"
    assert problem(await clerk.post(path)) == "not-allowed"
    assert problem(await chief.post("/bill-runs/999999/files")) == "not-found"
    asked = [await chief.post(path) for _ in range(2)]
    assert [one.status_code for one in asked] == [202, 202]
    assert len({one.json()["job_id"] for one in asked}) == 1, "asked twice while it waits: one job"
    with pytest.raises(JobCancelled):  # killed within the second piece: the first stays
        await printing(place).run(FileContext(place, run["run_id"], folder, parts=3))
    ((kept, before),) = _zips(folder)
    context = FileContext(place, run["run_id"], folder)
    result = await printing(place).run(context)
    assert result["bills"] == 3 and result["pieces"] == 2 and context.done == (3, 3)
    assert _zips(folder)[0] == (kept, before) and result["file"] == result["file_1"] == kept
    names = [zipfile.ZipFile(result[f"file_{piece}"]).namelist() for piece in (1, 2)]
    assert [len(one) for one in names] == [2, 1] and len({name for one in names for name in one}) == 3
    assert zipfile.ZipFile(result["file_2"]).read(names[1][0]).startswith(b"%PDF-")


def _zips(folder: Path) -> list[tuple[str, int]]:
    """With when each was written: a complete one is not made again."""
    return [(str(path), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*.zip"))]
