# SPDX-License-Identifier: Apache-2.0
"""Commands over the API: given once, followed, called off, approved by two, stopped; each utility its own."""

import csv
import io
import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openmains.app.command.signer.authority import Authority
from openmains.app.command.signing_ports import Credential
from openmains.app.command.work import CommandWork
from openmains.domain.command import safety
from openmains.domain.network.spreading import Scheme, digits_of, spread_s
from openmains.domain.period import zone
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.command.flow import PostgresCommandFlow
from openmains.edges.postgres.command.signer_registry import SignerRegistry
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.server import SignerServer
from openmains.edges.signer.switch import FileSwitch
from tests.edges.http.world import Utility, World, new_meter
from tests.support.command_meter import PlainDrivers
from tests.support.passwords import cheap_hash

ANN = {"login": "ann", "password": "ann's own long words"}
BEN = {"login": "ben", "password": "ben's own long words"}


def key() -> str:
    return f"key-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
async def signer(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SqliteLedger]:
    """The signer's own parts, in this process. Office hours are the whole week here: tests run at any time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(safety.OfficeHours, "open", lambda hours, weekday, minute: True)  # whenever the test is run
    folder: Path = tmp_path_factory.mktemp("signer")
    ledger = SqliteLedger(folder / "ledger.sqlite")
    for tenant in (world.a.tenant_id, world.b.tenant_id):
        for person, role in ((ANN, "operator"), (BEN, "approver")):
            ledger.enrol(tenant, person["login"], cheap_hash(person["password"]), role, administrator=person is ANN)
    switch = world.deps.stop_switch
    assert isinstance(switch, FileSwitch)
    registry = SignerRegistry(world.urls.postgres_signer)
    authority = Authority(ledger, registry, PlainDrivers(), switch, bytes(32), clock_s=lambda: int(time.time()))
    server = SignerServer(authority, switch, folder / "s")
    await server.start()
    client = SocketSigner(folder / "s")
    world.deps.signer = client
    yield ledger
    world.deps.signer = None
    await client.close()
    await server.close()
    await registry.close()
    ledger.close()
    patch.undo()


@pytest.fixture
async def work(world: World) -> AsyncIterator[CommandWork]:
    """The worker's turn, all of it each time."""
    pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    switch = world.deps.stop_switch
    assert switch is not None
    yield CommandWork(PostgresCommandFlow(pool), world.deps.signer, switch, every_s=0.0)
    await pool.close()


async def add_meters(world: World, utility: Utility, count: int) -> list[dict[str, Any]]:
    async with world.client(utility.token) as client:
        made = [(await client.post("/meters", json=new_meter(utility))).json() for _ in range(count)]
    await world.owner.execute(
        "UPDATE meter_state SET balance = 0 WHERE meter_id = ANY($1::bigint[])", [meter["meter_id"] for meter in made]
    )
    await sign_facts(world, utility)
    return made


async def sign_facts(world: World, utility: Utility) -> None:
    """Ann and Ben sign what the registry says now, where there is a signer that knows them."""
    if world.deps.signer is not None and utility in (world.a, world.b):
        found = await world.deps.signer.facts(utility.tenant_id)
        await world.deps.signer.sign_facts(
            utility.tenant_id, found.list_hash, "a test", Credential(**ANN), Credential(**BEN)
        )


async def test_a_command_is_given_once_however_often_it_is_sent(world: World, work: CommandWork) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    body = {"kind": "read_now", "unique_key": key()}
    async with world.client(await world.user(world.a, "operator")) as client:
        given = [await client.post(f"/meters/{meter['meter_id']}/commands", json=body) for _ in range(3)]
        ids = {answer.json()["command"]["command_id"] for answer in given}
        assert len(ids) == 1
        other = await client.post(f"/meters/{meter['meter_id']}/commands", json=body | {"kind": "read_status"})
        assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (409, "key-used")
        await work(time.time())
        (command_id,) = ids
        detail = (await client.get(f"/commands/{command_id}")).json()
        assert detail["state"] == "queued" and detail["serial"] > 180_000_000
        assert [line["event"] for line in detail["history"]] == ["draft", "approve", "queue"]
        listed = (await client.get(f"/commands?meter_id={meter['meter_id']}&open=true")).json()["items"]
        assert [item["command_id"] for item in listed] == [command_id]
        assert (detail["given_by"], detail["frame_hex"]) == (detail["history"][0]["actor"], "")
        lines = (await client.get(f"/commands.csv?meter_id={meter['meter_id']}")).text.splitlines()
        assert [line.split(",")[:1] for line in lines[1:]] == [[str(command_id)]]
        done = await client.post(f"/commands/{command_id}/cancel", json={"reason": "mistake"})
        assert (done.json()["state"], done.json()["reason"]) == ("cancelled", "mistake")
        again = await client.post(f"/commands/{command_id}/cancel", json={})
        assert again.json()["type"].endswith("/already-done")
    async with world.client(world.a.token) as client:
        trail = (await client.get(f"/audit?object_type=command&object_id={command_id}")).json()["items"]
        assert [line["action"] for line in trail] == ["cancel_command", "give_command"]


async def test_what_a_meter_does_not_understand_is_refused_at_once(world: World) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    async with world.client(world.a.token) as client:
        path = f"/meters/{meter['meter_id']}"
        kinds = (await client.get(f"{path}/command-kinds")).json()["kinds"]
        top_up = next(item for item in kinds if item["kind"] == "top_up")
        assert (top_up["signed"], top_up["parameters"][0]["high"]) == (True, 2_000_000_000)
        wrong = {"kind": "top_up", "unique_key": key(), "params": {"amount": 0}, "signer": ANN}
        answer = await client.post(f"{path}/commands", json=wrong)
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/params"]
        unknown = await client.post(f"{path}/commands", json={"kind": "explode", "unique_key": key()})
        assert unknown.status_code == 400
        missing = await client.post(f"{path}/commands", json={"kind": "valve_close", "unique_key": key()})
        assert missing.json()["type"].endswith("/signer-needed")


async def test_a_valve_needs_a_sign_in_at_the_signer(world: World, signer: SqliteLedger, work: CommandWork) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    path = f"/meters/{meter['meter_id']}/commands"
    body: dict[str, Any] = {"kind": "valve_close", "unique_key": key(), "validity_s": 3600}
    async with world.client(await world.user(world.a, "operator")) as client:
        wrong = await client.post(path, json=body | {"signer": ANN | {"password": "guess"}})
        assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (403, "signer-refused")
        right = await client.post(path, json=body | {"signer": ANN})
        assert right.json()["verdict"] == "authorised"
        await work(time.time())
        found = (await client.get(f"/commands/{right.json()['command']['command_id']}")).json()
        assert found["state"] == "queued"
        assert ANN["password"] not in right.text
    stored = await world.owner.fetchval("SELECT string_agg(after::text, ' ') FROM audit")
    assert ANN["password"] not in stored


async def test_who_is_no_administrator_at_the_signer_is_told_how_to_become_one(
    world: World, signer: SqliteLedger
) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    async with world.client(world.a.token) as client:  # an administrator of the console
        body = {"kind": "factory_reset", "unique_key": key(), "signer": BEN}
        answer = await client.post(f"/meters/{meter['meter_id']}/commands", json=body)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "signer-administrator-needed")
        assert "--administrator" in answer.json()["detail"]


async def test_a_batch_of_closings_waits_for_a_second_person(
    world: World, signer: SqliteLedger, work: CommandWork
) -> None:
    meters = await add_meters(world, world.a, 22)
    numbers = [meter["number"] for meter in meters]
    batch = {
        "name": "arrears", "kind": "valve_close", "unique_key": key(), "validity_s": 36_000, "hold_s": 0,
        "groups": [1, 10], "chosen": {"numbers": [*numbers, "nobody's"]},
    }  # fmt: skip
    async with world.client(world.a.token) as client:
        made = (await client.post("/command-batches", json={"batch": batch, "signer": ANN})).json()
        assert (made["unknown_numbers"], made["verdicts"]) == (["nobody's"], {"needs_approval": 22})
        path = f"/command-batches/{made['batch']['batch_id']}"
        own = await client.post(f"{path}/approve", json={"signer": ANN})
        assert own.json()["type"].endswith("/signer-refused")
        assert (await client.post(f"{path}/steer", json={"action": "start"})).json()["state"] == "running"
        await work(time.time())
        assert (await client.get(path)).json()["states"] == {"quarantined": 1}
        agreed = (await client.post(f"{path}/approve", json={"signer": BEN})).json()["verdicts"]
        assert sum(agreed.values()) == 22 and set(agreed) <= {"authorised", "quarantined"}
        await work(time.time())
        states = (await client.get(path)).json()["states"]
        assert sum(states.values()) == 1
        assert (await client.post(f"{path}/steer", json={"action": "pause"})).json()["state"] == "paused"
        assert (await client.post(f"{path}/steer", json={"action": "cancel"})).json()["state"] == "cancelled"
        result = await client.get(f"{path}/result")
        assert result.text.count("\r\n") == 23 and "batch_cancelled" in result.text


async def test_files_say_what_was_told_with_its_unit(world: World) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    async with world.client(world.a.token) as client:
        wanted = {"kind": "top_up", "unique_key": key(), "params": {"amount": 5000}, "signer": ANN}
        given = await client.post(f"/meters/{meter['meter_id']}/commands", json=wanted)
        assert given.json()["command"]["params"] == {"amount": 5000}  # the API keeps fen
        path = f"/commands.csv?meter_id={meter['meter_id']}"
        for language, said in (("zh", "充值 ¥50.00"), ("en", "Top up ¥50.00")):
            answer = await client.get(path, headers={"accept-language": language})
            (cells,) = csv.DictReader(answer.text.removeprefix("\ufeff").splitlines())
            assert (cells["content"], cells["params"]) == (said, '{"amount":5000}')
            assert cells["created_at"].endswith("+08:00")
        batch = {
            "name": "read", "kind": "read_now", "unique_key": key(), "chosen": {"numbers": [meter["number"]]},
        }  # fmt: skip
        made = (await client.post("/command-batches", json={"batch": batch})).json()["batch"]["batch_id"]
        (listed,) = (await client.get(f"/command-batches/{made}/meters")).json()["items"]
        assert listed["params"] == {}
        result = await client.get(f"/command-batches/{made}/result", headers={"accept-language": "zh"})
        assert "点抄" in result.text


async def test_the_stop_switch(world: World, signer: SqliteLedger) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    path = f"/meters/{meter['meter_id']}/commands"
    async with world.client(world.a.token) as client, world.client(world.b.token) as other:
        stopped = (await client.post("/command-stop", json={"reason": "valves close by themselves"})).json()
        assert stopped["stopped"] and stopped["stop"]["reason"] == "valves close by themselves"
        assert (stopped["stop"]["everywhere"], stopped["stop"]["who"]) == (False, "admin")
        try:
            refused = await client.post(path, json={"kind": "read_now", "unique_key": key()})
            assert refused.json()["type"].endswith("/commands-stopped")
            assert (await other.get("/command-stop")).json() == {"stopped": False, "stop": None}
            assert (await client.post("/command-stop/resume", json={"signer": ANN})).status_code == 403
            assert (await client.get("/command-stop")).json()["stopped"]
        finally:
            again = (await client.post("/command-stop/resume", json={"signer": BEN})).json()
            assert again == {"stopped": False, "stop": None}
        assert (await client.post(path, json={"kind": "read_now", "unique_key": key()})).status_code == 201


async def test_settings_go_out_in_groups_and_can_be_put_back(world: World, work: CommandWork) -> None:
    meters = await add_meters(world, world.b, 3)
    numbers = [meter["number"] for meter in meters]
    await world.owner.execute(
        "INSERT INTO meter_shadow (meter_id, tenant_id, reported) SELECT m, $2, '{\"report_time\": 7}'"
        " FROM unnest($1::bigint[]) m",
        [meter["meter_id"] for meter in meters],
        world.b.tenant_id,
    )
    batch = {
        "name": "times", "kind": "set_parameters", "unique_key": key(), "hold_s": 0, "groups": [1],
        "params": {"values": {"report_time": 60}}, "chosen": {"numbers": numbers},
    }  # fmt: skip
    async with world.client(world.b.token) as client:
        made = (await client.post("/command-batches", json={"batch": batch})).json()["batch"]
        path = f"/command-batches/{made['batch_id']}"
        await client.post(f"{path}/steer", json={"action": "start"})
        await work(time.time())
        lines = (await client.get(f"{path}/meters")).json()["items"]
        assert [line["state"] for line in lines] == ["queued", "waiting", "waiting"]
        shadow = (await client.get(f"/meters/{meters[0]['meter_id']}/shadow")).json()
        assert shadow["entries"] == [{"name": "report_time", "desired": 60, "reported": 7, "differs": True}]
        back = (await client.post(f"{path}/inverse", json={"unique_key": key()})).json()["batch"]
        assert (back["inverse_of"], back["total"]) == (made["batch_id"], 1)
        own = await world.owner.fetchval("SELECT params FROM command_batch_meter WHERE batch_id = $1", back["batch_id"])
        assert '"report_time": 7' in own


async def test_report_times_are_planned_from_what_was_heard(world: World, clickhouse: ClickHouse) -> None:
    meters = await add_meters(world, world.b, 6)
    ids = [meter["meter_id"] for meter in meters]
    await world.owner.execute("UPDATE meter_state SET cell = 77, ecl = 0 WHERE meter_id = ANY($1::bigint[])", ids)
    async with world.client(world.b.token) as client:
        plan = (await client.post("/report-plan", json={"limit_per_min": 1})).json()
        assert (plan["meters"], plan["moved"], plan["left_out"]) == (0, 0, {"not_heard": 6}), (
            "nobody knows when they report"
        )
        nobody = await client.post("/report-plan/apply", json={"limit_per_min": 1, "unique_key": key()})
        assert nobody.json()["type"].endswith("/nothing-chosen")
        midnight = zone("Asia/Shanghai").start_of(zone("Asia/Shanghai").day_of(int(time.time())))
        # five of them at 02:00, one of these sent again; the sixth at 09:00
        minutes = [(meter, 120, day) for meter in ids[:5] for day in (1, 2, 3)] + [
            (ids[5], 540, day) for day in (1, 2, 3)
        ]
        minutes += [(ids[0], 125, 2)]
        await clickhouse.insert("signal", _signals(world.b.tenant_id, midnight, minutes))
        plan = (await client.post("/report-plan", json={"limit_per_min": 1})).json()
        assert (plan["meters"], plan["moved"], plan["unplaced"]) == (6, 5, 0), "one of the five stays at 02:00"
        assert plan["moved_for"] == {"crowded": 4, "late": 1}
        (cell,) = plan["cells"]
        assert (cell["limit_per_min"], cell["peak_before"], cell["peak_after"]) == (1, 5, 1)
        assert (cell["in_by_eight_before_ppm"], cell["in_by_eight_after_ppm"]) == (833_333, 1_000_000)
        (curve,) = plan["busiest"]
        assert (curve["before_by_minute"][120], curve["before_by_minute"][125]) == (5, 0.333)
        assert max(plan["after_by_minute"]) < 1.5 and len(plan["after_by_minute"]) == 1440
        easy = (await client.post("/report-plan", json={})).json()
        assert (easy["cells"][0]["limit_per_min"], easy["moved_for"]) == (200, {"late": 1}), (
            "half of what a cell carries"
        )
        made = (await client.post("/report-plan/apply", json={"limit_per_min": 1, "unique_key": key()})).json()
        assert (made["batch"]["total"], made["batch"]["state"]) == (5, "drafted")
        told = await world.owner.fetch(
            "SELECT m.number, b.params FROM command_batch_meter b JOIN meter m USING (meter_id) WHERE b.batch_id = $1",
            made["batch"]["batch_id"],
        )
    given = set()
    for row in told:
        values = json.loads(row["params"])["values"]
        assert (values["spread_interval"], values["spread_start"]) == (0, 0), (
            "the meter's own spreading is switched off"
        )
        number = digits_of(row["number"])
        assert number is not None
        given.add((values["report_time"] + spread_s(Scheme.MOD200, number, 0)) // 60)
    assert len(given) == 5 and max(given) < 420 and 120 not in given


def _signals(tenant: int, midnight: int, minutes: list[tuple[int, int, int]]) -> dict[str, list[int]]:
    """Rows of the signal log: (meter, minute of the day, days ago)."""
    count = len(minutes)
    rows = {
        "tenant_id": [tenant] * count,
        "meter_id": [meter for meter, _, _ in minutes],
        "received_us": [(midnight - days * 86_400 + minute * 60 + 20) * 1_000_000 for _, minute, days in minutes],
        "version": list(range(count)),
    }
    for name in ("rsrp_ddbm", "sinr_ddb", "ecl", "pci", "earfcn", "battery_pct", "battery_mv"):
        rows[name] = [0] * count
    return rows | {"cell": [77] * count}


async def test_what_cells_carry_is_said_by_network_and_class(world: World) -> None:
    line = {"network": "46000", "ce0_per_min": 300, "ce1_per_min": 100, "ce2_per_min": 10}
    async with world.client(world.a.token) as client, world.client(world.b.token) as other:
        found = (await client.get("/cell-capacities")).json()
        default = {"network": "", "ce0_per_min": 400, "ce1_per_min": 200, "ce2_per_min": 50}
        assert found == {"lines": [], "default": default}
        assert (await client.put("/cell-capacities", json=[line, default])).status_code == 200
        assert (await client.get("/cell-capacities")).json()["lines"] == [default, line]
        assert (await other.get("/cell-capacities")).json()["lines"] == []
        for wrong in (
            [line, line],
            [line | {"ce2_per_min": 200}],
            [line | {"network": "46"}],
            [line | {"ce1_per_min": 0}],
        ):
            assert (await client.put("/cell-capacities", json=wrong)).status_code == 400
        assert (await client.get("/cell-capacities")).json()["lines"] == [default, line], (
            "a refused list changes nothing"
        )
        assert (await client.put("/cell-capacities", json=[])).json()["lines"] == []


async def test_what_a_product_says_of_its_meters_is_checked_when_it_is_set(world: World) -> None:
    product = {"code": "SPREAD", "name": "b", "maker": "m", "model": "x", "driver": "openmains/water-1"}
    async with world.client(world.a.token) as client:
        for wrong in ({"scheme": "z"}, {"interval_s": -1}, {"interval_s": True}, {"step": 1}, "b"):
            answer = await client.post("/products", json=product | {"settings": {"spreading": wrong}})
            assert answer.status_code == 400 and "/settings/spreading" in answer.text, wrong
        for wrong in ({"rounding": "off"}, {"step_l": 0}, {"step": 1}, "up"):
            answer = await client.post("/products", json=product | {"settings": {"deduction": wrong}})
            assert answer.status_code == 400 and "/settings/deduction" in answer.text, wrong
        right = {"spreading": {"scheme": "b", "interval_s": 10}, "deduction": {"rounding": "up", "step_l": 20}}
        assert (await client.post("/products", json=product | {"settings": right})).status_code == 201


async def test_the_others_commands_are_not_found(world: World, signer: SqliteLedger) -> None:
    async with world.client(world.b.token) as client:
        path = f"/meters/{world.b.ids['meter_id']}/commands"
        given = (await client.post(path, json={"kind": "read_now", "unique_key": key()})).json()["command"]
        numbers = [(await client.get(f"/meters/{world.b.ids['meter_id']}")).json()["number"]]
        batch = {"name": "x", "kind": "read_now", "unique_key": key(), "chosen": {"numbers": numbers}}
        made = (await client.post("/command-batches", json={"batch": batch})).json()["batch"]
    meter, command, number = world.b.ids["meter_id"], given["command_id"], made["batch_id"]
    async with world.client(world.a.token) as client:
        for method, path, body in (
            ("GET", f"/commands/{command}", None),
            ("POST", f"/commands/{command}/cancel", {}),
            ("POST", f"/commands/{command}/approve", {"signer": BEN}),
            ("GET", f"/meters/{meter}/shadow", None),
            ("GET", f"/meters/{meter}/command-kinds", None),
            ("POST", f"/meters/{meter}/commands", {"kind": "read_now", "unique_key": key()}),
            ("GET", f"/command-batches/{number}", None),
            ("POST", f"/command-batches/{number}/steer", {"action": "start"}),
            ("POST", f"/command-batches/{number}/approve", {"signer": BEN}),
            ("POST", f"/command-batches/{number}/inverse", {"unique_key": key()}),
            ("GET", f"/command-batches/{number}/meters", None),
            ("GET", f"/command-batches/{number}/result", None),
        ):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 404, (method, path, answer.text)
        assert command not in {item["command_id"] for item in (await client.get("/commands?limit=500")).json()["items"]}
        assert number not in {item["batch_id"] for item in (await client.get("/command-batches")).json()["items"]}
        stolen = batch | {"unique_key": key()}
        answer = await client.post("/command-batches", json={"batch": stolen})
        assert answer.json()["type"].endswith("/nothing-chosen")


async def test_a_utility_sets_its_share_and_office_hours(world: World) -> None:
    async with world.client(world.a.token) as client:
        asked = await client.get("/command-policy")
        assert asked.json() == {
            "daily_share_ppm": 20_000, "office_from": 480, "office_to": 1080, "office_days": [0, 1, 2, 3, 4],
            "remote_closing": True,
        }  # fmt: skip
        wanted = {
            "daily_share_ppm": 50_000, "office_from": 420, "office_to": 1200, "office_days": [0, 5], "remote_closing": False,
        }  # fmt: skip
        assert (await client.put("/command-policy?reason=winter", json=wanted)).json() == wanted
        assert (await client.get("/command-policy")).json() == wanted
        night = {**wanted, "office_from": 0}
        assert (await client.put("/command-policy?reason=winter", json=night)).status_code in (400, 422)
        assert (await client.put("/command-policy?reason=winter", json={})).status_code == 200


async def test_a_pulled_log_is_text_or_a_table(world: World) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    body = {"kind": "log_pull", "unique_key": key(), "params": {"since": 0, "until": 1_767_300_000}}
    async with world.client(await world.user(world.a, "operator")) as client:
        given = await client.post(f"/meters/{meter['meter_id']}/commands", json=body)
        path = f"/commands/{given.json()['command']['command_id']}/log"
        command_id = given.json()["command"]["command_id"]
        for part, text in enumerate(("1767288593 magnet on\n", '1767288600 =1+1, "cover"\n')):
            await world.owner.execute(
                "INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)"
                " VALUES ($1, $2, 1, 'log', 'sent', 'meter', $3)",
                world.a.tenant_id, command_id, f"{part}/2\n{text}",
            )  # fmt: skip
        plain = await client.get(path)
        assert plain.text == '1767288593 magnet on\n1767288600 =1+1, "cover"\n'
        table = await client.get(path, params={"format": "csv"}, headers={"Accept-Language": "en"})
        assert table.headers["content-type"].startswith("text/csv")
        assert table.headers["content-disposition"].endswith('.csv"')
        assert list(csv.reader(io.StringIO(table.content.decode("utf-8-sig")))) == [
            ["time of the meter", "seconds", "entry"],
            ["2026-01-02T01:29:53+08:00", "1767288593", "magnet on"],
            ["2026-01-02T01:30:00+08:00", "1767288600", '\'=1+1, "cover"'],
        ]
        assert (await client.get(path, params={"format": "pdf"})).status_code == 400
    async with world.client(world.b.token) as other:
        assert (await other.get(path)).status_code == 404


async def test_single_settings_count_in_the_share_of_a_day(world: World) -> None:
    utility = await world.utility()
    meters = await add_meters(world, utility, 21)
    async with world.client(utility.token) as client:

        async def give(place: int, unique_key: str) -> Any:
            body = {"kind": "set_parameters", "unique_key": unique_key, "params": {"values": {"report_time": 60}}}
            return await client.post(f"/meters/{meters[place]['meter_id']}/commands", json=body)

        keys = [key() for _ in meters]
        given = [await give(place, keys[place]) for place in range(21)]
        assert [answer.status_code for answer in given] == [201] * 20 + [409]
        assert given[20].json()["type"].endswith("/daily-share-used")
        assert (await client.get(f"/commands?meter_id={meters[20]['meter_id']}")).json()[
            "items"
        ] == []  # nothing was written
        assert (await give(3, key())).status_code == 201  # one that was configured today anyway
        assert (await give(5, keys[5])).status_code == 201  # a repeat is the same command
