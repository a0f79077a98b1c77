# SPDX-License-Identifier: Apache-2.0
"""Kinds of work orders as data: what a kind is called, what has to be answered at the place, which skill it takes, how soon it is due.

A utility begins with ``STANDARD`` and sets its own in their place, by code. Checklists say what the documents ask of a visit (R8.4,
R8.6): an item that is ``needed`` is answered before the order is done, and an answer of another type than the item's is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Text = tuple[str, str]  # Chinese, English
Answer = bool | int | str


class AnswerKind(StrEnum):
    """What an item of a checklist is answered with."""

    YES_NO = "yes_no"
    WHOLE = "whole"  # an integer in the item's unit
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class CheckItem:
    """A line of a checklist. ``least``, ``most``: of a whole number, themselves included; ``unit`` as people read it. ``hazard``: a 'no', or
    a number outside, is a hazard of the place and has to be recorded as one."""

    code: str
    title: Text
    answer: AnswerKind = AnswerKind.YES_NO
    needed: bool = True
    unit: str = ""
    least: int | None = None
    most: int | None = None
    hazard: bool = False


@dataclass(frozen=True, slots=True)
class OrderKind:
    """``due_min``: minutes of the kind's calendar until it is to be done; ``skill``: '' takes anybody. ``signed``: the customer signs before it
    is done; ``photos``: at least so many."""

    code: str
    title: Text
    skill: str
    due_min: int
    checklist: tuple[CheckItem, ...] = ()
    signed: bool = False
    photos: int = 0


_A = AnswerKind
_SAFE = CheckItem("site_safe", ("离开时现场安全", "The site is safe when leaving"))
_LEAK_FREE = CheckItem("leak_free", ("检漏合格（燃气 ≤ 10 kPa）", "Free of leaks (gas: at ≤ 10 kPa)"), hazard=True)
_CAUSE = CheckItem("cause", ("原因", "Cause"), _A.TEXT)
_KINDS: Sequence[OrderKind] = (
    OrderKind("leak", ("燃气泄漏抢修", "Gas leak"), "gas", 60, (
        CheckItem("gas_ppm", ("燃气浓度", "Gas concentration"), _A.WHOLE, unit="ppm", least=0, most=1_000_000),
        CheckItem("supply_shut", ("已切断气源", "The supply was shut")), _CAUSE, _LEAK_FREE, _SAFE,
    ), photos=1),
    OrderKind("no_supply", ("无气或无水", "No gas or no water"), "", 240, (
        CheckItem("inlet_open", ("表前阀打开", "The inlet valve is open")),
        CheckItem("inlet_kpa", ("表前压力", "Inlet pressure"), _A.WHOLE, needed=False, unit="kPa", least=0, most=10_000), _CAUSE, _SAFE,
    )),
    OrderKind("meter_fault", ("表具故障", "Meter fault"), "", 1440, (_CAUSE, _SAFE)),
    OrderKind("meter_exchange", ("换表", "Meter exchange"), "", 2880, (
        CheckItem("valve_tested", ("换后通信与阀门试验通过", "Communication and valve tested after the exchange")), _LEAK_FREE, _SAFE,
    ), signed=True, photos=2),
    OrderKind("communication", ("通信失联", "No communication"), "", 2880, (
        CheckItem("rsrp_dbm", ("现场信号 RSRP", "Signal at the place, RSRP"), _A.WHOLE, unit="dBm", least=-160, most=0),
        CheckItem("sim_seated", ("SIM 卡完好就位", "The SIM is whole and seated")),
        CheckItem("battery_mv", ("电池电压", "Battery voltage"), _A.WHOLE, needed=False, unit="mV", least=0, most=10_000), _CAUSE,
    )),
    OrderKind("valve", ("阀门处理", "Valve"), "", 480, (
        CheckItem("valve_moves", ("阀门开关正常", "The valve opens and shuts")), _CAUSE, _SAFE,
    )),
    OrderKind("reading_visit", ("上门抄表", "Visit for a reading"), "", 2880, (
        CheckItem("register_seen", ("读数清楚可见", "The register can be read")),
    ), photos=1),
    OrderKind("safety_inspection", ("入户安检", "Safety inspection"), "gas", 14_400, (
        CheckItem("leak_free", ("接口、软管检漏合格", "Joints and hose free of leaks"), hazard=True),
        CheckItem("hose_sound", ("软管完好、未超期、不超过 2 m", "Hose sound, within its life, at most 2 m"), hazard=True),
        CheckItem("place_allowed", ("表不在卧室、浴室，距火源 ≥ 1.5 m", "Meter not in bedroom or bathroom, ≥ 1.5 m from fire"), hazard=True),
        CheckItem("flame_guard", ("灶具有熄火保护", "The stove shuts off without a flame"), hazard=True),
        CheckItem("vented", ("热水器烟道通室外", "The water heater is vented outside"), hazard=True),
        CheckItem("no_change", ("无私改、包封", "Nothing changed or boxed in by the customer"), hazard=True),
    ), signed=True, photos=1),
    OrderKind("hazard_recheck", ("隐患复查", "Re-check of a hazard"), "gas", 14_400, (
        CheckItem("hazard_removed", ("隐患已整改", "The hazard is removed")),
    ), photos=1),
    OrderKind("maintenance", ("维护保养", "Maintenance"), "", 14_400, (_SAFE,)),
    OrderKind("other", ("其他", "Other"), "", 2880, (_CAUSE,)),
)  # fmt: skip
STANDARD: Final[Mapping[str, OrderKind]] = {kind.code: kind for kind in _KINDS}
INSPECTION: Final = "safety_inspection"
RECHECK: Final = "hazard_recheck"
EXCHANGE: Final = "meter_exchange"
READING: Final = "reading_visit"
MOST_ITEMS: Final = 60


def kind_fault(kind: OrderKind) -> tuple[str, str] | None:
    """What keeps data from being a kind: (where, what); None: nothing does."""
    seen: set[str] = set()
    for index, item in enumerate(kind.checklist):
        where = f"/checklist/{index}"
        if item.code in seen:
            return f"{where}/code", "twice"
        seen.add(item.code)
        is_bounded = item.least is not None or item.most is not None
        if is_bounded and item.answer is not AnswerKind.WHOLE:
            return f"{where}/least", "not-of-this-type"
        if item.least is not None and item.most is not None and item.least > item.most:
            return f"{where}/least", "out-of-range"
        if item.hazard and item.answer is AnswerKind.TEXT:
            return f"{where}/hazard", "not-of-this-type"
    return None


def answer_fault(kind: OrderKind, answers: Mapping[str, Answer]) -> tuple[str, str] | None:
    """The first answer that is not one of its item: (code, what). A number outside its bounds is refused, unless its item says that this is
    a hazard: then it is the finding."""
    items = {item.code: item for item in kind.checklist}
    for code, answer in answers.items():
        item = items.get(code)
        if item is None:
            return code, "unknown-item"
        is_fit = {
            AnswerKind.YES_NO: isinstance(answer, bool),
            AnswerKind.WHOLE: isinstance(answer, int) and not isinstance(answer, bool),
            AnswerKind.TEXT: isinstance(answer, str) and bool(answer.strip()),
        }[item.answer]
        if not is_fit:
            return code, "wrong-type"
        if item.answer is AnswerKind.WHOLE and not item.hazard and not _within(item, answer):
            return code, "out-of-range"
    return None


def missing(kind: OrderKind, answers: Mapping[str, Answer]) -> list[str]:
    """Needed items without an answer, in the checklist's order."""
    return [item.code for item in kind.checklist if item.needed and item.code not in answers]


def hazards(kind: OrderKind, answers: Mapping[str, Answer]) -> list[str]:
    """Items whose answer is a hazard."""
    return [
        item.code
        for item in kind.checklist
        if item.hazard
        and item.code in answers
        and (answers[item.code] is False or (item.answer is AnswerKind.WHOLE and not _within(item, answers[item.code])))
    ]


def _within(item: CheckItem, answer: Answer) -> bool:
    value = int(answer)
    return (item.least is None or value >= item.least) and (item.most is None or value <= item.most)
