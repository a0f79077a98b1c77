# SPDX-License-Identifier: Apache-2.0
"""The fleet on real sockets against our own CoAP server, and its command."""

import argparse
import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from openmains.drivers import catalog
from openmains.drivers.model import MISSING_VALUE, Kind
from openmains.drivers.points import vocabulary
from openmains.emulator.device.endpoint import Endpoint, Network, Outcome, parse_target
from openmains.emulator.fleet import Fleet, supply
from openmains.emulator.fleet_model import Faults, FleetSummary, MeterSpec, Radio, VirtualClock
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.diary import What
from openmains.emulator.meter.frames import DriverFrames, immediate_events
from openmains.emulator.meter.meter import UNKNOWN, Meter, Profile, Send, Snapshot
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.run.admin import emulate as emulate_cli
from openmains.wire.coap.reliability import Timing
from tests.emulator.peer import Platform
from tests.support.system import until

_MIDNIGHT = 20_454 * 86_400 - 8 * 3600
_DEMO = Profile(Period.EVERY, 60, today=True, heartbeats_s=(), window_s=1, log_days=10)
_FAST = Timing(ack_timeout_s=0.05)


def _specs(count: int, profile: Profile = _DEMO, driver: str = "openmains/water-1") -> list[MeterSpec]:
    medium = Medium[catalog.load().driver(driver).medium.upper()]
    return [
        MeterSpec(f"{861_000_000_000_000 + k}", 5000 + k, medium, DriverFrames(driver, 5000 + k), profile)
        for k in range(count)
    ]


@pytest.mark.parametrize("driver", ["openmains/water-1", "openmains/gas-1"])
async def test_demo_fleet_sends_what_was_consumed_today(driver: str) -> None:
    platform = Platform(driver)
    target = await platform.start()
    start = _MIDNIGHT + 10 * 3600 + 120
    town = Consumption(3)
    fleet = Fleet(_specs(50, driver=driver), target, start=start, speed=150, town=town, attach_spread_s=60)
    summary = await run_until(fleet, lambda: len(platform.received) == 50 and fleet.summary().acknowledged >= 100)
    platform.stop()
    arrived = sum(len(frames) for frames in platform.received.values())
    assert (
        100 <= summary.acknowledged <= min(arrived, summary.sent)
    )  # what was under way at the end is answered by nobody
    assert not summary.failed
    assert len(platform.received) == 50
    medium = Medium[platform.driver.medium.upper()]
    for imei, frames in platform.received.items():
        number = int(imei) - 861_000_000_000_000 + 5000
        columns, rejected = platform.driver.decode(frames, [start] * len(frames))
        assert not rejected
        for group in columns:
            assert group.kind is Kind.REPORT
            for row in range(len(group.rows)):
                points = {name: int(values[row]) for name, values in group.points.items()}
                assert points["start_at"] == _MIDNIGHT
                assert points["base"] == town.register_at(number, medium, _MIDNIGHT)
                increments = [int(value) for value in group.series["increments"][row]]
                bound = _MIDNIGHT + len(increments) * 1800
                assert len(increments) == 20
                assert points["base"] + sum(increments) == town.register_at(number, medium, bound)


async def test_bad_network_every_report_comes_once() -> None:
    platform = Platform()
    target = await platform.start()
    network = Network(loss=0.2, duplicates=0.2, reordering=0.2, reordering_delay_s=0.02)
    specs = _specs(30, Profile(immediate=immediate_events("openmains/water-1"), scheme=Scheme.NONE, log_days=10))
    fleet = Fleet(specs, target, start=_MIDNIGHT + 3600, speed=10, radio=Radio(network, _FAST), attach_spread_s=0)
    await run_until(fleet, lambda: len(platform.received) == 30 and fleet.summary().retransmitted)
    platform.stop()
    assert all(len(frames) == len(set(frames)) for frames in platform.received.values())


async def run_until(fleet: Fleet, enough: Callable[[], object]) -> FleetSummary:
    """However long that takes."""
    task = asyncio.create_task(fleet.run())
    await asyncio.sleep(0)  # it has a beginning, which ``summary`` counts from
    await until(enough)
    fleet.stop()
    return await task


async def test_faults_are_counted_by_code() -> None:
    specs = _specs(60)
    platform = Platform(known={spec.imei for spec in specs})
    target = await platform.start()
    faults = Faults(50, 0.1, wrong_crc=0.3, unknown=0.3, alarms_per_day=200, attach_failures=0.1)
    fleet = Fleet(specs, target, start=_MIDNIGHT, speed=60, faults=faults, attach_spread_s=0, radio=Radio(rate=500))

    def all_happened() -> bool:
        now = fleet.summary()
        return min(now.failed["4.00"], now.failed["4.04"], now.acknowledged) > 0

    summary = await run_until(fleet, all_happened)
    platform.stop()
    assert json.loads(summary.json())["failed"]["4.04"] == summary.failed["4.04"]


@pytest.mark.usefixtures("takes_seconds")
async def test_events_of_a_fleet_have_their_causes_and_513_happens() -> None:
    driver = "openmains/gas-1"
    platform = Platform(driver)
    target = await platform.start()
    specs = _specs(40, Profile(immediate=immediate_events(driver), scheme=Scheme.NONE, log_days=10), driver)
    faults = Faults(alarms_per_day=20, busy=0.2)
    fleet = Fleet(
        specs, target, start=_MIDNIGHT + 3600, speed=1200, faults=faults, attach_spread_s=0, radio=Radio(timing=_FAST)
    )
    summary = await run_until(fleet, lambda: fleet.summary().failed["513"] > 5 and fleet.summary().kinds["alarm"] > 20)
    platform.stop()
    assert summary.failed["513"] > 5
    for meter in fleet.meters:
        imei = str(861_000_000_000_000 + meter.number - 5000)
        happened = {entry.name for entry in meter.diary.of(What.EVENT)}
        assert all(entry.why for entry in meter.diary.of(What.EVENT))
        for group in platform.driver.decode(platform.received[imei], [0] * len(platform.received[imei]))[0]:
            if group.event_mask is not None:
                for mask in group.event_mask.tolist():
                    assert set(vocabulary().event_names(mask)) <= happened


async def test_silence_is_a_failure_and_recovery_follows() -> None:
    platform = Platform(deaf=10_000)
    target = await platform.start()
    timing = Timing(ack_timeout_s=0.01, max_retransmit=1)
    fleet = Fleet(_specs(5), target, start=_MIDNIGHT, speed=120, radio=Radio(timing=timing), attach_spread_s=0)
    task = asyncio.create_task(fleet.run())
    await asyncio.sleep(0)  # it has a beginning, which ``summary`` counts from
    await until(lambda: fleet.summary().failed["TimedOut"])
    platform.deaf = 0
    await until(lambda: fleet.summary().acknowledged >= 5)
    fleet.stop()
    assert (await task).acknowledged >= 5
    platform.stop()


def test_virtual_clock() -> None:
    real = [100.0]
    clock = VirtualClock(1000, 60, lambda: real[0])
    real[0] = 102.0
    assert clock.now() == 1120
    assert clock.real_wait(1180) == 1.0
    assert clock.real_wait(0) == 0


async def test_endpoint_against_nobody() -> None:
    """A closed port: the error of the socket counts as loss, the exchange ends by its own clock."""
    platform = Platform()
    target = await platform.start()
    platform.stop()
    await asyncio.sleep(0)
    endpoint = await Endpoint.connect(target, random.Random(1), Timing(ack_timeout_s=0.01, max_retransmit=1))  # noqa: S311
    done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    endpoint.post("861000000000000", b"x", done.set_result)
    outcome = await done
    endpoint.close()
    assert (outcome.code, outcome.reason, outcome.ok) == (0, "TimedOut", False)


@pytest.mark.parametrize(
    ("text", "target"),
    [("a.b:1", ("a.b", 1)), ("[::1]:5683", ("::1", 5683)), ("[::1]", ("::1", 5683)), ("host", ("host", 5683))],
)
def test_targets(text: str, target: tuple[str, int]) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", ":5683", "host:", "host:x", "host:70000"])
def test_bad_targets(text: str) -> None:
    with pytest.raises(ValueError, match="not host:port"):
        parse_target(text)


def _arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    emulate_cli.add_arguments(parser)
    return parser.parse_args(words)


async def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    platform = Platform()
    host, port = await platform.start()
    meters = tmp_path / "meters.csv"
    meters.write_text("imei,number,driver\n861000000000001,17,openmains/water-1\n861000000000002,18,\n")
    words = f"--target {host}:{port} --meters {meters} --cadence 1 --seconds 1.2 --quiet"
    args = _arguments(*words.split())
    summary = await emulate_cli._run(args, emulate_cli.read_meters(args))
    platform.stop()
    assert summary.acknowledged >= 2
    assert set(platform.received) == {"861000000000001", "861000000000002"}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--first-imei", "1", "--driver", "nobody/none"),
        ("--meters", "nowhere.csv"),
        ("--first-imei", "1", "--target", "x:y"),
        ("--first-imei", "1", "--transport", "dtls"),
    ],
)
def test_command_says_what_is_wrong(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert emulate_cli.main(_arguments(*words)) == 2
    assert capsys.readouterr().err.startswith("openmains emulate: ")


def test_preloaded_log_equals_the_lazy_one() -> None:
    """Fleets fill the logs of all meters at once; a meter alone fills its own at the first look."""
    now = _MIDNIGHT + 5 * 3600 + 77
    profile = Profile(scheme=Scheme.NONE)
    town = Consumption(9)
    frames = DriverFrames("openmains/water-1", 77)
    payloads = []
    for preloaded in (False, True):
        meter = Meter(77, profile, supply(town, 77, Medium.WATER), frames)
        if preloaded:
            newest = now // 1800 * 1800
            meter.preload(newest, town.registers(77, Medium.WATER, newest - 9 * 86_400, 1800, 9 * 48 + 1))
        actions = meter.switch_on(now, attach_after_s=0)
        (send,) = [action for action in [*actions, *meter.on_attach(True, now)] if isinstance(action, Send)]
        payloads.append(send.payload)
    assert payloads[0] == payloads[1]
    assert len(payloads[0]) < 200, "R1.4"


@pytest.mark.parametrize(
    ("driver", "enhanced", "largest"), [("openmains/water-1", True, 300), ("openmains/gas-1", False, 200)]
)
def test_message_sizes(driver: str, enhanced: bool, largest: int) -> None:
    """R1.4: enhanced < 300 B, basic < 200 B, alarm < 50 B; the driver reads back what was meant."""
    frames = DriverFrames(driver, 10**12 + 5, enhanced=enhanced)
    snapshot = Snapshot(_MIDNIGHT, 70_000, 10_000, frozenset({"magnetic"}), _MIDNIGHT - 86_400, 1800)
    snapshot.freezes = [1000 + 10 * k for k in range(48)] + [UNKNOWN]
    snapshot.freezes[7] = UNKNOWN
    snapshot.history, snapshot.history_at = [1000, 900, UNKNOWN, 2000, 700], _MIDNIGHT - 86_400
    snapshot.event, snapshot.raised_at = "movement", _MIDNIGHT - 5
    report = frames.report(snapshot)
    assert len(report) < largest
    (group,), _ = catalog.load().driver(driver).decode([report], [0])
    increments = group.series["increments"][0].tolist()
    assert [place for place, value in enumerate(increments) if value == MISSING_VALUE] == [6, 7, 47]
    history = group.series["history"][0].tolist()
    assert history == [1000, 900, MISSING_VALUE, MISSING_VALUE, 700], "a register above the newest one is no history"
    for raised, active in ((True, {"magnetic", "movement"}), (False, {"magnetic"})):
        snapshot.raised = raised
        alarm = frames.alarm(snapshot)
        assert len(alarm) < 50
        (group,), _ = catalog.load().driver(driver).decode([alarm], [0])
        assert group.event_mask is not None
        assert set(vocabulary().event_names(int(group.event_mask[0]))) == active


def test_time_in_the_answer() -> None:
    for name in ("openmains/water-1", "openmains/gas-1"):
        frames = DriverFrames(name, 1)
        answer = (
            catalog.load().driver(name).answer(frames.heartbeat(Snapshot(5, 1, 0, frozenset())), 1_767_200_123, 480)
        )
        assert frames.time_of(answer) == 1_767_200_123
        assert frames.time_of(b"") is None
    with pytest.raises(ValueError, match="no driver"):
        DriverFrames("nobody/none")
