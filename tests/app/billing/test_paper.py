# SPDX-License-Identifier: Apache-2.0
"""What a printed bill says, purely, and that the template sets it: one page, with a font that has all of its letters."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from openmains.app.billing.decide import decide
from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper import PaperFacts, change, paper
from openmains.app.billing.paper_ports import PastMonth, PrintedBill
from openmains.app.billing.paper_words import WORDS, Language
from openmains.app.billing.papers import since_day
from openmains.app.billing.ports import OpenBill
from openmains.app.billing.rows import CountRow
from openmains.domain.ledger.payment_code import payment_code
from openmains.domain.period import first_of_month, zone
from openmains.domain.tariff.exact import ML_OF_M3
from openmains.domain.tariff.plan import Component, CustomerClass, Cycle, LateFeeRule, Schedule
from openmains.edges.typeset import bills
from openmains.edges.typeset.bills import TypesetError, TypstBills
from tests.app.billing.test_decide import account, bill, days, kept, link, spread
from tests.domain.tariff.support import day, plan

OCTOBER, NOVEMBER = day(2025, 10, 1), day(2025, 11, 1)
NOW = day(2025, 11, 25)
PARTS = (
    Component("自来水费", (1_900_000, 2_120_000, 3_520_000)),
    Component("水资源费", (200_000, 200_000, 200_000)),
    Component("污水处理费", (1_000_000, 1_000_000, 1_000_000)),
)
HOUSEHOLD = plan(
    Schedule((216 * ML_OF_M3, 300 * ML_OF_M3), PARTS), cycle=Cycle(12), late_fee=LateFeeRule(500, 0, 1_000_000)
)


def facts(volume: int = 31_400_000, **more: Any) -> PaperFacts:
    before = CountRow(OCTOBER, day(2025, 1, 1), 200 * ML_OF_M3, 0, 0, "0", 0)
    known = {1: days(OCTOBER, spread(volume, 31))}
    made = bill(decide(account([link()], known, before), {1: [HOUSEHOLD]}, OCTOBER, NOVEMBER))
    whole = replace(kept(made), bill_id=7, month=OCTOBER, due_day=NOVEMBER + 19)
    printed = PrintedBill(
        whole, "330106001234", "张敏", "临江市城东区学院路 88 号 3 幢 2 单元 1201 室", "water", "居民一户一表", CustomerClass.RESIDENT,
        OCTOBER, volume, 0, False, 1_761_970_000_000_000,
    )  # fmt: skip
    owed = OpenBill(7, 9, OCTOBER, whole.due_day, whole.total_fen, HOUSEHOLD.late_fee, (), 0, 0)
    past = [
        PastMonth(first_of_month(OCTOBER, -back), (12 + back * 5 % 11) * ML_OF_M3, 4000 + back) for back in range(1, 13)
    ]
    letter = Letterhead("临江市滨河路 12 号", "0571-96390", "https://pay.example.cn/p?c={code}", "谢谢。", "Thanks.")
    return replace(
        PaperFacts(
            printed, "临江市自来水有限公司", letter, {(1, HOUSEHOLD.number): HOUSEHOLD}, {1: "W2026000123"},
            {1: (1_032_415_000, 1_032_415_000 + volume)}, past, [owed], 0, NOW,
        ),
        **more,
    )  # fmt: skip


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def test_what_stands_on_it() -> None:
    told = paper(facts(), "zh", zone("Asia/Shanghai"))
    assert [row[:2] + row[3:] for row in told["lines"]["rows"]] == [
        ["自来水费", "第 1 阶梯", "1.90", "16", "30.40"],
        ["水资源费", "第 1 阶梯", "0.20", "16", "3.20"],
        ["污水处理费", "第 1 阶梯", "1.00", "16", "16.00"],
        ["自来水费", "第 2 阶梯", "2.12", "15.4", "32.65"],
        ["水资源费", "第 2 阶梯", "0.20", "15.4", "3.08"],
        ["污水处理费", "第 2 阶梯", "1.00", "15.4", "15.40"],
    ]
    assert (told["total"], told["capitals"]) == ("100.73", "壹佰元柒角叁分")
    assert told["meters"]["rows"] == [["W2026000123", "2025-10-01 – 10-31", "1032.415", "1063.815", "31.4"]]
    assert [(one["percent"], one["text"]) for one in told["tiers"]] == [
        (100, "216 / 216 m³"), (18, "15.4 / 84 m³"), (0, "300 m³ 以上"),
    ]  # fmt: skip
    assert told["counted"] == "自 2025-01-01 起累计 231.4 m³"
    assert [row[3] for row in told["compare"]["rows"]] == ["", "+84.7 %", "+84.7 %"]
    assert [one["this"] for one in told["chart"]] == [False] * 12 + [True] and told["chart"][12]["text"] == "31.4"
    fee = "0.20"  # 100.73 at 0.05 % for four days
    assert [value for _, value in told["account"]] == ["100.73", "0.00", fee, "0.00"]
    assert told["pay"]["amount"] == "100.93" and told["pay"]["until"] == "已逾期,请尽快缴纳"
    assert told["pay"]["scan"] == f"https://pay.example.cn/p?c={payment_code(9)}"


def test_who_took_an_account_over_does_not_read_what_others_used_before() -> None:
    told = paper(since_day(facts(), day(2025, 8, 15)), "zh", zone("Asia/Shanghai"))
    assert [one["text"] != "" for one in told["chart"]] == [False] * 11 + [True, True]  # September, October
    assert [row[1] for row in told["compare"]["rows"]] == ["31.4", "17", "–"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_has_the_words_of_one_language(language: Language) -> None:
    told = paper(facts(), language, zone("Asia/Shanghai"))
    assert not [text for text in texts(told) if "{" in text and "code" not in text]
    if language == "en":
        own = {"自来水费", "水资源费", "污水处理费", "居民一户一表", "临江市自来水有限公司", "张敏"}
        said = " ".join(texts(told))
        for mine in (facts().bill.address, facts().letterhead.address, *own):
            said = said.replace(mine, "")
        assert not [letter for letter in said if "\u4e00" <= letter <= "\u9fff"]


def test_what_a_person_must_know() -> None:
    one = facts()
    bare = replace(one, letterhead=Letterhead(), registers={}, open_bills=[], past=[])
    told = paper(bare, "zh", zone("Asia/Shanghai"), named=False)
    assert told["meters"]["rows"][0][2:4] == ["–", "–"] and any("没有示数" in note for note in told["notes"])
    assert told["pay"]["scan"] == payment_code(9) and told["pay"]["until"] == "已缴清"
    assert "张敏" not in " ".join(texts(told)) and one.bill.address not in " ".join(texts(told))
    assert [row[1] for row in told["compare"]["rows"]] == ["31.4", "–", "–"]
    assert any(
        "示数之差不同" in note for note in paper(replace(one, registers={1: (0, 5)}), "zh", zone("UTC"))["notes"]
    )
    corrected = replace(
        one.bill, superseded=True, estimated_days=3, kept=replace(one.bill.kept, version=2, reason="读错")
    )
    told = paper(replace(one, bill=corrected), "zh", zone("Asia/Shanghai"))
    assert told["mark"] and "第 2 版" in " ".join(texts(told)) and any("3 天" in note for note in told["notes"])


def test_changes() -> None:
    pairs = ((100, 110), (100, 90), (3, 2), (0, 5), (5, 5))
    assert [change(*pair) for pair in pairs] == ["+10.0 %", "−10.0 %", "−33.3 %", "", "0.0 %"]
    assert first_of_month(day(2026, 1, 1), -13) == day(2024, 12, 1)
    assert all(len(pair) == 2 for pair in WORDS.values())


def test_the_template_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    typeset = TypstBills()
    try:
        for language in ("zh", "en"):
            document = json.dumps(paper(facts(), language, zone("Asia/Shanghai")))
            first, again = (asyncio.run(typeset(document, 1_761_970_000)) for _ in range(2))
            assert first.startswith(b"%PDF-") and first == again
            assert b"/Count 1" in first and b"NotoSansCJK" in first and len(first) < 200_000
        with pytest.raises(TypesetError, match="字体"):
            monkeypatch.setattr(bills, "FONT", "No Such Font")
            TypstBills().set(document, 0)
    finally:
        typeset.close()
