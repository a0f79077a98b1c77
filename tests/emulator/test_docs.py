# SPDX-License-Identifier: Apache-2.0
"""The drawing in the docs is the table in the code; every option of the commands is explained in both languages."""

import argparse
from pathlib import Path

from openmains.emulator.meter.causes_page import drawing as causes_drawing
from openmains.emulator.meter.states import drawing
from openmains.run.admin import emulate

_PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()


def test_states_are_fresh() -> None:
    shown = _PAGE.split("<!-- states: begin -->\n")[1].split("<!-- states: end -->")[0]
    assert shown == drawing(), "run: python -m openmains.emulator.meter.states"


def test_causes_are_fresh() -> None:
    shown = _PAGE.split("<!-- causes: begin -->\n")[1].split("<!-- causes: end -->")[0]
    assert shown == causes_drawing(), "run: python -m openmains.emulator.meter.causes_page"


def test_options_are_explained_in_both_languages() -> None:
    english, chinese = _PAGE.split("## 中文说明")
    parser = argparse.ArgumentParser(add_help=False)
    emulate.add_arguments(parser)
    obvious = {"target", "meters", "first_imei", "count", "driver", "enhanced", "quiet", "utc_offset", "attach_spread"}
    for action in parser._actions:
        name = action.option_strings[-1]
        if action.dest not in obvious:
            assert f"`{name}" in english, name
            assert f"`{name}" in chinese, name
