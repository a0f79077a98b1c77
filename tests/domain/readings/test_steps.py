# SPDX-License-Identifier: Apache-2.0
"""vectors/readings/steps.toml: single steps of a register."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from openmains.domain.readings.model import Limits
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rules import changes_level, is_power_of_ten_off, step

FILE = Path(__file__).resolve().parents[3] / "vectors" / "readings" / "steps.toml"
STEPS = tomllib.loads(FILE.read_text("utf-8"))["step"]


@pytest.mark.parametrize("case", STEPS, ids=[case["source"] for case in STEPS])
def test_step(case: dict[str, Any]) -> None:
    limits = Limits(qmax_per_h=3125, dial=case.get("dial", 0))
    verdict = step(case["before"], case["after"], case["seconds"], limits)
    assert verdict.rule is (Rule[case["rule"]] if case["rule"] else None)
    assert changes_level(verdict.rule) == ("volume" not in case)
    if "volume" in case:
        assert verdict.volume == case["volume"]


def test_power_of_ten() -> None:
    assert [n for n in (1, 10, 98, 100, 102, 103, 950, 1000, 9_000, 10_000) if is_power_of_ten_off(n, 10)] == [
        1, 98, 100, 102, 1000, 10_000,
    ]  # fmt: skip
    assert not is_power_of_ten_off(0, 10)
