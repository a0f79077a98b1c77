# SPDX-License-Identifier: Apache-2.0
"""Which meters a line of an issue list takes: consecutive numbers that keep their width, all of the model, in stock, once."""

import pytest

from openmains.domain.fleet.cells import REASONS, CellError
from openmains.domain.fleet.issue_rows import ISSUE_TABLE, IssueError, NamedMeter, numbers_of, plan_issue, too_many
from openmains.domain.fleet.meter_life import Life
from openmains.domain.ids import MeterId

KNOWN = {f"A{n:03d}": NamedMeter(MeterId(n), "w", Life.STOCK, 100) for n in range(1, 6)}


def test_a_run_of_numbers_keeps_its_width_and_ends_with_its_digits() -> None:
    assert numbers_of("A008", 3) == ["A008", "A009", "A010"]
    assert numbers_of("A998", 4) == ["A998", "A999"]
    assert numbers_of("X", 1) == ["X"] and numbers_of("X", 2) == ["X"]


@pytest.mark.parametrize(
    ("product", "first", "quantity", "at", "taken", "wanted"),
    [
        ("w", "A001", 2, 100, (), [1, 2]),
        ("w", "A001", 2, 99, (), "before-stock"),
        ("x", "A001", 1, 100, (), "other-product"),
        ("w", "A005", 2, 100, (), "no-such-meter"),
        ("w", "A001", 2, 100, (2,), "twice"),
        ("w", "A998", 5, 100, (), "run-ends"),
    ],
)
def test_a_line_is_taken_whole_or_says_why(
    product: str, first: str, quantity: int, at: int, taken: tuple[int, ...], wanted: list[int] | str
) -> None:
    planned = plan_issue(product, first, quantity, at, KNOWN, taken)
    if isinstance(planned, IssueError):
        assert planned.reason == wanted and planned.reason in REASONS
    else:
        assert planned == wanted
    gone = {name: meter._replace(life=Life.ISSUED) for name, meter in KNOWN.items()}
    told = plan_issue("w", "A001", 1, 100, gone, ())
    assert isinstance(told, IssueError) and (told.reason, told.life) == ("not-in-stock", Life.ISSUED)


def test_a_list_is_bounded_before_its_numbers_are_written_out() -> None:
    assert too_many([4_000, 6_000]) is None and too_many([]) is None
    assert too_many([10_000] * 10_000) == 1 and too_many([1] * 10_001) == 10_000


def test_cells_of_a_list() -> None:
    read = ISSUE_TABLE.read
    assert read["quantity"]("12") == 12 and read["date"]("2026年1月5日") == read["date"]("2026-01-05") == "2026-01-05"
    for name, text in (
        ("quantity", "0"),
        ("quantity", "1.5"),
        ("quantity", "10001"),
        ("date", "2026-02-30"),
        ("date", "5/1/2026"),
    ):
        with pytest.raises(CellError) as caught:
            read[name](text)
        assert str(caught.value) in REASONS
