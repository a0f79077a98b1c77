# SPDX-License-Identifier: Apache-2.0
"""Which meters a line of an issue list takes from the warehouse (R8.1), and the columns of such a list as a file.

A line names a model and a number or bar code, and how many: ``quantity`` of consecutive numbers from the named one on, as they lie in a
carton. A number counts up in its last digits and keeps its width. Nothing is chosen for anybody: without a number nobody knows which.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from openmains.domain.fleet.cells import CellError, read_code, read_name
from openmains.domain.fleet.meter_life import Life
from openmains.domain.fleet.registry_columns import Column
from openmains.domain.fleet.table_rows import TableColumns
from openmains.domain.ids import MeterId

MOST_OF_A_LINE = 10_000
MOST_OF_A_LIST = 10_000
_RUN = re.compile(r"(.*?)([0-9]{1,18})")


def _quantity(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MOST_OF_A_LINE):
        raise CellError("bad_quantity")
    return int(text)


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00)?)?", text)
    if found is None:
        raise CellError("bad_date")
    day = f"{int(found[1]):04d}-{int(found[2]):02d}-{int(found[3]):02d}"
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise CellError("bad_date") from error
    return day


ISSUE_COLUMNS: Mapping[str, Column] = {
    "product": Column("product code", "产品代码", ("product", "model", "型号", "产品编码", "型号代码")),
    "number": Column(
        "meter number", "表号", ("number", "meter no", "bar code", "条码", "表具编号", "起始表号", "first number")
    ),
    "quantity": Column("quantity", "数量", ("count", "只数")),
    "person": Column("issued to", "领用人", ("person", "领表人", "安装人")),
    "contractor": Column("contractor", "施工单位", ("company", "安装单位")),
    "date": Column("date", "领用日期", ("issued on", "日期", "出库日期")),
}
ISSUE_TABLE = TableColumns(
    columns=ISSUE_COLUMNS,
    read={
        "product": read_code, "number": read_code, "quantity": _quantity, "person": read_name, "contractor": read_name,
        "date": _date,
    },
    required=("product", "number", "person"),
    names=frozenset({"product", "number", "person", "contractor"}),
    shown_only={},
)  # fmt: skip


class NamedMeter(NamedTuple):
    """A meter as a list names it; ``since_s``: of its last act."""

    meter_id: MeterId
    product: str
    life: Life
    since_s: int


class IssueError(NamedTuple):
    """Why a line cannot be issued: a key of the reasons, with the first meter of which it is so."""

    field: str
    reason: str
    name: str
    life: Life | None = None


def numbers_of(first: str, quantity: int) -> list[str]:
    """Consecutive numbers from ``first`` on; fewer where its digits end before."""
    if quantity == 1:
        return [first]
    found = _RUN.fullmatch(first)
    if found is None:
        return [first]
    head, digits = found[1], found[2]
    last = min(int(digits) + quantity, 10 ** len(digits))
    return [f"{head}{number:0{len(digits)}d}" for number in range(int(digits), last)]


def too_many(quantities: Iterable[int]) -> int | None:
    """Place of the line with which a list comes to more than ``MOST_OF_A_LIST`` meters; None: it does not. Asked before any number is written
    out: a slipped column is a hundred million of them."""
    count = 0
    for place, quantity in enumerate(quantities):
        count += quantity
        if count > MOST_OF_A_LIST:
            return place
    return None


def plan_issue(
    product: str, first: str, quantity: int, at_s: int, known: Mapping[str, NamedMeter], taken: Collection[Any]
) -> list[MeterId] | IssueError:
    """Meters that a line takes, which leave the warehouse at ``at_s``. ``taken``: by lines before it."""
    names = numbers_of(first, quantity)
    if len(names) < quantity:
        return IssueError("quantity", "run-ends", names[-1])
    meters: dict[MeterId, None] = {}  # in their order
    for name in names:
        meter = known.get(name)
        if meter is None:
            return IssueError("number", "no-such-meter", name)
        if meter.product != product:
            return IssueError("product", "other-product", name)
        if meter.life is not Life.STOCK:
            return IssueError("number", "not-in-stock", name, meter.life)
        if meter.since_s > at_s:
            return IssueError("number", "before-stock", name)
        if meter.meter_id in taken or meter.meter_id in meters:
            return IssueError("number", "twice", name)
        meters[meter.meter_id] = None
    return list(meters)
