# SPDX-License-Identifier: Apache-2.0
"""Replay: every row of the file arrives exactly, once, in order; times and numbers as the contract says."""

import argparse
import asyncio
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from openmains.emulator.device.endpoint import Network
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.replay import ReplayError, Series, State, WallClock, map_imeis, read_series, replay, whole
from openmains.run.admin import replay as replay_cli
from openmains.wire.coap.message import Code
from openmains.wire.coap.reliability import Timing
from tests.emulator.peer import Platform
from tests.support import real_water

_FAST = Timing(ack_timeout_s=0.05)


def _utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_hour_that_comes_twice() -> None:
    clock = WallClock(ZoneInfo("Europe/Madrid"))
    given = ["00:30:00", "01:59:59", "02:10:00", "02:40:00", "02:09:59", "02:30:00", "03:00:00", "03:30:00"]
    instants = [clock.instant(f"2016-10-30 {text}") for text in given]
    wanted = ["22:30:00", "23:59:59", "00:10:00", "00:40:00", "01:09:59", "01:30:00", "02:00:00", "02:30:00"]
    days = ["2016-10-29"] * 2 + ["2016-10-30"] * 6
    assert instants == [_utc(f"{day} {text}") for day, text in zip(days, wanted, strict=True)]


@pytest.mark.parametrize(("second", "distance"), [(False, 0), (True, 3600)])
def test_equal_time_in_the_double_hour(second: bool, distance: int) -> None:
    clock = WallClock(ZoneInfo("Europe/Madrid"), same_is_second=second)
    first = clock.instant("2016-10-30 02:25:58")
    assert clock.instant("2016-10-30 02:25:58") - first == distance


def test_time_that_runs_back_elsewhere_stays_as_it_is() -> None:
    clock = WallClock(ZoneInfo("Europe/Madrid"))
    texts = ["2016-10-30 03:10:00", "2016-10-30 02:50:00", "2016-07-01 10:00:00", "2016-07-01 09:00:00"]
    wanted = ["2016-10-30 02:10:00", "2016-10-30 00:50:00", "2016-07-01 08:00:00", "2016-07-01 07:00:00"]
    assert [clock.instant(text) for text in texts] == [_utc(text) for text in wanted]


def test_time_with_offset_is_taken_as_it_is() -> None:
    assert WallClock(ZoneInfo("Asia/Shanghai")).instant("2026-01-01 00:00:00+00:00") == _utc("2026-01-01 00:00:00")


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("4e+05", 400_000), ("2E5", 200_000), ("12.0", 12), ("-3", -3)])
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(text) == value


@pytest.mark.parametrize("text", ["1.5", "x", "", "1e-3", "nan", "inf"])
def test_not_whole_numbers(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        whole(text)


def test_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(b"meter,local_time,register_l\r\nA,2026-01-01 00:00:00,1\r\nA,2026-01-01 01:00:00,1.5\r\n")
    with pytest.raises(ReplayError, match=r"bad\.csv:3: not a whole number"):
        read_series(file, "Asia/Shanghai")


@pytest.mark.parametrize(
    ("line", "said"), [(b'"A,2026-01-01 01:00:00,2', "never closed"), (b"A\xff,2026-01-01 01:00:00,2", "bytes")]
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(b"meter,local_time,register_l\nA,2026-01-01 00:00:00,1\n" + line + b"\nA,2026-01-01 02:00:00,3\n")
    with pytest.raises(ReplayError, match=rf"bad\.csv:3: .*{said}"):
        read_series(file, "Asia/Shanghai")


def test_equals_the_independent_reader() -> None:
    _equal_to_the_independent_reader(real_water.EXCERPT)


@pytest.mark.usefixtures("takes_minutes")
def test_equals_the_independent_reader_over_the_whole_year() -> None:
    """Where the file lies; half a minute."""
    _equal_to_the_independent_reader(real_water.source()[0])


def _equal_to_the_independent_reader(path: Path) -> None:
    for later in (False, True):
        wanted = real_water.readings(path, later=later)
        found = read_series(path, "Europe/Madrid", same_is_second=later)
        assert [series.meter for series in found] == list(wanted)
        for series in found:
            assert list(zip(series.instants, series.registers, strict=True)) == wanted[series.meter]


def test_imeis() -> None:
    found = map_imeis(["a", "b", "c"], ["b=861000000000009"], 862_000_000_000_000)
    assert found == {"a": "862000000000000", "b": "861000000000009", "c": "862000000000002"}
    with pytest.raises(ReplayError, match="no IMEI for meter a"):
        map_imeis(["a"], [], None)
    with pytest.raises(ReplayError, match="15 digits"):
        map_imeis(["a"], ["a=12"], None)
    with pytest.raises(ReplayError, match="same IMEI"):
        map_imeis(["a", "b"], ["b=862000000000000"], 862_000_000_000_000)


def _series(meters: int, rows: int) -> list[Series]:
    made = []
    for m in range(meters):
        series = Series(f"M{m}")
        for k in range(rows):
            series.instants.append(1_767_196_800 + 3600 * (k - k % 7 // 6))  # with repeated instants
            series.registers.append(400_000 + 13 * k - (5000 if k % 50 == 49 else 0))  # and registers that go back
        made.append(series)
    return made


def _arrived(platform: Platform, imei: str) -> list[tuple[int, int]]:
    columns, rejected = platform.driver.decode(platform.received[imei], [0] * len(platform.received[imei]))
    assert not rejected
    by_row: dict[int, list[tuple[int, int]]] = {}
    for group in columns:
        for place, row in enumerate(group.rows):
            instants, values = group.series["register_instants"][place], group.series["register_values"][place]
            by_row[row] = [(int(at), int(value)) for at, value in zip(instants, values, strict=True)]
    return [pair for row in sorted(by_row) for pair in by_row[row]]


def _wanted(series: Series) -> list[tuple[int, int]]:
    return list(zip(series.instants, series.registers, strict=True))


async def test_order_survives_a_bad_network() -> None:
    platform = Platform()
    target = await platform.start()
    series = _series(12, 150)
    imeis = map_imeis([one.meter for one in series], [], 861_000_000_000_000)
    network = Network(loss=0.1, duplicates=0.2, reordering=0.3, reordering_delay_s=0.05)
    frames = DriverFrames("openmains/water-1")
    state = State(None, "x")
    summary = await replay(series, imeis, target, frames, state, timing=_FAST, network=network, retry_s=0.01)
    platform.stop()
    assert summary.registers == 12 * 150
    assert summary.messages == 12 * 7
    for one in series:
        assert _arrived(platform, imeis[one.meter]) == _wanted(one)


async def test_goes_on_after_a_break_and_after_refusals(tmp_path: Path) -> None:
    platform = Platform()
    target = await platform.start()
    series = _series(3, 2400)
    imeis = map_imeis([one.meter for one in series], [], 861_000_000_000_000)
    frames, path = DriverFrames("openmains/water-1"), tmp_path / "state.json"
    platform.refusals = [Code.SERVICE_UNAVAILABLE, Code.TOO_MANY_REQUESTS]
    task = asyncio.create_task(replay(series, imeis, target, frames, State(path, "x"), retry_s=0.01))
    while sum(len(frames) for frames in platform.received.values()) < 20:
        await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    done = json.loads(path.read_text())["done"]
    assert 0 < sum(done.values()) < 7200
    for one in series:  # what was under way when it broke comes again: one message a meter at most
        assert 0 <= len(_arrived(platform, imeis[one.meter])) - done.get(one.meter, 0) <= 24
        del platform.received[imeis[one.meter]][done.get(one.meter, 0) // 24 :]
    summary = await replay(series, imeis, target, frames, State(path, "x"))
    platform.stop()
    assert summary.registers_before + summary.registers == 7200
    for one in series:
        assert _arrived(platform, imeis[one.meter]) == _wanted(one)
    with pytest.raises(ReplayError, match="belongs to x"):
        State(path, "y")


async def test_a_refused_meter_stops_alone() -> None:
    series = _series(3, 48)
    imeis = map_imeis([one.meter for one in series], [], 861_000_000_000_000)
    platform = Platform(known={imeis["M0"], imeis["M2"]})
    target = await platform.start()
    summary = await replay(series, imeis, target, DriverFrames("openmains/water-1"), State(None, "x"))
    platform.stop()
    assert summary.failed_meters == {"M1": "4.04"}
    assert summary.registers == 96


async def test_message_over_512_bytes_is_refused() -> None:
    series = _series(1, 100)
    with pytest.raises((ReplayError, ValueError)):
        await replay(
            series, {"M0": "1" * 15}, ("127.0.0.1", 9), DriverFrames("openmains/water-1"), State(None, "x"), batch=70
        )


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"meter,local_time,register\r\nA,2026-01-01 00:00:00,1\r\n"))
    parser = argparse.ArgumentParser()
    replay_cli.add_arguments(parser)
    for words in ([str(file)], [str(file), "--imei-base", "1", "--zone", "No/Where"], ["missing.csv"]):
        assert replay_cli.main(parser.parse_args(words)) == 2
        assert capsys.readouterr().err.startswith("openmains replay: ")
