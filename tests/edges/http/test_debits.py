# SPDX-License-Identifier: Apache-2.0
"""Direct debit over real engines: files of what is owed, answers in parts, twice and wrong, booked once; money that the bank gave back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.identity.model import Actor
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import date_to_day
from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.demo.debits import fill_debits
from tests.edges.http.test_billing import done_, town
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World

BAD = asyncpg.IntegrityConstraintViolationError
NUMBER = "62220202001122{:02d}"
Item = dict[str, Any]


def authorised(account: int, **more: Any) -> dict[str, Any]:
    body = {
        "account_id": account, "contract": f"C-{account}", "bank": "工商银行", "holder": f"户主{account}",
        "bank_account": NUMBER.format(account),
        "signed_on": "2024-01-02", "reason": "signed at the counter",
    }  # fmt: skip
    return body | more


def answer(number: str, items: Sequence[tuple[Item, str, str]], **more: int) -> bytes:
    """An answered file of these (item, result, bank's number)."""
    total = sum(item["fen"] for item, _, _ in items) + more.get("added_fen", 0)
    rows = [f"R|{item['number']}|{item['fen']}|{result}|{told}|20261130" for item, result, told in items]
    head = f"A|openmains-1|{number}|{len(items)}|{total}"
    return "\r\n".join([head, *rows, f"T|{len(items)}|{total}", ""]).encode()


async def read(client: httpx.AsyncClient, file: dict[str, Any], data: bytes) -> httpx.Response:
    return await client.post(f"/debit-files/{file['file_id']}/answers", files={"data": ("answer.txt", data)})


async def test_what_is_owed_is_collected_once(world: World, clickhouse: ClickHouse) -> None:
    async with (
        town(world, clickhouse, 5) as (place, clerk, chief),
        world.client(await world.user(place.utility, "viewer")) as viewer,
    ):
        for account in range(1, 6):
            await place.whole_months(account, 100 * account)
        await place.run(chief, place.before)
        owed = {one: (await done_(clerk, f"/ledger/customers/{one}"))["owed_fen"] for one in range(1, 6)}

        # authorisations: bank data is sealed, refused where it is none, one an account
        path = "/debit-authorisations"
        for bad, pointer in (
            ({"bank_account": "12345678X"}, "/bank_account"),
            ({"holder": "a|b"}, "/holder"),
            ({"signed_on": (place.today + timedelta(days=2)).isoformat()}, "/signed_on"),
        ):
            refused = await clerk.post(path, json=authorised(1, **bad))
            assert problem(refused) == "invalid-input" and refused.json()["errors"][0]["pointer"] == pointer
        assert problem(await clerk.post(path, json=authorised(1, reason=""))) == "reason-needed"
        assert problem(await viewer.post(path, json=authorised(1))) == "not-allowed"
        by = [await made(clerk, path, authorised(account)) for account in range(1, 6)]
        assert by[0]["tail"] == NUMBER.format(1)[-4:] and "holder" not in by[0]
        assert problem(await clerk.post(path, json=authorised(1, contract="C-9"))) == "authorisation-taken"
        for table in ("debit_authorisation", "audit"):
            stored = f"SELECT string_agg(to_jsonb(x)::text, ' ') FROM {table} x WHERE tenant_id = $1"  # noqa: S608
            row = [await world.owner.fetchval(stored, place.utility.tenant_id)]
            assert "户主" not in row[0] and "62220202001122" not in row[0]
        ended = await clerk.post(f"{path}/{by[4]['authorisation_id']}/end", json={"reason": "the customer left"})
        assert ended.json()["ended_at"] and [row["account_id"] for row in (await done_(viewer, path))["items"]] == [
            5,
            4,
            3,
            2,
            1,
        ]
        assert (
            problem(await clerk.post(f"{path}/{by[4]['authorisation_id']}/end", json={"reason": "again"}))
            == "already-done"
        )

        # a file of what is owed with fees; the same key is the same file; nobody stands in two
        day = place.today.isoformat()
        assert (
            problem(await clerk.post("/debit-files", json={"key": "run-0", "collect_on": "2024-01-02"}))
            == "invalid-input"
        )
        file = await made(clerk, "/debit-files", {"key": "run-1", "collect_on": day})
        assert await made(clerk, "/debit-files", {"key": "run-1", "collect_on": day}) == file
        other_day = (place.today + timedelta(days=1)).isoformat()
        assert (
            problem(await clerk.post("/debit-files", json={"key": "run-1", "collect_on": other_day}))
            == "debit-key-used"
        )
        assert problem(await clerk.post("/debit-files", json={"key": "run-2", "collect_on": day})) == "nothing-to-debit"
        items = (await done_(viewer, f"/debit-files/{file['file_id']}/items"))["items"]
        assert [item["account_id"] for item in items] == [1, 2, 3, 4] and file["lines"] == 4
        assert sum(item["fen"] for item in items) == file["fen"]
        assert all(item["fen"] > owed[item["account_id"]] for item in items), "with the late fee"
        with pytest.raises(BAD):
            await world.owner.execute("UPDATE debit_item SET fen = 1 WHERE file_id = $1 AND place = 1", file["file_id"])

        # what the bank is given holds bank data in clear, and each look is in the trail
        assert problem(await viewer.get(f"/debit-files/{file['file_id']}/download")) == "not-allowed"
        text = (await clerk.get(f"/debit-files/{file['file_id']}/download")).text
        lines = text.split("\r\n")
        assert (
            lines[0] == f"H|openmains-1|{file['number']}|{day.replace('-', '')}|4|{file['fen']}"
            and lines[-2] == f"T|4|{file['fen']}"
        )
        assert lines[2] == f"D|{items[1]['number']}|C-2|户主2|工商银行|{NUMBER.format(2)}|{items[1]['fen']}"
        assert (await clerk.get(f"/debit-files/{file['file_id']}/download")).text == text
        looked = "SELECT count(*) FROM audit WHERE tenant_id = $1 AND action = 'download_debit_file'"
        assert await world.owner.fetchval(looked, place.utility.tenant_id) == 2

        # voided by another person, before any answer; its accounts stand in the next file
        path = f"/debit-files/{file['file_id']}/void"
        assert problem(await clerk.post(path, json={"reason": "mine"})) == "not-allowed"
        assert problem(await chief.post(path, json={})) == "reason-needed"
        assert (await chief.post(path, json={"reason": "wrong day"})).json()["state"] == "voided"
        assert problem(await read(clerk, file, answer(file["number"], [(items[0], "00", "B1")]))) == "already-done"
        own = await made(chief, "/debit-files", {"key": "run-3", "collect_on": day})
        assert (
            problem(await chief.post(f"/debit-files/{own['file_id']}/void", json={"reason": "mine"}))
            == "own-debit-file"
        )
        with pytest.raises(BAD):
            await world.owner.execute(
                "UPDATE debit_file SET state = 'voided', voided_by = made_by, voided_us = 1, void_reason = 'x' WHERE file_id = $1",
                own["file_id"],
            )
        items = (await done_(clerk, f"/debit-files/{own['file_id']}/items"))["items"]
        one, two, three, four = items

        # an answer with any fault books nothing at all
        before = await balanced(world, place.utility)
        foreign = {"number": f"{file['number']}-1", "fen": one["fen"]}
        for data in (
            answer(own["number"], [(one, "00", "B1")], added_fen=1),
            answer(own["number"], [(one, "00", "B1"), (foreign, "00", "B2")]),
            answer(own["number"], [(one, "00", "B1"), ({**two, "fen": two["fen"] - 1}, "00", "B2")]),
            answer(file["number"], [(one, "00", "B1")]),
            b"\xff\xfe",
        ):
            refused = await read(clerk, own, data)
            assert problem(refused) == "debit-answer-refused" and "Line" in refused.json()["detail"], refused.text
        assert await balanced(world, place.utility) == before
        assert (await done_(clerk, f"/debit-files/{own['file_id']}"))["answered"] == 0

        # in parts, each once however often
        first = answer(own["number"], [(one, "00", "B1"), (two, "51", "")])
        told = (await read(clerk, own, first)).json()
        assert (told["paid"], told["paid_fen"], told["declined"], told["repeated"]) == (1, one["fen"], 1, 0)
        assert (await read(clerk, own, first)).json() == told
        assert (
            problem(await chief.post(f"/debit-files/{own['file_id']}/void", json={"reason": "late"}))
            == "debit-file-answered"
        )
        rest = answer(own["number"], [(one, "00", "B1"), (three, "00", "B3"), (four, "00", "B4")])
        told = (await read(clerk, own, rest)).json()
        assert (told["paid"], told["paid_fen"], told["repeated"]) == (2, three["fen"] + four["fen"], 1)
        state = await done_(clerk, f"/debit-files/{own['file_id']}")
        assert (state["state"], state["answered"], state["paid"], state["declined"]) == ("done", 4, 3, 1)
        sums = await balanced(world, place.utility)
        assert sums["clearing"] == state["paid_fen"] == one["fen"] + three["fen"] + four["fen"]
        assert [(await done_(clerk, f"/ledger/customers/{one}"))["owed_fen"] for one in (1, 2, 3, 4)] == [
            0,
            owed[2],
            0,
            0,
        ]
        receipts = (await done_(clerk, "/receipts"))["items"]
        assert {(row["account_id"], row["channel"], row["key"]) for row in receipts} == {
            (1, "bank", "B1"),
            (3, "bank", "B3"),
            (4, "bank", "B4"),
        }
        assert all(
            sum(item["fen"] for item in row["paid"]) == row["fen"] and (row["owed_fen"], row["credit_fen"]) == (0, 0)
            for row in receipts
        )

        # the bank's number belongs to another payment: nothing is booked; what it declined stands in the next file
        again = await made(clerk, "/debit-files", {"key": "run-4", "collect_on": day})
        (retry,) = (await done_(clerk, f"/debit-files/{again['file_id']}/items"))["items"]
        assert (retry["account_id"], retry["fen"]) == (2, two["fen"])
        assert problem(await read(clerk, again, answer(again["number"], [(retry, "00", "B1")]))) == "receipt-key-used"

        # given back by the bank: another person agrees, then it is owed again, and is debited again
        back = answer(own["number"], [(four, "RT", "B4")])
        told = (await read(clerk, own, back)).json()
        assert (told["returned"], told["paid"]) == (1, 0)
        assert problem(await read(clerk, own, answer(own["number"], [(four, "51", "")]))) == "debit-answer-refused"
        item = (await done_(clerk, f"/debit-files/{own['file_id']}/items", state="returned"))["items"][0]
        assert (await done_(clerk, "/ledger/customers/4"))["owed_fen"] == 0, "until another person agrees"
        decided = await chief.post(
            f"/payment-returns/{item['return_id']}/approve", json={"reason": "seen on the statement"}
        )
        assert decided.json()["state"] == "approved", decided.text
        assert (await done_(clerk, "/ledger/customers/4"))["owed_fen"] >= owed[4]
        assert (await balanced(world, place.utility))["clearing"] == one["fen"] + three["fen"]
        last = await made(clerk, "/debit-files", {"key": "run-5", "collect_on": day})
        assert [
            row["account_id"] for row in (await done_(clerk, f"/debit-files/{last['file_id']}/items"))["items"]
        ] == [4]

        # another utility sees none of it
        async with world.client(world.b.token) as stranger:
            assert (await done_(stranger, "/debit-files"))["items"] == []
            assert problem(await stranger.get(f"/debit-files/{own['file_id']}/download")) == "not-found"


async def test_the_demo_has_files_answered_and_waiting(world: World, clickhouse: ClickHouse) -> None:
    async with town(world, clickhouse, 4) as (place, clerk, chief):
        for account in range(1, 5):
            await place.whole_months(account, 100 * account)
        await place.run(chief, place.before)
        actors = [
            Actor(
                TenantId(place.utility.tenant_id),
                UserId(user),
                "x",
                "x",
                "administrator",
                "zh",
                "Asia/Shanghai",
                "session",
            )
            for user in (place.utility.ids["user_id"], place.utility.ids["user_id"] + 10**9)
        ]
        assert world.deps.sealer is not None
        filled = world.deps.store, world.deps.sealer, actors[0], actors[1], [1, 2, 3, 4], date_to_day(place.today)
        assert await fill_debits(*filled) == 3
        assert await fill_debits(*filled) == 0, "once for ever"
        waits, done = (await done_(clerk, "/debit-files"))["items"]
        assert (done["state"], done["paid"], done["declined"], done["returned"]) == ("done", 2, 1, 1)
        assert (waits["state"], waits["lines"]) == ("open", 1)
        assert [one["state"] for one in (await done_(clerk, "/payment-returns"))["items"]] == ["pending"]
        await balanced(world, place.utility)
