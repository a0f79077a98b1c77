# SPDX-License-Identifier: Apache-2.0
"""Each column is explained, in both languages, and its example is one that the import takes."""

from datetime import date

import pytest

from openmains.domain.fleet.meter_row import MeterRow, RowCheck
from openmains.domain.fleet.registry_columns import COLUMNS
from openmains.domain.fleet.registry_help import HELP


def test_every_column_is_explained_in_the_order_of_the_file() -> None:
    assert list(HELP) == list(COLUMNS)
    for name, told in HELP.items():
        assert told.zh and told.en, name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_examples_are_taken(language: str) -> None:
    check = RowCheck([column.zh if language == "zh" else column.en for column in COLUMNS.values()], date(2026, 11, 29))
    cells = [
        {"product": "P", "area": "A"}.get(name, (told.example_en or told.example) if language == "en" else told.example)
        for name, told in HELP.items()
    ]
    assert isinstance(check.check(2, cells), MeterRow), check.check(2, cells)
