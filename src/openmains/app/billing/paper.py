# SPDX-License-Identifier: Apache-2.0
"""A bill as the template sets it: all text, made purely of what the bill keeps and of the account as it stands on the day of printing.

Nothing is billed here: lines, sum and counts are the bill's own. What the template gets is one JSON object of texts; volumes of the chart are
integers in ml, for their heights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openmains.app.billing.decide import components_of
from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper_ports import PastMonth, PrintedBill
from openmains.app.billing.paper_words import Language, word
from openmains.app.billing.ports import OpenBill
from openmains.app.billing.rows import LineRow
from openmains.app.billing.settling import fee_of
from openmains.domain.ledger.payment_code import payment_code
from openmains.domain.period import Zone, day_text, day_to_date, first_of_month, month_text
from openmains.domain.tariff.billing import MINIMUM
from openmains.domain.tariff.calendar import season_at
from openmains.domain.tariff.capitals import capitals
from openmains.domain.tariff.exact import to_fen, written
from openmains.domain.tariff.plan import Plan

MONTHS = 13
NONE = "–"


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What a bill is printed of. ``plans`` by tariff and number; ``registers``: by meter, as the first day begins and the last one ends, in
    the meter's unit, None: not known; ``open_bills``: of the account."""

    bill: PrintedBill
    utility: str
    letterhead: Letterhead
    plans: Mapping[tuple[int, int], Plan]
    numbers: Mapping[int, str]
    registers: Mapping[int, tuple[int | None, int | None]]
    past: Sequence[PastMonth]
    open_bills: Sequence[OpenBill]
    credit_fen: int
    today: int


def paper(facts: PaperFacts, language: Language, zone: Zone, *, named: bool = True) -> dict[str, Any]:
    """The document. ``named``: with the customer's name and address."""
    bill, kept = facts.bill, facts.bill.kept

    def say(name: str, /, **values: object) -> str:
        return word(name, language, **values)

    medium = bill.medium if bill.medium in ("water", "gas") else "other"
    number = f"{month_text(kept.month)}-{kept.bill_id:08d}"
    return {
        "template": "bill",
        "lang": language,
        "title": f"{say(medium)} {number}",
        "number": number,
        "mark": say("superseded") if bill.superseded else "",
        "foot": say("foot"),
        "words": {
            "title": say(medium),
            **{
                name: say(name)
                for name in (
                    "number",
                    "code",
                    "meters",
                    "lines",
                    "total",
                    "capitals",
                    "cycle",
                    "compare",
                    "chart",
                    "account",
                )
            },
        },
        "issuer": {
            "name": facts.utility,
            "lines": [
                text
                for text in (
                    facts.letterhead.address,
                    say("phone", phone=facts.letterhead.phone) if facts.letterhead.phone else "",
                )
                if text
            ],
        },
        "customer": {
            "name": bill.holder if named else say("hidden"),
            "address": bill.address if named else "",
        },
        "facts": [
            [say("account_number"), bill.number or str(kept.account_id)],
            [say("tariff"), bill.tariff],
            [say("period"), _span(bill.first_day, kept.end_day)],
            [say("class"), say(bill.customer_class.value)],
            [say("due"), day_text(kept.due_day)],
            [
                say("made"),
                zone.iso(bill.made_us // 1_000_000)[:10]
                + (f" · {say('version', version=kept.version)}" if kept.version > 1 else ""),
            ],
        ],
        "pay": _pay(facts, language),
        "meters": _meters(facts, language),
        "lines": _lines(facts, language),
        "total": written(kept.total_fen, 2, 2),
        "capitals": capitals(kept.total_fen) if language == "zh" else "",
        **_cycle(facts, language),
        "compare": _compare(facts, language),
        "chart": _chart(facts, language),
        "account": _account(facts, language),
        "notes": _notes(facts, language),
    }


def owed(facts: PaperFacts) -> tuple[int, int, int]:
    """Fen owed of this bill, of others, and of late fees up to today."""
    this = sum(one.open_fen for one in facts.open_bills if one.bill_id == facts.bill.kept.bill_id)
    others = sum(one.open_fen for one in facts.open_bills) - this
    return this, others, sum(fee_of(one, facts.today) - one.fee_paid for one in facts.open_bills)


def _pay(facts: PaperFacts, language: Language) -> dict[str, str]:
    kept, code, fen = facts.bill.kept, payment_code(facts.bill.kept.account_id), sum(owed(facts))
    if fen <= 0:
        until = word("paid", language)
    elif kept.due_day < facts.today:
        until = word("overdue", language)
    else:
        until = word("until", language, day=day_text(kept.due_day))
    link = facts.letterhead.pay_link
    return {
        "label": word("to_pay", language),
        "amount": written(fen, 2, 2),
        "until": until,
        "code": " ".join(code[place : place + 4] for place in range(0, len(code), 4)),
        "scan": link.replace("{code}", code) if link else code,
    }


def _meters(facts: PaperFacts, language: Language) -> dict[str, Any]:
    cited, rows = facts.bill.kept.inputs.cited, list[list[str]]()
    for one in cited:
        first, end = one.first_day, one.first_day + len(one.steps)
        left, right = facts.registers.get(one.meter_id, (None, None))
        volume = facts.bill.volume_ml if len(cited) == 1 else _difference(left, right, one.unit_ml)
        rows.append(
            [
                facts.numbers.get(one.meter_id, str(one.meter_id)),
                _span(first, end),
                *(NONE if value is None else written(value * one.unit_ml, 6, 0) for value in (left, right)),
                NONE if volume is None else written(volume, 6),
            ]
        )
    return {"head": [word(one, language) for one in ("meter", "period", "opening", "closing", "volume")], "rows": rows}


def _difference(left: int | None, right: int | None, unit_ml: int) -> int | None:
    return None if left is None or right is None else (right - left) * unit_ml


def _lines(facts: PaperFacts, language: Language) -> dict[str, Any]:
    kept = facts.bill.kept
    by_heat = any(line.heat for line in kept.lines)
    names = ("component", "tier", "period", "price_heat" if by_heat else "price", "volume", "amount")
    sums = components_of(kept.lines)
    return {
        "head": [word(one, language) for one in names],
        "rows": [_line(facts, line, language) for line in kept.lines],
        "sums": [
            [word("part", language, name=_component(name, language)), written(fen, 2, 2)]
            for name, fen in sums.items()
            if len(sums) > 1
        ],
    }


def _line(facts: PaperFacts, line: LineRow, language: Language) -> list[str]:
    tariff = facts.bill.kept.inputs.parts[line.part].tariff_id
    plan = facts.plans[tariff, line.plan]
    if not line.tier:
        return [_component(line.component, language), "", _span(line.first_day, line.end_day), "", "", written(line.fen, 2, 2)]  # fmt: skip
    season = next((one for one in plan.seasons if one.name == line.season), None)
    bounds = plan.schedule.bounds_ml if season is None else season.schedule.bounds_ml
    tier = word("tier_name", language, tier=line.tier) if bounds else word("flat", language)
    return [
        _component(line.component, language),
        f"{tier} {line.season}".strip(),
        _span(line.first_day, line.end_day),
        written(line.price, 6, 2),
        written(line.volume_ml, 6),
        written(line.fen, 2, 2),
    ]


def _component(name: str, language: Language) -> str:
    return word("minimum", language) if name == MINIMUM else name


def _cycle(facts: PaperFacts, language: Language) -> dict[str, Any]:
    """The tiers of the cycle, or of a season that counts for itself, with what is counted after this bill."""
    kept, part = facts.bill.kept, facts.bill.kept.inputs.parts[-1]
    last = kept.end_day - 1
    plans = [facts.plans[part.tariff_id, number] for number in part.plans]
    plan = max((one for one in plans if one.from_day <= last), key=lambda one: one.from_day)
    season = season_at(plan, last)[0]
    schedule = plan.schedule if season is None or not season.schedule.bounds_ml else season.schedule
    own = season is not None and season.own_count
    counted, since = (
        (kept.counted.season_ml, kept.counted.season_day) if own else (kept.counted.cycle_ml, kept.counted.cycle_day)
    )
    bounds, low, tiers = schedule.bounds_for(part.persons, part.households), 0, list[dict[str, Any]]()
    for place, bound in enumerate((*bounds, None), 1):
        used = max(0, counted - low if bound is None else min(counted, bound) - low)
        if bound is None:
            text, percent = word("above", language, volume=written(low, 6)), 100 if used else 0
        else:
            size = bound - low
            text = f"{written(used, 6)} / {written(size, 6)} m³"
            percent = used * 100 // size if size else 0
            low = bound
        tiers.append({"name": word("tier_name", language, tier=place), "percent": percent, "text": text})
    told = word("counted", language, day=day_text(since), volume=written(counted, 6)) if since else ""
    return {"tiers": tiers if bounds else [], "counted": told}


def _compare(facts: PaperFacts, language: Language) -> dict[str, Any]:
    kept, by_month = facts.bill.kept, {one.month: one for one in facts.past}
    rows = [
        [
            word("this", language, month=month_text(kept.month)),
            written(facts.bill.volume_ml, 6),
            written(kept.total_fen, 2, 2),
            "",
        ]
    ]
    for name, back in (("last", 1), ("year_ago", 12)):
        month = first_of_month(kept.month, -back)
        then, label = by_month.get(month), word(name, language, month=month_text(month))
        if then is None:
            rows.append([label, NONE, NONE, ""])
        else:
            rows.append(
                [
                    label,
                    written(then.volume_ml, 6),
                    written(then.total_fen, 2, 2),
                    change(then.volume_ml, facts.bill.volume_ml),
                ]
            )
    return {"head": ["", *(word(one, language) for one in ("volume", "amount", "change"))], "rows": rows}


def change(before: int, now: int) -> str:
    """By how much ``now`` is above ``before``, in per cent with one decimal, half up; empty where before was nothing."""
    if before <= 0:
        return ""
    tenths = to_fen(Fraction((now - before) * 1000, before))
    return f"{'+' if tenths > 0 else '−' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10} %"


def _chart(facts: PaperFacts, language: Language) -> list[dict[str, Any]]:
    by_month = {one.month: one.volume_ml for one in facts.past} | {facts.bill.kept.month: facts.bill.volume_ml}
    found = list[dict[str, Any]]()
    for back in range(MONTHS - 1, -1, -1):
        month = first_of_month(facts.bill.kept.month, -back)
        volume = by_month.get(month)
        label = word("months", language, month=day_to_date(month).month)
        text = "" if volume is None else written(to_fen(Fraction(volume, 100_000)), 1)
        found.append({"label": label, "ml": max(0, volume or 0), "text": text, "this": back == 0})
    return found


def _account(facts: PaperFacts, language: Language) -> list[list[str]]:
    this, others, fee = owed(facts)
    day = day_text(facts.today)
    return [
        [word("this_open", language), written(this, 2, 2)],
        [word("other_open", language), written(others, 2, 2)],
        [word("fee", language, day=day), written(fee, 2, 2)],
        [word("credit", language), written(facts.credit_fen, 2, 2)],
    ]


def _notes(facts: PaperFacts, language: Language) -> list[str]:
    kept, cited = facts.bill.kept, facts.bill.kept.inputs.cited
    registers = [facts.registers.get(one.meter_id, (None, None)) for one in cited]
    known = all(None not in pair for pair in registers)
    between = sum(_difference(*pair, one.unit_ml) or 0 for pair, one in zip(registers, cited, strict=True))
    own = facts.letterhead.note_zh if language == "zh" else facts.letterhead.note_en
    told = [
        word("corrected", language, reason=kept.reason) if kept.reason else "",
        word("estimated", language, days=facts.bill.estimated_days) if facts.bill.estimated_days else "",
        word("by_days", language) if kept.by_days else "",
        word("differs", language) if known and between != facts.bill.volume_ml else "",
        "" if known else word("no_register", language),
        word("late_fee", language) if any(plan.late_fee for plan in facts.plans.values()) else "",
        word("as_of", language, day=day_text(facts.today)),
        *own.splitlines(),
    ]
    return [note for note in told if note]


def _span(first: int, end: int) -> str:
    """2026-10-01 – 10-31: the year of the end only where it is another one."""
    left, right = day_text(first), day_text(end - 1)
    return f"{left} – {right if left[:4] != right[:4] else right[5:]}"
