# SPDX-License-Identifier: Apache-2.0
"""Registers as CSV say what the sheets say: the lines of known shape are those that are written cell by cell."""

from collections.abc import AsyncIterator

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.fleet.choice import ChosenMeter
from openmains.app.readings.bulk.files import csv_pages
from openmains.app.readings.bulk.registers import REGISTER_HEADS, RegisterPage, register_csv, register_lines
from openmains.domain.ids import AreaId, MeterId, ProductId
from openmains.domain.readings.at_instant import Known
from openmains.domain.readings.quality import Slot
from tests.support.properties import counted

AT = "2026-07-01T00:00:00+08:00"
NUMBERS = st.one_of(
    st.from_regex(r"[0-9A-Z]{1,12}", fullmatch=True), st.sampled_from(["表7", "a,b", "=1+2", "a b", "x;-1"])
)
FLAGS = st.sampled_from([0, int(Slot.ESTIMATED), int(Slot.SUSPECT), int(Slot.INTERPOLATED | Slot.SUSPECT)])
REGISTERS = st.one_of(st.integers(-5, 2_000), st.integers(-(10**6), 10**12))


@st.composite
def pages(draw: st.DrawFn) -> list[RegisterPage]:
    found: list[RegisterPage] = []
    place = 0
    for size in draw(st.lists(st.integers(0, 6), max_size=3)):
        meters, known = [], dict[int, Known]()
        for _ in range(size):
            place += 1
            dial, driver = draw(st.sampled_from([0, 0, 99_999])), draw(st.sampled_from(["litre", "cubic", "ten"]))
            meters.append(
                ChosenMeter(MeterId(place), draw(NUMBERS), AreaId(1), ProductId(1), None, "none", "water", driver, dial)
            )
            if draw(st.booleans()):
                known[place] = Known(0, draw(REGISTERS), draw(FLAGS))
        found.append((meters, known))
    return found


async def _again(found: list[RegisterPage]) -> AsyncIterator[RegisterPage]:
    for page in found:
        yield page


@settings(max_examples=counted(100))
@given(found=pages(), language=st.sampled_from(["zh", "en"]))
async def test_both_files_have_the_same_lines(found: list[RegisterPage], language: str) -> None:
    exponent_of = {"litre": -3, "cubic": 0, "ten": 1}.__getitem__
    cells = register_lines(_again(found), AT, exponent_of, language)
    written = b"".join([chunk async for chunk in csv_pages(REGISTER_HEADS[language], cells)])
    assert b"".join([chunk async for chunk in register_csv(_again(found), AT, exponent_of, language)]) == written
