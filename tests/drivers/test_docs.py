# SPDX-License-Identifier: Apache-2.0
"""The specifications say what the pages say: every field with its place and type, every flag, the worked examples."""

from pathlib import Path

import pytest

from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver

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
