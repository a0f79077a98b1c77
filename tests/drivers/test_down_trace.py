# SPDX-License-Identifier: Apache-2.0
"""What went down is shown field by field, each byte once, whatever it is: commands, answers, frames of another version, garbage."""

import random
from binascii import crc_hqx
from importlib import resources

import pytest

from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import Driver, FieldTrace

CATALOG = catalog.load()
TABLES = [driver for driver in CATALOG if isinstance(driver, TableDriver) and driver.page.commands is not None]


def text(traces: list[FieldTrace]) -> dict[str, str]:
    return {trace.name: trace.value_text for trace in traces}


def whole(driver: Driver, frame: bytes) -> list[FieldTrace]:
    """The trace, after it was seen that each byte stands in one field."""
    traces = driver.explain_down(frame)
    at = 0
    for trace in traces:
        assert (trace.offset, trace.raw_hex) == (at, frame[at : at + trace.length].hex())
        at += trace.length
    assert at == (len(frame) if traces else 0)
    return traces


@pytest.mark.parametrize("driver", TABLES, ids=lambda driver: driver.name)
def test_commands_and_answers(driver: TableDriver) -> None:
    assert driver.page.commands is not None
    for vector in driver.page.commands.vectors:
        said = text(whole(driver, vector.frame))
        assert (said["kind"], said["serial"], said["crc"]) == (vector.kind, str(vector.serial), "good")
        if vector.kind == "set_parameters":
            assert {name: int(said[name]) for name in vector.params["values"]} == vector.params["values"]  # type: ignore[attr-defined]
        assert ("mac" in said) == (vector.mac is not None)
    answer = driver.answer(driver.vectors[0].frame, 1_767_288_600, 480)
    said = text(whole(driver, answer))
    assert (said["platform_at"], said["utc_offset_min"], said["crc"]) == ("1767288600", "480", "good")


@pytest.mark.parametrize("driver", TABLES, ids=lambda driver: driver.name)
def test_broken_and_cut_frames(driver: TableDriver) -> None:
    source = random.Random(5)  # noqa: S311 - the same frames in every run
    assert driver.page.commands is not None
    good = [vector.frame for vector in driver.page.commands.vectors] + [driver.answer(driver.vectors[0].frame, 1, 0)]
    for _ in range(3000):
        frame = bytearray(source.choice(good))
        frame[source.randrange(len(frame))] ^= 1 << source.randrange(8)
        if source.random() < 0.3:
            frame = frame[: source.randrange(len(frame) + 1)]
        if len(frame) > 2 and source.random() < 0.5:
            frame[-2:] = crc_hqx(bytes(frame[:-2]), 0).to_bytes(2, "big")
        whole(driver, bytes(frame))


def test_cjt188_shows_its_frame_both_ways() -> None:
    driver = CATALOG.driver("cjt188/gas-2004")
    frame = driver.command("valve_close", {"meter_number": 12345}, serial=7, counter=1, not_after=0)
    assert text(whole(driver, frame))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('[spreading]\nuse = "openmains/spreading"', "", "without [spreading]"),
        ('use = "openmains/spreading"', 'scheme = "z"\ntime = "report_time"', "scheme is one of"),
        ('use = "openmains/spreading"', 'scheme = "a"\ntime = "reports_at"', "no setting"),
        ('use = "openmains/spreading"', 'scheme = "a"\ntime = "report_time"\ninterval_s = -1', "outside"),
        ('use = "openmains/deduction"', 'step = "metering_step"\nrounding = "off"', "rounding is one of"),
        ('use = "openmains/deduction"', 'step = "steps"\nrounding = "up"', "no setting"),
        ('use = "openmains/deduction"', 'rounding = "up"', "outside"),
    ],
)
def test_a_page_says_what_its_meters_add_to_a_report_time_and_how_they_deduct(old: str, new: str, why: str) -> None:
    pages = catalog.pages_in(resources.files("openmains.drivers"))
    text_of = pages["openmains/water-1.toml"]
    assert old in text_of
    with pytest.raises(DriverPageError, match=why.replace("[", r"\[").replace("]", r"\]")):
        catalog.load_from(pages | {"openmains/water-1.toml": text_of.replace(old, new)})
