# SPDX-License-Identifier: Apache-2.0
"""The way down: frames both ways, sizes of R1.4, what is signed, what is refused."""

import hashlib
import hmac
import random
from binascii import crc_hqx
from importlib import resources
from pathlib import Path

import pytest

from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.command_doc import drawing
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import CommandError, Driver, Effect, EncodeError
from openmains.drivers.page import CommandVector

CATALOG = catalog.load()
KEY = bytes(range(32))
DRIVERS = [CATALOG.driver("openmains/water-1"), CATALOG.driver("openmains/gas-1")]
SIGNED = {
    "safety_close",
    "set_signed_parameters",
    "valve_open",
    "valve_close",
    "top_up",
    "set_price",
    "factory_reset",
    "set_platform",
}
HEAD = {"serial": 7, "counter": 3, "not_after": 1_767_292_200}
DOC = Path(__file__).parents[2] / "docs/protocols/openmains-commands.md"


def mac(body: bytes) -> bytes:
    return hmac.new(KEY, body, hashlib.sha256).digest()[:16]


def vectors(driver: Driver) -> tuple[CommandVector, ...]:
    assert isinstance(driver, TableDriver)
    assert driver.page.commands is not None
    return driver.page.commands.vectors


CASES = [(driver, vector) for driver in DRIVERS for vector in vectors(driver)]


@pytest.mark.parametrize(("driver", "vector"), CASES, ids=[f"{d.name}: {v.name}" for d, v in CASES])
def test_vector_both_ways(driver: Driver, vector: CommandVector) -> None:
    head = {"serial": vector.serial, "counter": vector.counter, "not_after": vector.not_after}
    assert driver.command(vector.kind, vector.params, **head, mac=mac) == vector.frame
    read = driver.read_command(vector.frame)
    assert (read.kind, read.serial, read.counter, read.not_after) == (vector.kind, *head.values())
    assert read.mac == vector.mac
    assert read.body == driver.command_body(vector.kind, vector.params, **head)
    assert {k: v for k, v in read.params.items() if k in vector.params} == vector.params
    if vector.mac is not None:
        assert mac(read.body) == vector.mac


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
def test_sizes_of_r1_4(driver: Driver) -> None:
    for vector in vectors(driver):
        size = len(vector.frame)
        if vector.kind.startswith("valve") or (vector.kind.startswith("read_") and vector.kind != "read_parameters"):
            assert size < 40, vector.name
        elif vector.kind == "set_parameters" and len(vector.params["values"]) == 1:  # type: ignore[arg-type]
            assert size < 50
        assert size < 100
    six = {"version": 1, "period_start": 0, "tiers": 6, "tier_from": [0] * 6, "prices": [1] * 6}
    assert len(driver.command("set_price", six, **HEAD, mac=mac)) < 100
    assert len(driver.command("set_platform", {"port": 1, "host": "h" * 56}, **HEAD, mac=mac)) < 100
    with pytest.raises(EncodeError):
        driver.command("set_parameters", {"values": dict.fromkeys(driver.settings, 0)}, **HEAD)
    all_of_them = {name: setting.default for name, setting in driver.settings.items() if setting.signed}
    assert len(driver.command("set_signed_parameters", {"values": all_of_them}, **HEAD, mac=mac)) < 100


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
def test_what_acts_on_supply_or_money_is_signed(driver: Driver) -> None:
    assert {name for name, kind in driver.command_kinds.items() if kind.signed} == SIGNED
    for name in SIGNED:
        params = next(v.params for v in vectors(driver) if v.kind == name)
        with pytest.raises(EncodeError):
            driver.command(name, params, **HEAD)
        with pytest.raises(EncodeError):
            driver.command(name, params, **HEAD, mac=lambda body: b"short")


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
def test_every_command_says_what_it_takes(driver: Driver) -> None:
    for kind in driver.command_kinds.values():
        assert kind.title.zh and kind.title.en and kind.confirmed
        for param in kind.params:
            assert param.title.zh and param.title.en and param.low <= param.high


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
def test_what_each_setting_can_do(driver: Driver) -> None:
    by_effect = {effect: {s.name for s in driver.settings.values() if s.effect is effect} for effect in Effect}
    assert by_effect[Effect.VALVE] == {"balance_warning", "balance_arrears"}
    assert by_effect[Effect.MONEY] == {"emergency_credit", "metering_step"}
    assert by_effect[Effect.REACH] == {
        "report_period", "report_every", "report_time", "spread_start", "spread_interval", "cell_reselection",
    }  # fmt: skip
    assert {s.name for s in driver.settings.values() if s.closes_below} == {"balance_arrears"}


def test_all_settings_of_r4_2_are_there() -> None:
    for driver in DRIVERS:
        assert set(driver.settings) >= {
            "report_period", "report_time", "freeze_period", "low_flow_duration", "low_flow_threshold",
            "high_flow_duration", "high_flow_threshold", "low_battery", "reverse_flow_duration",
            "reverse_flow_threshold", "pressure_high", "pressure_low", "spread_start", "spread_interval",
            "cell_reselection",
        }  # fmt: skip
        assert "set_platform" in driver.command_kinds


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("top_up", {"amount": 0}),
        ("top_up", {}),
        ("top_up", {"amount": 1, "colour": 1}),
        ("top_up", {"amount": True}),
        ("valve_shut", {}),
        ("set_parameters", {"values": {}}),
        ("set_parameters", {"values": {"nothing": 1}}),
        ("set_parameters", {"values": {"freeze_period": 1}}),
        ("set_parameters", {"values": {"balance_arrears": 1_000_000_000}}),
        ("set_parameters", {"values": {"report_time": 60, "emergency_credit": 1}}),
        ("set_signed_parameters", {"values": {"report_time": 60}}),
        ("read_parameters", {"names": ["nothing"]}),
        ("set_platform", {"port": 5684, "host": ""}),
        ("set_platform", {"port": 5684, "host": "h\n"}),
        ("set_price", {"version": 1, "period_start": 0, "tiers": 2, "tier_from": [0], "prices": [1, 2]}),
    ],
)
def test_the_platform_can_not_make_nonsense(kind: str, params: dict[str, object]) -> None:
    with pytest.raises(EncodeError):
        DRIVERS[0].command(kind, params, **HEAD, mac=mac)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
def test_garbage_and_near_valid_frames_raise_one_error_only(driver: Driver) -> None:
    source = random.Random(5)  # noqa: S311 - the same frames in every run
    good = [v.frame for v in vectors(driver)]
    for _ in range(5000):
        frame = bytearray(source.choice(good))
        frame[source.randrange(len(frame))] ^= 1 << source.randrange(8)
        if source.random() < 0.3:
            frame = frame[: source.randrange(len(frame) + 1)]
        if len(frame) > 2 and source.random() < 0.8:  # a good CRC, so that the inside is reached
            frame[-2:] = crc_hqx(bytes(frame[:-2]), 0).to_bytes(2, "big")
        try:
            driver.read_command(bytes(frame))
        except CommandError as bad:
            assert bad.reason in ("length", "magic", "crc", "unknown_kind", "range")


def test_a_product_without_commands_says_so() -> None:
    driver = CATALOG.driver("cjt188/gas-2004")
    with pytest.raises(EncodeError):
        driver.command("set_price", {}, **HEAD)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("code = 0x91", "code = 0x90", "ambiguous"),
        ("limit = 40", "limit = 18", "cannot stay under"),
        ("number = 3,", "number = 1,", "ambiguous"),
        ('count = "tiers"', 'count = "tyres"', "no field before"),
        ('kind = "restart"', 'kind = "restarts"', "no command"),
    ],
)
def test_a_broken_table_stops_the_start(old: str, new: str, why: str) -> None:
    pages = catalog.pages_in(resources.files("openmains.drivers"))
    file = "openmains/groups.toml"
    assert old in pages[file]
    with pytest.raises(DriverPageError) as caught:
        catalog.load_from(pages | {file: pages[file].replace(old, new, 1)})
    assert why in caught.value.why
    assert caught.value.file == file and caught.value.line > 0


def test_document_is_fresh() -> None:
    part = DOC.read_text("utf-8").split("<!-- commands: begin -->\n")[1].split("<!-- commands: end -->")[0]
    assert part == drawing(), "run: python -m openmains.drivers.command_doc"


def test_cjt188_asks_what_its_public_description_says() -> None:
    """Frame rules of CJ/T 188-2004; valve 55 and 99 from public descriptions."""
    water, gas = CATALOG.driver("cjt188/water-2004"), CATALOG.driver("cjt188/gas-2004")
    head = {"serial": 0x1FF, "counter": 1, "not_after": 1}
    number = {"meter_number": 20_260_000_123_456}
    assert water.command("read_now", number, **head).hex() == "6810563412000026200103901fff" + _tail(
        "6810563412000026200103901fff"
    )
    frame = gas.command("valve_close", number, **head)
    assert frame[:9].hex() == "683056341200002620" and frame[9:15].hex() == "0404a017ff99"
    assert gas.command("valve_open", number, **head)[14] == 0x55
    clock = water.command("set_clock", number | {"platform_at": 1_767_288_600, "utc_offset_min": 480}, **head)
    assert clock[11:21].hex() == "a015ff" + "00300102012620"  # 2026-01-02 01:30:00 at +8, low byte first
    price = {"tier_from": [0, 300, 600], "prices": [19_800, 25_200, 31_000], "first_day": 1}
    table = gas.command("set_price", number | price, **head)  # the table of price.py, 0.01 CNY
    assert table[9:14].hex() == "0413a010ff" and table[14:30].hex() == "980100000300520200000600100300" + "01"
    assert water.command("read_now", {}, **head)[2:9] == bytes(7)  # the address is left to the registry
    assert all(not kind.confirmed for kind in water.command_kinds.values())
    for wrong in (
        {"tier_from": [1, 300, 600]}, {"tier_from": [0, 600]}, {"tier_from": [0, 600, 300]}, {"prices": [19_801, 25_200, 31_000]},
        {"first_day": 32},
    ):  # fmt: skip
        with pytest.raises(EncodeError):
            gas.command("set_price", number | price | wrong, **head)
    with pytest.raises(EncodeError, match="480"):  # by the page's offset these clocks are read
        water.command("set_clock", number | {"platform_at": 1_767_288_600, "utc_offset_min": 0}, **head)
    for bad in (number | {"colour": 1}, {"meter_number": 10**14}):
        with pytest.raises(EncodeError):
            water.command("read_now", bad, **head)


def _tail(head: str) -> str:
    """Check sum and end."""
    return f"{sum(bytes.fromhex(head)) & 0xFF:02x}16"
