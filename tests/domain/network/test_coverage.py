# SPDX-License-Identifier: Apache-2.0
"""R12.1: the worse of RSRP and SINR decides."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from openmains.domain.network.coverage import LEVELS, coverage

CONSOLE = Path(__file__).resolve().parents[3] / "console" / "src"


@pytest.mark.parametrize(
    ("rsrp_ddbm", "sinr_ddb", "level"),
    [
        (-1050, 70, "CE0"),
        (-1051, 70, "CE1"),
        (-1050, 69, "CE1"),
        (-1150, -30, "CE1"),
        (-1151, 300, "CE2"),
        (-600, -31, "CE2"),
        (-1250, -80, "CE2"),
        (-1251, 70, "none"),
        (-600, -81, "none"),
        (None, 70, None),
        (-600, None, None),
    ],
)
def test_levels(rsrp_ddbm: int | None, sinr_ddb: int | None, level: str | None) -> None:
    assert coverage(rsrp_ddbm, sinr_ddb) == level


def test_levels_get_worse_and_both_limits_fall() -> None:
    for (_, rsrp, sinr), (_, next_rsrp, next_sinr) in pairwise(LEVELS):
        assert next_rsrp < rsrp and next_sinr < sinr


def test_the_consoles_table_is_this_one() -> None:
    (page,) = CONSOLE.rglob("coverage.ts")
    levels = re.findall(r'\{ name: "(CE\d)", rsrp: (-?\d+), sinr: (-?\d+),', page.read_text("utf-8"))
    assert [(name, int(rsrp) * 10, int(sinr) * 10) for name, rsrp, sinr in levels] == [*LEVELS]


def test_the_console_knows_no_other_limits() -> None:
    compared = re.compile(r"(?:rsrp|sinr)\w*(?:\.value)? ?[<>]=? ?-?\d", re.IGNORECASE)
    pages = [path for end in ("ts", "vue") for path in CONSOLE.rglob(f"*.{end}")]
    assert pages and not [path.name for path in pages if compared.search(path.read_text("utf-8"))]
