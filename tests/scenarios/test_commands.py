# SPDX-License-Identifier: Apache-2.0
"""Commands on a running system: given through the API, signed by people enrolled at the machine, carried out by meters on sockets.

Nobody waits for a day here: a command's time passes by moving its end in the database (``age``), a meter's by its clock.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from enum import IntEnum, auto
from typing import Any

import pytest

from openmains.domain.command.kinds import RULES, Kind
from openmains.emulator.meter.valve import Position
from tests.support.chaos import halted
from tests.support.commanded import ANN, CommandedMeter, CommandedTown, awake, commanded_town
from tests.support.patience import PATIENCE_S
from tests.support.system import System, Systems, until, until_async

DAY = 86_400
PAUSE_S = 3700  # longer than any pause between two attempts
KINDS = list(Kind)
VALVES = (Kind.VALVE_CLOSE, Kind.VALVE_OPEN)
NOW = int(time.time())
PARAMS: dict[Kind, dict[str, Any]] = {
    Kind.READ_INTERVALS: {"since": NOW - 7200, "until": NOW + 7200},
    Kind.LOG_PULL: {"since": NOW - DAY, "until": NOW + DAY},
    Kind.SET_PARAMETERS: {"values": {"low_battery": 3400, "report_time": 3600}},
    Kind.SET_SIGNED_PARAMETERS: {"values": {"balance_warning": 2000}},
    Kind.READ_PARAMETERS: {"names": []},
    Kind.SAFETY_CLOSE: {"reason": 1, "evidence": "smell of gas on the stairs"},
    Kind.SET_PRICE: {
        "version": 2, "effective_at": 0, "period_start": NOW - DAY, "cycle_months": 1, "clear_total": 0, "tiers": 1,
        "tier_from": [0], "prices": [25_000],
    },
    Kind.TOP_UP: {"amount": 5000, "balance_kind": 0},
    Kind.SET_CLOCK: {"platform_at": NOW, "utc_offset_min": 480},
    Kind.SET_PLATFORM: {"port": 5684, "host": "meters.example.org"},
}  # fmt: skip
TOP_UP = PARAMS[Kind.TOP_UP]


class Place(IntEnum):
    """Meters that a test has to itself, after one for each kind of command."""

    REFUSES = len(KINDS)
    TIMES_OUT = auto()
    SLEEPS = auto()
    LATE = auto()
    RESETS = auto()
    LOSES = auto()
    TOLD_LATE = auto()
    ORDER = auto()
    NEWER = auto()
    MOVES = auto()
    HELD = auto()
    STOPS = auto()
    DOWN = auto()
    PROOF = auto()


@pytest.fixture(scope="module")
async def town(systems: Systems) -> AsyncIterator[CommandedTown]:
    with systems(meter_rate_per_min=10_000) as system:
        async with commanded_town(system, len(KINDS) + len(Place)) as made:
            yield made


async def speaks_until(town: CommandedTown, meter: CommandedMeter, command_id: int, *states: str) -> Any:
    """The meter reports again and again; the command in its end state."""

    async def reached() -> Any:
        await meter.speak()
        found = town.command(command_id)
        return found if found["state"] in states else None

    try:
        return await until_async(reached)
    except AssertionError:
        meters = [(len(meter.frames), meter.terminal.meter.state, list(meter.terminal.meter.log)[-5:])]
        raise AssertionError((town.command(command_id), town.system.counters(), meters)) from None


Obeyed = tuple[CommandedMeter, Any]  # the meter, its command in its end state


async def obeyed(town: CommandedTown, kind: Kind) -> Obeyed:
    place = KINDS.index(kind)
    meter = await awake(town, place, money=kind not in VALVES)
    meter.terminal.meter.note(meter.now, "magnet on")
    command_id = town.give(place, kind, f"each-{kind}", signed=RULES[kind].signed, params=PARAMS.get(kind, {}))
    return meter, await speaks_until(town, meter, command_id, "confirmed", "failed", "expired")


@pytest.fixture(scope="module")
async def each_kind(town: CommandedTown) -> dict[Kind, Obeyed | BaseException]:
    """All kinds at once, each with a meter to itself: one after the other they wait for the same second of the dispatcher."""
    found = await asyncio.gather(*(obeyed(town, kind) for kind in KINDS), return_exceptions=True)
    return dict(zip(KINDS, found, strict=True))


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_confirmed_by_the_meter(
    town: CommandedTown, each_kind: dict[Kind, Obeyed | BaseException], kind: Kind
) -> None:
    place, outcome = KINDS.index(kind), each_kind[kind]
    if isinstance(outcome, BaseException):
        raise outcome
    meter, found = outcome
    command_id = found["command_id"]
    assert (found["state"], found["reason"]) == ("confirmed", "done")
    assert len(set(meter.frames)) == 1
    if kind in (Kind.VALVE_CLOSE, Kind.SAFETY_CLOSE):
        assert meter.terminal.valve.position == Position.CLOSED
        assert found["answer"]["valve"] == 1
    elif kind is Kind.TOP_UP:
        assert meter.credit == TOP_UP["amount"] * 100_000
    elif kind is Kind.LOG_PULL:
        text = town.system.api.get(f"/commands/{command_id}/log").text
        assert "magnet on" in text
    elif kind in (Kind.SET_PARAMETERS, Kind.READ_PARAMETERS):
        entries = {e["name"]: e for e in town.system.get(f"/meters/{town.id_of(place)}/shadow")["entries"]}
        assert entries["low_battery"]["reported"] == (3400 if kind is Kind.SET_PARAMETERS else 3300)
        assert not entries["low_battery"]["differs"] or kind is Kind.READ_PARAMETERS


@pytest.mark.usefixtures("each_kind")
async def test_the_same_key_again_is_the_same_command(town: CommandedTown) -> None:
    place = KINDS.index(Kind.TOP_UP)
    again = town.give(place, Kind.TOP_UP, f"each-{Kind.TOP_UP}", signed=True, params=TOP_UP)
    (meter,) = [meter for meter in town.meters if meter.number == town.number(place)]
    assert town.state(again) == "confirmed"
    await meter.speak()
    assert len(set(meter.frames)) == 1
    body = {"kind": "top_up", "unique_key": f"each-{Kind.TOP_UP}", "params": TOP_UP | {"amount": 1}, "signer": ANN}
    refused = town.system.api.post(f"/meters/{town.id_of(place)}/commands", json=body)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "key-used")


async def test_a_meter_that_refuses(town: CommandedTown) -> None:
    meter = await awake(town, Place.REFUSES)
    command_id = town.give(Place.REFUSES, "top_up", "refused-1", signed=True, params={"amount": 100, "balance_kind": 1})
    found = await speaks_until(town, meter, command_id, "confirmed", "failed")
    assert (found["state"], found["reason"]) == ("failed", "refused")
    assert meter.credit == 0


async def test_a_reading_without_an_answer_times_out(town: CommandedTown) -> None:
    meter = await awake(town, Place.TIMES_OUT)
    town.system.send("PUT", "/command-times?reason=test", {"kind": "read_status", "attempts": 1, "pause_s": 20})
    meter.deaf = True  # from now on, for the dispatcher may still be busy with what it said on waking
    command_id = town.give(Place.TIMES_OUT, "read_status", "timed-out")
    await town.reaches(command_id, "queued", "sent")
    await meter.starts_to_speak()
    await town.reaches(command_id, "sent")
    await town.age(command_id, 60)
    found = await town.reaches(command_id, "failed")
    assert found["reason"] == "no_answer"
    assert meter.frames == []


async def test_a_command_for_a_meter_that_sleeps_too_long_is_never_sent(town: CommandedTown) -> None:
    meter = town.meter(Place.SLEEPS)
    command_id = town.give(Place.SLEEPS, "restart", "slept-over", validity_s=60)
    await town.reaches(command_id, "queued")
    await town.age(command_id, 61)
    found = await town.reaches(command_id, "expired")
    assert (found["reason"], found["attempts"]) == ("never_sent", 0)
    await meter.wake()
    for _ in range(3):
        await meter.speak()
    assert meter.frames == []


async def test_a_closing_that_comes_too_late_is_not_done(town: CommandedTown) -> None:
    """Sent in time, lost on the way; two days later the meter is asked, and says that it has not and will not."""
    meter = await awake(town, Place.LATE, money=False)
    meter.deaf = True
    command_id = town.give(Place.LATE, "valve_close", "too-late", signed=True)
    await town.reaches(command_id, "queued", "sent")
    await meter.starts_to_speak()
    await town.reaches(command_id, "sent")
    await town.age(command_id, 2 * DAY)
    await town.reaches(command_id, "asking")
    meter.ahead_s = 2 * DAY
    meter.deaf = False
    found = await speaks_until(town, meter, command_id, "expired", "confirmed", "failed")
    assert found["state"] == "expired"
    assert meter.frames
    assert meter.terminal.valve.position == Position.OPEN


async def test_a_module_reset_between_delivery_and_answer(town: CommandedTown) -> None:
    meter = await awake(town, Place.RESETS)
    meter.forgets = True
    command_id = town.give(Place.RESETS, "top_up", "reset-between", signed=True, params=TOP_UP)
    await speaks_until(town, meter, command_id, "delivered")
    assert meter.credit == TOP_UP["amount"] * 100_000
    await town.age(command_id, PAUSE_S)
    found = await speaks_until(town, meter, command_id, "confirmed", "failed", "expired")
    assert (found["state"], found["reason"]) == ("confirmed", "already_done")
    assert meter.credit == TOP_UP["amount"] * 100_000
    assert len(meter.frames) >= 2 and len(set(meter.frames)) == 1


async def test_an_answer_that_is_lost_is_asked_for_again(town: CommandedTown) -> None:
    meter = await awake(town, Place.LOSES)
    meter.mute = True
    command_id = town.give(Place.LOSES, "top_up", "answer-lost", signed=True, params=TOP_UP)
    await speaks_until(town, meter, command_id, "delivered")
    meter.mute = False
    await town.age(command_id, PAUSE_S)
    found = await speaks_until(town, meter, command_id, "confirmed", "failed", "expired")
    assert (found["state"], found["reason"]) == ("confirmed", "already_done")
    assert meter.credit == TOP_UP["amount"] * 100_000


async def test_done_in_time_and_told_after_the_end_is_confirmed(town: CommandedTown) -> None:
    meter = await awake(town, Place.TOLD_LATE, money=False)
    meter.mute = True
    command_id = town.give(Place.TOLD_LATE, "valve_close", "told-late", signed=True)
    await speaks_until(town, meter, command_id, "delivered")
    await until(lambda: meter.terminal.valve.position == Position.CLOSED)
    await town.age(command_id, 2 * DAY)
    await town.reaches(command_id, "asking")
    meter.mute = False
    meter.ahead_s = 2 * DAY
    found = await speaks_until(town, meter, command_id, "confirmed", "failed", "expired")
    assert (found["state"], found["reason"]) == ("confirmed", "already_done")


async def test_signed_commands_come_one_by_one_in_the_order_they_were_given(town: CommandedTown) -> None:
    meter = await awake(town, Place.ORDER)
    given = [
        town.give(Place.ORDER, "top_up", f"in-order-{n}", signed=True, params=TOP_UP | {"amount": n + 1})
        for n in range(4)
    ]
    for command_id in given:
        await town.reaches(command_id, "queued")
    for _ in range(2):  # the answer of one brings the next: no further report is needed
        await meter.speak()
    for command_id in given:
        await town.reaches(command_id, "confirmed")
    assert meter.serials() == [town.command(command_id)["serial"] for command_id in given]
    assert meter.serials() == sorted(meter.serials())
    assert meter.credit == (1 + 2 + 3 + 4) * 100_000


async def test_a_newer_setting_replaces_an_older_one_that_was_not_sent(town: CommandedTown) -> None:
    meter = town.meter(Place.NEWER)  # asleep: no report of its own, still on its way, may bring the first of them to it
    settings = [{"values": {"low_battery": value}} for value in (3300, 3350, 3400)]
    first, second, third = (
        town.give(Place.NEWER, "set_parameters", f"newer-setting-{n}", params=params)
        for n, params in enumerate(settings)
    )
    other = town.give(Place.NEWER, "set_parameters", "newer-other", params={"values": {"report_time": 7200}})
    for command_id in (third, other):
        await town.reaches(command_id, "queued")
    await meter.wake()
    for command_id in (third, other):
        await speaks_until(town, meter, command_id, "confirmed")
    for replaced in (first, second):
        found = town.command(replaced)
        assert found["state"] == "cancelled"
        assert found["reason"].startswith("replaced_by")
    assert len(set(meter.frames)) == 2
    assert meter.terminal.setting("low_battery") == 3400


async def test_an_address_that_is_not_confirmed_gets_no_command_before_it_answered_the_ping(
    town: CommandedTown,
) -> None:
    meter = await awake(town, Place.MOVES)
    command_id = town.give(Place.MOVES, "top_up", "moved-away", signed=True, params=TOP_UP)
    await town.reaches(command_id, "queued")
    await meter.open()  # another address; whoever has it can replay one record but not answer
    report = await meter.starts_to_speak()
    meter.quiet = True
    assert await report == 0x44
    await until(lambda: town.system.counters().get("edge.proofs.asked"))
    await town.reaches(command_id, "sent")
    records = sum(len(nonces) for nonces in meter.seen.values())
    assert meter.frames == []
    meter.quiet = False
    await until(lambda: meter.frames)  # it answers the ping's repetition
    assert sum(len(nonces) for nonces in meter.seen.values()) > records
    await town.reaches(command_id, "confirmed")
    assert meter.credit == TOP_UP["amount"] * 100_000


async def test_a_quarantined_terminal_gets_no_command(town: CommandedTown) -> None:
    meter = await awake(town, Place.HELD)
    security = f"/meters/{town.id_of(Place.HELD)}/security"
    before = town.system.counters().get("edge.terminals.not_allowed", 0)
    town.system.send("POST", f"{security}/hold", {"state": "quarantine", "note": "a test"})
    await until(lambda: town.system.counters().get("edge.terminals.not_allowed", 0) > before)
    command_id = town.give(Place.HELD, "top_up", "held-back", signed=True, params=TOP_UP)
    await speaks_until(town, meter, command_id, "sent")
    assert await meter.speak() == 0x44  # its readings are taken
    assert meter.frames == []
    await until(lambda: "lose" in {line["event"] for line in town.command(command_id)["history"]})
    town.system.send("POST", f"{security}/release", {"note": "it was a test"})
    await until(lambda: town.system.counters().get("edge.terminals.not_allowed", 0) == before)
    await town.age(command_id, PAUSE_S)
    await speaks_until(town, meter, command_id, "confirmed")
    assert len(set(meter.frames)) == 1


def stop_switch(system: System, *words: str) -> None:
    """``openmains stop-commands``: what it says holds as soon as it has ended."""
    done = subprocess.run(
        [sys.executable, "-m", "openmains.run.cli", "stop-commands", *words],
        env=os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8"},
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


async def test_the_stop_holds(town: CommandedTown) -> None:
    meter = await awake(town, Place.STOPS)
    command_id = town.give(Place.STOPS, "top_up", "stopped-1", signed=True, params=TOP_UP)
    await town.reaches(command_id, "queued")
    before = town.system.counters().get("dispatch.command.stopped", 0)
    try:
        stop_switch(town.system)
        for _ in range(4):
            await meter.speak()
        await until(lambda: town.system.counters().get("dispatch.command.stopped", 0) > before)
        assert meter.frames == []
        assert town.state(command_id) == "queued"
        body = {"kind": "top_up", "unique_key": "stopped-2", "params": TOP_UP, "signer": ANN}
        refused = town.system.api.post(f"/meters/{town.id_of(Place.STOPS)}/commands", json=body)
        assert refused.json()["type"].rpartition("/")[2] == "commands-stopped"
    finally:
        stop_switch(town.system, "--resume")
    await speaks_until(town, meter, command_id, "confirmed")
    assert len(set(meter.frames)) == 1


async def test_the_stop_works_while_postgresql_is_down(town: CommandedTown) -> None:
    """Commands wait while nothing answers; the stop is set then; when the database is back nothing goes out."""
    meter = await awake(town, Place.DOWN)
    command_id = town.give(Place.DOWN, "top_up", "stopped-down", signed=True, params=TOP_UP)
    await town.reaches(command_id, "queued")
    before = town.system.counters().get("dispatch.command.stopped", 0)
    try:
        with halted(town.system, "postgresql"):
            assert await meter.speak() == 0x44  # readings are taken all the same
            stop_switch(town.system)
        for _ in range(3):
            await meter.speak()
        await until(lambda: town.system.counters().get("dispatch.command.stopped", 0) > before)
        assert meter.frames == []
    finally:
        stop_switch(town.system, "--resume")
    await speaks_until(town, meter, command_id, "confirmed")


async def test_a_frame_that_waits_at_the_edge_is_stopped_as_well(town: CommandedTown) -> None:
    """It was signed and handed to the edge, which waits for the meter's proof: the stop comes in between."""
    meter = await awake(town, Place.PROOF)
    command_id = town.give(Place.PROOF, "top_up", "stopped-edge", signed=True, params=TOP_UP)
    await town.reaches(command_id, "queued")
    await meter.open()
    report = await meter.starts_to_speak()
    meter.quiet = True
    await report
    await town.reaches(command_id, "sent")
    try:
        stop_switch(town.system)
        meter.quiet = False
        await until(lambda: town.system.counters().get("edge.downlink.stopped"))
        assert meter.frames == []
    finally:
        stop_switch(town.system, "--resume")
    await town.age(command_id, PAUSE_S)
    await speaks_until(town, meter, command_id, "confirmed")
    assert meter.credit == TOP_UP["amount"] * 100_000


async def test_nobody_else_heard_anything(town: CommandedTown) -> None:
    """Every frame was one of the meter's own commands, and no record's number was used twice."""
    await asyncio.sleep(0)
    for meter in town.meters:
        assert meter.reused == []
        own = {
            item["serial"] for item in town.system.get("/commands", meter_id=town.meter_ids[str(meter.number)])["items"]
        }
        assert set(meter.serials()) <= own
