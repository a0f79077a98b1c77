# SPDX-License-Identifier: Apache-2.0
"""What the numbers of commands and of meters' answers are called and counted in, in both languages.

Made from the driver pages and ``drivers/points.toml``, which are where a unit is written down; a name that two pages have means
the same in both. The console has the same as ``console/src/shared/format/terms.json`` (``scripts/reference.py`` writes it,
tests/architecture holds it against this).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from openmains.app.command.driver import CommandDriver
from openmains.domain.command.safety_closing import ALARM, EVIDENCE, WORK_ORDER
from openmains.drivers.catalog import load
from openmains.drivers.model import Title
from openmains.drivers.points import vocabulary

BALANCE = "balance"
"""Unit of what is fen or litres, as the ``balance_kind`` beside it says."""
FOR_PEOPLE: Mapping[str, Title] = {
    EVIDENCE: Title("依据", "Evidence"),
    ALARM: Title("告警编号", "Alarm no."),
    WORK_ORDER: Title("工单", "Work order"),
}
"""What is said to people and not to the meter, so that no driver page has it."""
UNITS: Mapping[str, tuple[str, int]] = {
    "fen or L": (BALANCE, 0),
    "CNY": (BALANCE, 0),  # the point: fen, or litres of a volume balance
    "L": ("m3", -3),
    "L/h": ("m3/h", -3),
    "mV": ("V", -3),
    "0.1 kPa": ("kPa", -1),
    "0.0001 CNY/m3": ("CNY/m3", -4),
}
"""Units as pages write them → the unit a person counts in, and how many places the point moves."""
_YES_OR_NO = frozenset({"open_permitted", "closed_by_arrears", "closed_for_safety"})
_ZH = re.compile(r"（.*$")
_EN = re.compile(r"( \(\d[^()]*\)|; \d+ = .*|: fen, or litres.*)$")
_ZH_WORD = re.compile(r"(\d+)\s*([^\d\s（）]+)")
_EN_WORD = re.compile(r"(?:\(|, |; )(\d+):? (?:= )?([^,()]+)")


@dataclass(frozen=True, slots=True)
class Term:
    """A number's name, its unit with value = count x 10^exponent, and the words of values that stand for something."""

    zh: str
    en: str
    unit: str
    exponent: int
    words: Mapping[int, tuple[str, str]]


def term_of(title: Title, unit: str, exponent: int = 0) -> Term:
    """A title as pages write it – ``小区重选（0关 1开）``, ``Cell reselection (0 off, 1 on)`` – taken apart."""
    zh_inner = re.search(r"（(\d.*?)）", title.zh)
    en_inner = _EN.search(title.en)
    zh = {int(value): word for value, word in _ZH_WORD.findall(zh_inner.group(1))} if zh_inner else {}
    en = {int(value): word for value, word in _EN_WORD.findall(en_inner.group(1))} if en_inner else {}
    words = {value: (word, en[value]) for value, word in zh.items() if value in en}
    person_unit, places = UNITS.get(unit, (unit, exponent))
    return Term(_ZH.sub("", title.zh), _EN.sub("", title.en).partition(";")[0], person_unit, places, words)


@lru_cache(maxsize=1)
def terms() -> Mapping[str, Term]:
    """Every parameter, setting and point by name; a command's own word goes before the point's."""
    found = {point.name: term_of(point.title, point.unit, point.exponent) for point in _points()}
    for name, title in FOR_PEOPLE.items():
        found[name] = term_of(title, "text")
    for item in _said():
        term = term_of(item.title, item.unit)
        known = found[item.name].words if item.name in found else {}
        found[item.name] = replace(term, words={**known, **term.words})
    for name in _YES_OR_NO & found.keys():
        found[name] = replace(found[name], words={0: ("否", "no"), 1: ("是", "yes")})
    return found


def _points() -> Iterable[Any]:
    return vocabulary().points.values()


def _said() -> Iterable[Any]:
    for driver in load():
        if isinstance(driver, CommandDriver):
            yield from getattr(driver, "settings", {}).values()
            for kind in driver.command_kinds.values():
                yield from getattr(kind, "params", ())


def as_json() -> str:
    """The file of the console."""
    told = {
        name: {"zh": term.zh, "en": term.en, "unit": term.unit, "exponent": term.exponent}
        | ({"words": {str(value): list(pair) for value, pair in term.words.items()}} if term.words else {})
        for name, term in sorted(terms().items())
    }
    units = {name: list(pair) for name, pair in UNITS.items()}
    return json.dumps({"units": units, "terms": told}, ensure_ascii=False, indent=1) + "\n"
