# SPDX-License-Identifier: Apache-2.0
"""The fleet over DTLS with connection ids and LwM2M, against this project's own servers on a real socket."""

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.drivers.lwm2m.envelope import wrap
from openmains.drivers.model import Kind
from openmains.emulator.device.endpoint import Network
from openmains.emulator.device.secure_device import OFFERS, DtlsOffer, ReportTransport
from openmains.emulator.fleet import Fleet
from openmains.emulator.fleet_model import Commanded, FleetSummary, MeterSpec, Radio, Secure
from openmains.emulator.meter.authorise import command_mac
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import DriverFrames, immediate_events
from openmains.emulator.meter.meter import Profile
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.emulator.meter.standard_frames import StandardFrames
from openmains.run.admin import emulate
from openmains.wire.coap.message import Code
from openmains.wire.coap.reliability import Timing
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.codec import values
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.operation import Operation
from openmains.wire.lwm2m.value import Item
from tests.drivers.test_all_drivers import meaning
from tests.support.secure_platform import SecurePlatform
from tests.support.system import until

DRIVER = "openmains/water-1"
FIRST = 861_000_000_000_000
KEY = bytes(range(32))
LIMIT_S = 120.0
CADENCE = Profile(
    Period.EVERY, 60, today=True, scheme=Scheme.NONE, heartbeats_s=(), window_s=20,
    immediate=immediate_events(DRIVER), once_a_day=frozenset(),
)  # fmt: skip


def specs(count: int, way: ReportTransport) -> list[MeterSpec]:
    made = []
    for k in range(count):
        frames = (
            StandardFrames(Medium.WATER, FIRST + k) if way is ReportTransport.SEND else DriverFrames(DRIVER, FIRST + k)
        )
        made.append(MeterSpec(f"{FIRST + k}", FIRST + k, Medium.WATER, frames, CADENCE))
    return made


def keys(meters: Sequence[MeterSpec]) -> dict[str, bytes]:
    return {spec.imei: spec.imei.encode()[-16:].rjust(16, b"k") for spec in meters}


async def run(
    meters: list[MeterSpec],
    way: ReportTransport,
    enough: Callable[[SecurePlatform, FleetSummary], bool],
    *,
    speed: float = 60,
    commands: Sequence[tuple[str, bytes]] = (),
    asked: Sequence[tuple[str, Operation]] = (),
    address_changes: float = 0.0,
    network: Network | None = None,
    known: dict[str, bytes] | None = None,
    offer: DtlsOffer = OFFERS["all"],
) -> tuple[SecurePlatform, FleetSummary]:
    psks = keys(meters)
    start = int(time.time())
    platform = SecurePlatform(
        psks if known is None else known,
        None if way is ReportTransport.SEND else catalog.load().driver(DRIVER),
        lambda: int(time.time()),
    )
    for imei, frame in commands:
        platform.command(imei, frame)
    for imei, what in asked:
        platform.ask(imei, what)
    secure = Secure(
        psks, {meters[0].imei: "460001234567890"}, transport=way, address_changes=address_changes, offer=offer
    )
    fleet = Fleet(
        meters, platform.address, start=start, speed=speed, town=Consumption(), secure=secure,
        commanded=Commanded({spec.imei: KEY for spec in meters}), attach_spread_s=0,
        radio=Radio(network or Network(), Timing(ack_timeout_s=0.5), sockets=4),
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        running = group.create_task(fleet.run())
        await asyncio.sleep(0)  # it has a beginning, which ``summary`` counts from
        await until(lambda: enough(platform, fleet.summary()), LIMIT_S)
        fleet.stop()
    platform.close()
    return platform, running.result()


@pytest.mark.parametrize("way", list(ReportTransport))
async def test_one_handshake_one_registration_many_reports(way: ReportTransport) -> None:
    meters = specs(20, way)

    def everyone_spoke(_: SecurePlatform, summary: FleetSummary) -> bool:
        return summary.handshakes == 20 and summary.acknowledged >= 40

    platform, summary = await run(meters, way, everyone_spoke)
    assert platform.counters["handshakes"] == summary.handshakes == 20
    assert len(platform.endpoints) == 20
    assert f"urn:imei-imsi:{FIRST}-460001234567890" in platform.endpoints
    assert summary.acknowledged >= 40
    assert 0 <= len(platform.reports) - summary.acknowledged <= 20, (
        "more than one answer a meter was under way at the end"
    )
    assert not summary.failed
    name = {ReportTransport.OBJECT19: "object19", ReportTransport.POST: "r", ReportTransport.SEND: "send"}[way]
    assert {kind for _, kind, _ in platform.reports} == {name}
    if way is ReportTransport.SEND:
        standard = catalog.load().driver("lwm2m/water-1")
        for _, _, payload in platform.reports:
            found = meaning(standard, wrap("/", 112, payload), int(time.time()))
            assert found is not None and found["kind"] == "registers"


async def test_address_changes_cost_no_handshake() -> None:
    meters = specs(10, ReportTransport.OBJECT19)

    def moved(platform: SecurePlatform, summary: FleetSummary) -> bool:
        return (
            summary.handshakes == 10
            and summary.moved > 10
            and any(len(seen) > 1 for seen in platform.addresses.values())
        )

    platform, summary = await run(meters, ReportTransport.OBJECT19, moved, address_changes=1.0)
    assert moved(platform, summary)
    assert platform.counters["handshakes"] == 10
    assert not summary.failed


async def test_a_command_goes_down_in_the_window_and_its_result_comes_up() -> None:
    meters = specs(3, ReportTransport.OBJECT19)
    driver = catalog.load().driver(DRIVER)
    frame = driver.command(
        "valve_close",
        {},
        serial=77,
        counter=1,
        not_after=int(time.time()) + 7200,
        mac=lambda body: command_mac(KEY, body),
    )
    imei = meters[1].imei

    def answered(platform: SecurePlatform, _: FleetSummary) -> bool:
        said = [meaning(driver, payload) for _, _, payload in platform.reports]
        return any(found is not None and found["kind"] == Kind.COMMAND_RESULT for found in said)

    platform, summary = await run(meters, ReportTransport.OBJECT19, answered, commands=[(imei, frame)])
    assert summary.commands == 1
    results = [found for _, _, payload in platform.reports if (found := meaning(driver, payload)) is not None]
    results = [found for found in results if found["kind"] == Kind.COMMAND_RESULT]
    assert [(m["command_serial"], m["command_result"], m["valve"]) for m in results] == [(77, 0, 1)]


async def test_a_meter_of_standard_objects_tells_its_clock_and_takes_the_time() -> None:
    meters, standard, when = specs(1, ReportTransport.SEND), catalog.load().driver("lwm2m/water-1"), (3, 0, 13)
    early = int(time.time()) - 10 * DAY_S  # what the platform says the time is: the meter believes it
    packed = values.encode([Item(when, early)], content.SENML_CBOR, when, definitions().type)
    asked = [operation.write(when, packed, content.SENML_CBOR), operation.read(when)]

    def clocks(platform: SecurePlatform) -> list[int]:
        said = [standard.clock_of(wrap("/", 112, payload), int(time.time())) for _, _, payload in platform.reports]
        return [at for at in said if at is not None]

    def believed(platform: SecurePlatform, _: FleetSummary) -> bool:
        return len(platform.done) == 2 and clocks(platform)[-1] < early + DAY_S

    platform, _ = await run(meters, ReportTransport.SEND, believed, asked=[(meters[0].imei, one) for one in asked])
    assert [event.code for event in platform.done] == [Code.CHANGED, Code.CONTENT]
    (shown,) = values.decode(platform.done[1].payload, platform.done[1].content_format, when, definitions().type)
    assert isinstance(shown.value, int) and early <= shown.value < early + DAY_S
    assert clocks(platform)[0] >= early + 10 * DAY_S  # before it was told


@pytest.mark.usefixtures("takes_seconds")
async def test_lossy_network_loses_nothing_for_ever() -> None:
    meters = specs(10, ReportTransport.OBJECT19)
    network = Network(loss=0.1, duplicates=0.1, reordering=0.1, reordering_delay_s=0.05)
    everyone = {spec.imei for spec in meters}

    def all_in(platform: SecurePlatform, summary: FleetSummary) -> bool:
        return {imei for imei, _, _ in platform.reports} == everyone and summary.acknowledged >= len(everyone)

    # a lost handshake is tried again by the meter's own plan (R1.8), so it is waited for, not timed
    platform, summary = await run(meters, ReportTransport.OBJECT19, all_in, network=network)
    assert all_in(platform, summary)


async def test_a_meter_with_a_wrong_key_never_gets_in() -> None:
    meters = specs(4, ReportTransport.OBJECT19)
    known = keys(meters) | {meters[0].imei: b"another key 0123"}

    def all_tried(platform: SecurePlatform, _: FleetSummary) -> bool:
        return platform.counters["handshakes"] == 3 and platform.counters["Suspicious"] > 0

    platform, _ = await run(meters, ReportTransport.OBJECT19, all_tried, known=known)
    assert platform.counters["handshakes"] == 3
    assert meters[0].imei not in {imei for imei, _, _ in platform.reports}


@pytest.mark.usefixtures("takes_seconds")
async def test_command_line_takes_keys_from_the_file(tmp_path: Path) -> None:
    psk, imei = bytes(range(16)), f"{FIRST}"
    platform = SecurePlatform({imei: psk}, catalog.load().driver(DRIVER), lambda: int(time.time()))
    meters = tmp_path / "meters.csv"
    head = "imei,number,driver,psk,imsi,command_key"
    meters.write_text(f"{head}\n{imei},17,{DRIVER},{psk.hex()},460001234567890,{KEY.hex()}\n")
    parser = argparse.ArgumentParser()
    emulate.add_arguments(parser)
    words = (
        f"--target 127.0.0.1:{platform.address[1]} --meters {meters} --transport dtls --cadence 1 --seconds 4 --quiet"
    )
    args = parser.parse_args(words.split())
    known = emulate.Secrets()
    summary = await emulate._run(args, emulate.read_meters(args, known), known)
    platform.close()
    assert summary.acknowledged >= 1
    assert platform.endpoints == {f"urn:imei-imsi:{imei}-460001234567890"}
    assert known.command_keys == {imei: KEY}


@pytest.mark.usefixtures("takes_seconds")
@pytest.mark.parametrize("name", OFFERS)
async def test_meters_with_each_dtls_stack_report(name: str) -> None:
    meters = specs(3, ReportTransport.POST)
    platform, summary = await run(
        meters, ReportTransport.POST, lambda platform, summary: summary.acknowledged >= 6, offer=OFFERS[name]
    )
    assert summary.acknowledged >= 6
    codes = {session.suite.code for session in platform.sessions}
    assert codes == {OFFERS[name].suites[0]}
    assert {session.etm for session in platform.sessions} == {name == "cbc"}


def test_command_line_refuses_a_key_that_is_none(tmp_path: Path) -> None:
    meters = tmp_path / "meters.csv"
    meters.write_text(f"imei,number,psk\n{FIRST},17,xyz\n")
    parser = argparse.ArgumentParser()
    emulate.add_arguments(parser)
    with pytest.raises(ValueError, match="hexadecimal"):
        emulate.read_meters(parser.parse_args(["--meters", str(meters)]))


@pytest.mark.parametrize(("line", "said"), [('"{},18,', "never closed"), ("{},18,,9", "more cells")])
def test_command_line_refuses_a_list_with_a_line_that_is_no_row(tmp_path: Path, line: str, said: str) -> None:
    meters = tmp_path / "meters.csv"
    meters.write_text("\n".join(["imei,number,psk", f"{FIRST},17,", line.format(FIRST + 1), f"{FIRST + 2},19,"]))
    parser = argparse.ArgumentParser()
    emulate.add_arguments(parser)
    with pytest.raises(ValueError, match=rf"meters\.csv:3: .*{said}"):
        emulate.read_meters(parser.parse_args(["--meters", str(meters)]))
