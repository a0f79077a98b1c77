# SPDX-License-Identifier: Apache-2.0
"""Commands, their parameters and meters' answers as a person reads them: ``充值 ¥50.00``, ``Set parameters · Report time: 02:00``.

For files of the server. The console does the same in ``console/src/shared/format/quantity.ts`` and
``features/command/parts/commandText.ts``; both are held to the table ``console/src/shared/format/wordingCases.json``. Numbers are exact:
the point is moved in the text, nothing is divided as a float. A number whose unit nobody said keeps none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from openmains.app.command.terms import BALANCE, Term, terms
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S, Zone

Language = Literal["zh", "en"]
MONEY, VOLUME = 0, 1  # values of balance_kind; 2: the meter holds none
THIN = "\u202f"  # between groups of three digits, as everywhere in the console
_CLOCK_TIMES = frozenset({"report_time"})
_UNITS = {"m3": "m³", "m3/h": "m³/h", "degC": "°C", "volume": "m³", "volume/h": "m³/h", "uS/cm": "µS/cm", "pH": ""}
_VOLUMES = {"volume": "m³", "volume/h": "m³/h"}
_BARE = frozenset({"", "state", "number", "count", "level", "bits", "text"})
_TIERS = ("tiers", "tier_from", "prices")


def _pick(language: Language, zh: str, en: str) -> str:
    return zh if language == "zh" else en


def decimal_text(count: int, exponent: int) -> str:
    """``count`` x 10^exponent, every digit of it, in groups of three by a thin space: (-5, -2) → ``−0.05``."""
    digits = str(abs(count) * 10 ** max(0, exponent)).rjust(1 - exponent, "0")
    whole, fraction = (digits, "") if exponent >= 0 else (digits[:exponent], f".{digits[exponent:]}")
    return f"{'−' if count < 0 else ''}{f'{int(whole):,}'.replace(',', THIN)}{fraction}"


def money_text(fen: int) -> str:
    """``5000`` → ``¥50.00``."""
    return f"{'−' if fen < 0 else ''}¥{decimal_text(abs(fen), -2)}"


def balance_text(value: int, kind: int | None, language: Language) -> str:
    """Fen or litres by their kind; without it both units are named, for neither is known."""
    if kind == MONEY:
        return money_text(value)
    if kind == VOLUME:
        return f"{decimal_text(value, -3)} m³"
    return f"{decimal_text(value, 0)} {_pick(language, '（分或升，类别未知）', '(fen or L, kind not known)')}"


def clock_text(seconds: int) -> str:
    """Seconds after midnight as a clock shows them: ``02:00``, with seconds where there are any."""
    text = f"{seconds // HOUR_S:02}:{seconds // MINUTE_S % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def span_text(seconds: int, language: Language) -> str:
    """A length of time: ``1 h 30 min``."""
    rest = abs(seconds)
    names = _pick(language, "小时 分钟 秒", "h min s").split()
    sizes = zip((rest // HOUR_S, rest // MINUTE_S % 60, rest % 60), names, strict=True)
    parts = [f"{count} {name}" for count, name in sizes if count]
    return ("−" if seconds < 0 else "") + (" ".join(parts) or f"0 {names[2]}")


def instant_text(seconds: int, zone: Zone) -> str:
    """``2026-01-01 08:00:00`` in the utility's zone."""
    return datetime.fromisoformat(zone.iso(seconds)).strftime("%Y-%m-%d %H:%M:%S")


def quantity_text(
    name: str,
    value: object,
    language: Language,
    zone: Zone,
    *,
    kind: int | None = None,
    exponent: int | None = None,
) -> str:
    """The value of a parameter, setting or point with its unit. ``kind``: of the balance, ``exponent``: volumes count 10^n m3, where
    it is known."""
    if isinstance(value, bool):
        return _pick(language, "是", "yes") if value else _pick(language, "否", "no")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(quantity_text(name, item, language, zone, kind=kind, exponent=exponent) for item in value)
    term = terms().get(name)
    if not isinstance(value, int) or term is None:
        return "—" if value is None else str(value)
    if value in term.words:
        return _pick(language, *term.words[value])
    if exponent is not None and term.unit in _VOLUMES:
        return f"{decimal_text(value, exponent)} {_VOLUMES[term.unit]}"
    return _with_unit(name, value, term, language, zone, kind)


def _with_unit(name: str, value: int, term: Term, language: Language, zone: Zone, kind: int | None) -> str:
    match term.unit:
        case unit if unit == BALANCE:
            return balance_text(value, kind, language)
        case "unknown":
            return balance_text(value, None, language)
        case "instant":
            return instant_text(value, zone)
        case "s":
            return clock_text(value) if name in _CLOCK_TIMES and 0 <= value < DAY_S else span_text(value, language)
        case "min":
            return f"UTC{'−' if value < 0 else '+'}{abs(value) // 60:02}:{abs(value) % 60:02}"
        case "month":
            return f"{value} {_pick(language, '个月', 'months' if value != 1 else 'month')}"
        case "CNY/m3":
            return f"¥{decimal_text(value, term.exponent)}/m³"
        case "volume" | "volume/h":  # in the product's unit, which nobody said
            return f"{value} {_pick(language, '（产品单位）', '(unit of the product)')}"
        case "%":
            return f"{value}%"
        case unit if unit in _BARE:
            return str(value)
        case unit:
            return f"{decimal_text(value, term.exponent)} {_UNITS.get(unit, unit)}".rstrip()


def label(name: str, language: Language) -> str:
    """What a parameter is called; a name nobody knows stays as it is."""
    term = terms().get(name)
    return name if term is None else _pick(language, term.zh, term.en)


def tier_texts(bounds: Sequence[int], prices: Sequence[int], language: Language) -> list[str]:
    """Tiers of a price, one a text: ``0–300 m³ ¥2.5600/m³``; the last has no end."""
    ends: list[int | None] = [*bounds[1:], None]
    texts = []
    for start, end, price in zip(bounds, ends, prices, strict=False):
        span = _pick(language, f"{start} m³ 以上", f"from {start} m³") if end is None else f"{start}–{end} m³"
        texts.append(f"{span} ¥{decimal_text(price, -4)}/m³")
    return texts


def params_text(
    kind: str, params: Mapping[str, Any], language: Language, zone: Zone, *, balance_kind: int | None = None
) -> str:
    """Parameters on one line. ``balance_kind``: the meter's, for thresholds that do not say their own."""
    own = params.get(
        "balance_kind", MONEY if kind == Kind.TOP_UP else balance_kind
    )  # a top-up is money if it says none
    if kind == Kind.TOP_UP and set(params) <= {"amount", "balance_kind"}:
        return quantity_text("amount", params.get("amount"), language, zone, kind=own)
    tiers = _tiers_of(params)
    parts = []
    for name, value in params.items():
        if name in _TIERS and tiers is not None:
            if name == "prices":
                parts.append((_pick(language, "阶梯价格", "Tiers"), ", ".join(tier_texts(*tiers, language))))
        elif isinstance(value, Mapping):
            parts += [
                (label(key, language), quantity_text(key, one, language, zone, kind=own)) for key, one in value.items()
            ]
        elif name == "names" and isinstance(value, Sequence):
            parts.append((label(name, language), ", ".join(label(str(one), language) for one in value)))
        else:
            parts.append((label(name, language), quantity_text(name, value, language, zone, kind=own)))
    colon, stop = _pick(language, "：", ": "), _pick(language, "；", "; ")
    return stop.join(f"{name}{colon}{text}" for name, text in parts)


def _tiers_of(params: Mapping[str, Any]) -> tuple[list[int], list[int]] | None:
    """Bounds and prices, if they are what a table can be made of."""
    bounds, prices = params.get("tier_from"), params.get("prices")
    if not isinstance(bounds, list) or not isinstance(prices, list) or not bounds or len(bounds) != len(prices):
        return None
    return (bounds, prices) if all(type(item) is int for item in (*bounds, *prices)) else None


def kind_title(kind: str, language: Language) -> str:
    """The kind in words."""
    rule = RULES.get(Kind(kind)) if kind in set(Kind) else None
    return kind if rule is None else _pick(language, rule.zh, rule.en)


def command_text(
    kind: str, params: Mapping[str, Any], language: Language, zone: Zone, *, balance_kind: int | None = None
) -> str:
    """A command in words: ``充值 ¥50.00``; more than an amount stands behind a point."""
    said = params_text(kind, params, language, zone, balance_kind=balance_kind)
    return (
        f"{kind_title(kind, language)}{' ' if kind == Kind.TOP_UP else ' · '}{said}"
        if said
        else kind_title(kind, language)
    )
