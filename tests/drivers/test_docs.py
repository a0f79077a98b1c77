# SPDX-License-Identifier: Apache-2.0
"""The specifications say what the pages say: every field with its place and type, every flag, the worked examples."""

from pathlib import Path

import pytest

from openmains.domain.fleet.device_kind import MONITORS, DeviceKind
from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.points import vocabulary

DOCS = Path(__file__).parents[2] / "docs/protocols"


@pytest.mark.parametrize("medium", ["water", "gas"])
def test_specification_is_fresh(medium: str) -> None:
    driver = catalog.load().driver(f"openmains/{medium}-1")
    assert isinstance(driver, TableDriver)
    text = (DOCS / f"openmains-{medium}.md").read_text("utf-8")
    for message in driver.page.messages:
        assert f"### {message.type:02X}h {message.title.en} · {message.title.zh}" in text
        part = text.split(f"### {message.type:02X}h ")[1].split("\n### ")[0]
        for item in message.fields[len(driver.page.header) :]:
            if item.count:
                assert f"| {item.type} × {item.count} | `{item.name}` |" in part
            else:
                assert f"| {item.offset} | {item.type} | `{item.name}` |" in part
        for bit, event in (message.by_name["flags"].events if "flags" in message.by_name else {}).items():
            assert bit == event
            assert f"| {bit} | `" in text
    joined = text.replace("\n", "")
    assert driver.vectors[0].frame.hex() in joined
    assert driver.vectors[4].frame.hex() in joined
    assert driver.answer(driver.vectors[0].frame, 1_767_288_600, 480).hex() in text


def test_specification_of_monitors_is_fresh() -> None:
    text = (DOCS / "openmains-monitors.md").read_text("utf-8")
    ours = [driver for driver in catalog.load() if driver.name.startswith("openmains/")]
    monitors = [driver for driver in ours if driver.kind is not DeviceKind.METER]
    assert {driver.kind for driver in monitors} == set(MONITORS)
    for driver in monitors:
        assert isinstance(driver, TableDriver)
        part = text.split(f"## {driver.name} · {driver.title.zh}\n")[1].split("\n## ")[0]
        for message in driver.page.messages:
            told = part if message.name == "report" else text.split(f"### {message.type:02X}h ")[1].split("\n### ")[0]
            for item in message.fields[len(driver.page.header) :]:
                place = f"| {item.type} × {item.count}" if item.count else f"{item.offset} | {item.type}"
                assert f"{place} | `{item.name}` |" in told, (driver.name, message.name, item.name)
        flags = driver.page.messages[0].by_name["flags"].events
        names = {event.bit: event.name for event in vocabulary().events.values()}
        assert all(f"{bit} `{names[event]}`" in part for bit, event in flags.items())
        assert driver.vectors[0].frame.hex() in part.replace("\n", "")


def test_formats_of_others_are_listed_with_their_evidence() -> None:
    lines = (DOCS / "makers.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    listed = [(cells[0].strip("`"), cells[3]) for cells in rows]
    assert listed == [(driver.name, driver.source.evidence) for driver in catalog.load() if driver.source is not None]
