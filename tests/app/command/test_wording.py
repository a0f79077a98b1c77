# SPDX-License-Identifier: Apache-2.0
"""Commands and answers in words; the console is held to the same table (console/src/shared/format/commandText.test.ts)."""

import json
from pathlib import Path
from typing import Any

import pytest

from openmains.app.command.terms import as_json, terms
from openmains.app.command.wording import Language, command_text, quantity_text
from openmains.domain.period import Zone

ROOT = Path(__file__).resolve().parents[3]
CASES: dict[str, Any] = json.loads((ROOT / "console/src/shared/format/wordingCases.json").read_text("utf-8"))
ZONE = Zone(CASES["zone"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_quantities_have_their_unit_and_enumerations_their_word(language: Language) -> None:
    for case in CASES["quantities"]:
        said = quantity_text(
            case["name"], case["value"], language, ZONE, kind=case["kind"], exponent=case.get("exponent")
        )
        assert said == case[language], case


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_command_says_what_it_does_and_how_much(language: Language) -> None:
    for case in CASES["commands"]:
        said = command_text(case["kind"], case["params"], language, ZONE, balance_kind=case["balance_kind"])
        assert said == case[language], case


def test_the_console_knows_the_same_terms() -> None:
    """Mend with ``python scripts/reference.py``."""
    assert (ROOT / "console/src/shared/format/terms.json").read_text("utf-8") == as_json()


def test_units_are_only_those_that_both_can_say() -> None:
    known = {"balance", "instant", "s", "min", "month", "CNY/m3", "volume", "volume/h", "%", "m3", "m3/h", "V", "kPa"}
    known |= {"dBm", "dB", "degC", "mm/s", "", "state", "number", "count", "level", "bits", "text"}
    known |= {"m", "NTU", "mg/L", "uS/cm", "pH", "kW", "%LEL", "unknown"}
    assert {term.unit for term in terms().values()} <= known
