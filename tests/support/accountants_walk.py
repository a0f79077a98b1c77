# SPDX-License-Identifier: Apache-2.0
"""The figures of ``docs/accountant.md``, each worked out by the program's own functions from registers that a real meter sent
(``vectors/real-water/excerpt.csv``, W60): days, the bill's lines, the same by days at the server, what is paid, vouchers, trial balance.

``python -m tests.support.accountants_walk`` writes them into the page; ``tests/app/ledger/test_accountants_walk.py`` asks that they stand
there.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise

from openmains.app.billing.decide import AccountMonth, Decided, MeterDays, MeterLink, decide
from openmains.app.billing.deductions import ToDeduct, deduct
from openmains.app.billing.ports import OpenBill
from openmains.app.billing.settling import fee_of, shares
from openmains.app.ledger.model import BookedEntry, BookedLine
from openmains.app.ledger.report import trial_balance, voucher_rows
from openmains.domain.ledger.entries import (
    Entry,
    Movement,
    bill_entry,
    faults,
    late_fee_entry,
    payment,
    refund,
    settlement,
)
from openmains.domain.period import date_to_day, day_text
from openmains.domain.tariff.exact import LITRE_ML, written
from openmains.domain.tariff.plan import Cycle, LateFeeRule, Plan
from tests.domain.tariff.support import plan, schedule
from tests.support.plain_charges import Charges, Notice, midnight
from tests.support.plain_year import plain_register, plain_valid
from tests.support.real_water import EXCERPT, ROOT, Reading, readings

PAGE = ROOT / "docs" / "accountant.md"
METER, ACCOUNT = "W60", 1001
FIRST, END = date(2016, 11, 1), date(2016, 11, 14)
BOOKED, DUE, PAID, TODAY = date(2016, 11, 30), date(2016, 12, 10), date(2016, 12, 25), date(2016, 12, 25)
PAID_FEN = 3_000
BOUNDS = (2, 3)
PRICES = {
    "water": ("2.07", "4.07", "6.07"),
    "resource": ("1.57", "1.57", "1.57"),
    "sewage": ("1.36", "1.36", "1.36"),
}
NAMES = {"water": "水费", "resource": "水资源费", "sewage": "污水处理费"}
NOTICE = Notice(BOUNDS, (50_000, 70_000, 90_000), END, (50_000, 70_000, 90_000), is_cleared=False, is_yearly=False)
FEE = LateFeeRule(1_000, 0, 200_000)
CLERK, CHIEF = "李会计", "王主任"


def tariff() -> Plan:
    return plan(schedule(BOUNDS, PRICES), from_day=date_to_day(date(2015, 1, 1)), cycle=Cycle(1), late_fee=FEE)


@cache
def valid() -> tuple[Reading, ...]:
    return tuple(plain_valid(readings(EXCERPT)[METER])[0])


def register(at: int) -> int:
    return plain_register(list(valid()), at)


def days() -> list[date]:
    return [FIRST + timedelta(days=number) for number in range((END - FIRST).days)]


def around(at: int) -> tuple[Reading, Reading]:
    """The two readings between which an instant lies."""
    return next((one, two) for one, two in pairwise(valid()) if one[0] <= at < two[0])


def account() -> AccountMonth:
    bases = [register(midnight(day)) for day in (*days(), END)]
    numbers = [date_to_day(day) for day in days()]
    known = MeterDays(numbers, [b - a for a, b in pairwise(bases)], [1] * len(numbers), [], [], bases[:-1])
    link = MeterLink(ACCOUNT, 1, 1, 0, 1, (1, 1), numbers[0], date_to_day(END), "d", LITRE_ML)
    return AccountMonth(ACCOUNT, (link,), None, {1: known})


@cache
def bill() -> Decided:
    made = decide(account(), {1: [tariff()]}, date_to_day(FIRST), date_to_day(date(2016, 12, 1)))
    assert isinstance(made, Decided), made
    return made


def plain_total() -> int:
    """The same by ``plain_charges``."""
    return Charges(NOTICE, register, FIRST, END).until(END)


def deductions() -> list[int]:
    """Of each day, were the account charged at the server."""
    asked = ToDeduct(account(), date_to_day(FIRST), date_to_day(FIRST), date_to_day(END), {})
    return [one.fen for one in deduct(asked, {1: [tariff()]}).versions]


@dataclass
class Books:
    """Vouchers in their order."""

    booked: list[BookedEntry]

    def book(self, entry: Entry, agreer: str | None = None) -> None:
        assert faults(entry) == []
        lines = [BookedLine(line.account, line.fen, line.account_id, line.detail) for line in entry.lines]
        self.booked.append(
            BookedEntry(
                len(self.booked) + 1, entry.key, day_text(entry.day), entry.kind, entry.memo, entry.reverses, None, 1, CLERK,
                None if agreer is None else 2, agreer, datetime(2016, 12, 25, tzinfo=UTC), lines,
            )
        )  # fmt: skip


@cache
def open_bill() -> OpenBill:
    made = bill()
    return OpenBill(1, ACCOUNT, date_to_day(FIRST), date_to_day(DUE), made.total_fen, FEE, (), 0, 0)


@cache
def books() -> Books:
    """The bill, a payment that comes late, what it pays, and what is given back to who moved out."""
    found, paid = Books([]), date_to_day(PAID)
    found.book(bill_entry(f"bill:{ACCOUNT}:2016-11:v1", date_to_day(BOOKED), ACCOUNT, bill().components, "2016-11"))
    found.book(payment("receipt:wechat:1", paid, ACCOUNT, PAID_FEN, "wechat"))
    left = PAID_FEN
    for share in shares([open_bill()], PAID_FEN, date_to_day(TODAY)):
        if share.booked_fen:
            found.book(late_fee_entry("fee:1", paid, ACCOUNT, share.booked_fen, "2016-11"))
        found.book(settlement(f"settle:{share.of_fee}", paid, ACCOUNT, share.fen, "账单 bill 2016-11"))
        left -= share.fen
    found.book(refund("refund:1", paid, ACCOUNT, left, "wechat", "迁出退余额 moved out"), CHIEF)
    return found


def cny(fen: int) -> str:
    return written(fen, 2, 2)


def m3(litres: int) -> str:
    return written(litres, 3, 3)


def local(at: int) -> str:
    return datetime.fromtimestamp(at + 8 * 3600, UTC).strftime("%m-%d %H:%M:%S")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---" if number == 0 else "---:" for number in range(len(heads))], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def _readings() -> str:
    rows = []
    for day in (FIRST, END):
        at = midnight(day)
        (before_at, before), (after_at, after) = around(at)
        rows.append(
            (f"{day} 00:00", f"{local(before_at)} {m3(before)}", f"{local(after_at)} {m3(after)}", m3(register(at)))
        )
    return table(
        ("零点 midnight", "前一次上报 reading before", "后一次上报 reading after", "零点示数 register, m³"), rows
    )


def _days() -> str:
    one, each, used, charged = account(), deductions(), 0, 0
    of = one.days[1]
    rows = []
    for day, base, total, fen in zip(days(), of.bases, of.totals, each, strict=True):
        used, charged = used + total, charged + fen
        rows.append((day, m3(base), m3(total), m3(used), cny(fen), cny(charged)))
    heads = ("日 day", "起始示数 register", "用量 use", "累计 sum", "平台扣费 deducted", "累计 sum, CNY")
    return table(heads, rows)


def _bill() -> str:
    made = bill()
    rows = [
        (
            f"第 {line.tier} 阶梯 tier", NAMES[line.component], m3(line.volume_ml // 1000), written(line.price, 6, 2),
            written(line.price * line.volume_ml // 10**3, 9, 5), cny(line.fen),
        )
        for line in made.lines
    ]  # fmt: skip
    exact = sum(line.price * line.volume_ml for line in made.lines)
    rows.append(
        ("合计 sum", "", m3(made.volume_ml // 1000), "", written(exact // 10**3, 9, 5), f"**{cny(made.total_fen)}**")
    )
    return table(("阶梯 tier", "构成 component", "m³", "单价 price", "精确金额 exact, CNY", "分摊 share, CNY"), rows)


def _paid() -> str:
    made, rows, left = bill(), [], PAID_FEN
    days_late = (PAID - DUE).days - 1
    rows.append(("账单 bill", cny(made.total_fen), ""))
    fee = fee_of(open_bill(), date_to_day(TODAY))
    rows.append((f"违约金 late fee, {days_late} 天 days × 0.1 %", cny(fee), ""))
    rows.append(("收款 paid by WeChat", "", cny(PAID_FEN)))
    for share in shares([open_bill()], PAID_FEN, date_to_day(TODAY)):
        left -= share.fen
        rows.append(
            (f"付{'违约金 pays the fee' if share.of_fee else '账单 pays the bill'}", f"−{cny(share.fen)}", cny(left))
        )
    rows.append(("迁出退余额 given back", "", cny(left)))
    return table(("项目 item", "金额 CNY", "预存 credit, CNY"), rows)


def _vouchers() -> str:
    rows = []
    for row in voucher_rows(books().booked, "zh"):
        day, _, number, _, line, summary, code, name, debit, credit, customer, item, _, maker, agreer = row
        rows.append((number, day, line, summary, f"{code} {name}", debit, credit, customer, item, maker, agreer))
    heads = ("凭证号", "日期", "分录", "摘要", "科目", "借方", "贷方", "客户", "项目", "制单", "审核")
    return table(heads, rows)


def _balance() -> str:
    sums: dict[object, list[int]] = defaultdict(lambda: [0, 0])
    for entry in books().booked:
        for line in entry.lines:
            sums[line.account][line.fen < 0] += abs(line.fen)
    movements = [Movement(account, 0, debit, credit) for account, (debit, credit) in sums.items()]  # type: ignore[arg-type]
    told = trial_balance(movements, date_to_day(FIRST), date_to_day(date(2017, 1, 1)))
    assert not told.faults
    rows: list[Sequence[object]] = [
        (
            f"{row.code} {row.zh} {row.en}",
            cny(row.debit),
            cny(row.credit),
            cny(max(0, row.closing)),
            cny(max(0, -row.closing)),
        )
        for row in told.rows
    ]
    closing = list(accumulate(max(0, row.closing) for row in told.rows))[-1]
    rows.append(
        (
            "合计 sum",
            cny(told.debit),
            cny(told.credit),
            cny(closing),
            cny(sum(max(0, -row.closing) for row in told.rows)),
        )
    )
    return table(
        ("科目 account", "本期借方 debit", "本期贷方 credit", "期末借方 closing debit", "期末贷方 closing credit"), rows
    )


def blocks() -> dict[str, str]:
    """By name what stands between its marks."""
    return {
        "readings": _readings(), "days": _days(), "bill": _bill(), "paid": _paid(), "vouchers": _vouchers(), "balance": _balance(),
    }  # fmt: skip


def marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"


def main() -> None:
    """Writes the page's figures."""
    text = PAGE.read_text("utf-8")
    for name, block in blocks().items():
        begin, end = marks(name)
        head, _, rest = text.partition(begin)
        text = head + begin + block + end + rest.partition(end)[2]
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
