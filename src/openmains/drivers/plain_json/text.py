# SPDX-License-Identifier: Apache-2.0
"""One message in JSON (RFC 8259): what it says by its page.

The text must be one object, each name in an object once (RFC 8259, 4, leaves what else means open; here it is refused). A number is the decimal
that stands there: it is never a float. What a field says and makes no sense is damage, noted and left out; so is a value that the page neither
reads nor ignores, so that nothing is dropped without a word.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from openmains.drivers.frame_reading import FrameFaultError, Reading
from openmains.drivers.message_schema import MAX_FRAME
from openmains.drivers.model import MISSING_VALUE, Kind
from openmains.drivers.plain_json.page import ISO, MOST_RAW, UNIX_MS, JsonField, JsonPage
from openmains.drivers.scalar import CARRIES

MOST_DIGITS = 40
MOST_NOTED = 8  # values that the page does not know, by name; more are counted
NOTHING = object()


def read_text(page: JsonPage, payload: bytes) -> Reading:
    """Raises ``FrameFaultError``."""
    if len(payload) > MAX_FRAME:
        raise FrameFaultError("length", MAX_FRAME, f"more than {MAX_FRAME} bytes")
    told = opened(payload, _number)
    if page.each:
        listed = at_path(told, page.each)
        if not isinstance(listed, list) or len(listed) != 1:
            raise FrameFaultError(
                "type", 0, f"/{'/'.join(page.each)} is no list of one meter: a broker's edge takes longer ones apart"
            )
    reading = Reading(page.kind.value, page.kind)
    for field in page.fields:
        value = at_path(told, field.path)
        if value is not NOTHING:
            _take(page, field, value, reading)
    _note_others(page, told, reading)
    if page.needs and not page.needs & reading.points.keys():
        if not page.or_heartbeat:
            raise FrameFaultError("type", 0, f"it says nothing of {', '.join(sorted(page.needs))}")
        reading.kind = Kind.HEARTBEAT
        reading.is_sound = True
    if reading.damages and not reading.is_sound:
        offset, name, detail = reading.damages[0]
        raise FrameFaultError(reading.reasons[0], offset, f"{name}: {detail}")
    return reading


def in_words(page: JsonPage, payload: bytes) -> str:
    """What a message says, in words for people; raises ``FrameFaultError``."""
    reading = read_text(page, payload)
    words = [f"{name}={'unknown' if value == MISSING_VALUE else value}" for name, value in reading.points.items()]
    return ", ".join([*words, *(f"{name}: {why}" for _, name, why in reading.damages)])


def opened(payload: bytes, number: Callable[[str], object]) -> Mapping[str, object]:
    """The object that the text is; ``number``: what its numbers become. Raises ``FrameFaultError``."""
    try:
        text = payload.decode("utf-8")
        told = json.loads(
            text, parse_float=number, parse_int=number, parse_constant=_no_number, object_pairs_hook=_once
        )
    except UnicodeDecodeError as bad:
        raise FrameFaultError("json", bad.start, "is no UTF-8") from None
    except json.JSONDecodeError as bad:
        raise FrameFaultError("json", len(bad.doc[: bad.pos].encode()), bad.msg) from None
    except ArithmeticError:
        raise FrameFaultError("json", 0, "a number that nobody can hold") from None
    except (ValueError, RecursionError) as bad:
        raise FrameFaultError("json", 0, str(bad) or "lists within lists") from None
    if not isinstance(told, dict):
        raise FrameFaultError("json", 0, "is no object { … }")
    return told


def _number(digits: str) -> Decimal:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of more than {MOST_DIGITS} signs")
    return Decimal(digits)


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if any(name == other for other, _ in pairs[:index]))
        raise ValueError(f"the name {twice[:40]!r} stands twice in an object")
    return found


def at_path(told: object, path: tuple[str, ...]) -> object:
    """``NOTHING`` where there is none."""
    for step in path:
        if isinstance(told, dict) and step in told:
            told = told[step]
        elif isinstance(told, list) and step.isascii() and step.isdigit() and int(step) < len(told):
            told = told[int(step)]
        else:
            return NOTHING
    return told


def token(value: object) -> str:
    """A value as ``missing`` and ``words`` name it: true, false, a number without needless zeros, or the text itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, Decimal):
        return str(value)
    if not value:
        return "0"
    _, _, exponent = value.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > MOST_DIGITS:
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _take(page: JsonPage, field: JsonField, value: object, reading: Reading) -> None:
    if value is None or (isinstance(value, str | Decimal) and token(value) in field.missing):
        if field.point:
            reading.points[field.point] = MISSING_VALUE
        return
    if isinstance(value, dict | list):
        _damage(field, reading, "is no single value")
        return
    if field.event is not None:
        _event(field, value, reading)
        return
    if field.words:
        number = field.words.get(token(value))
        if number is None:
            _damage(field, reading, f"{token(value)[:40]!r} is not on the page")
            return
    elif field.time:
        number, why = _instant(field, value, page.utc_offset_s)
        if number is None:
            _damage(field, reading, why)
            return
    else:
        number, why = _whole(field, value)
        if number is None:
            _damage(field, reading, why)
            return
    if not field.low <= number <= field.high or abs(number) >= MOST_RAW:
        _damage(field, reading, f"{number} is outside {field.low}..{field.high}")
        return
    reading.points[field.point] = number
    reading.is_sound = reading.is_sound or field.point not in CARRIES


def _event(field: JsonField, value: object, reading: Reading) -> None:
    word = token(value)
    if word not in ("true", "false", "1", "0"):
        _damage(field, reading, f"{word[:40]!r} is neither true nor false")
        return
    bit = 1 << (field.event or 0)
    reading.known |= bit
    reading.mask |= bit if word in ("true", "1") else 0
    reading.is_sound = True


def _whole(field: JsonField, value: object) -> tuple[int | None, str]:
    """number × 10^decimals × scale, exactly; or None and why there is none."""
    if isinstance(value, str) and field.quoted:
        try:
            value = _number(value) if _is_number(value) else value
        except ValueError as bad:
            return None, str(bad)
    if not isinstance(value, Decimal):
        return None, "is no number"
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > MOST_DIGITS:
        return None, "is beyond 62 bits"
    number = int("".join(map(str, digits))) * field.scale
    places = exponent + field.decimals
    if places >= 0:
        number *= 10**places
    else:
        whole, rest = divmod(number, 10**-places)
        if rest and not field.rounds:
            return None, f"{token(value)} has more than {field.decimals} places"
        number = whole + (2 * rest >= 10**-places)
    return -number if sign else number, ""


def _is_number(text: str) -> bool:
    body = text.removeprefix("-")
    whole, _, places = body.partition(".")
    return whole.isascii() and whole.isdigit() and ((places.isascii() and places.isdigit()) or "." not in body)


def _instant(field: JsonField, value: object, utc_offset_s: int) -> tuple[int | None, str]:
    if field.time == ISO:
        if not isinstance(value, str) or len(value) > MOST_DIGITS:
            return None, "is no instant of ISO 8601"
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None, "is no instant of ISO 8601"
        if at.tzinfo is None:
            return int(at.replace(tzinfo=UTC, microsecond=0).timestamp()) - utc_offset_s, ""
        return int(at.replace(microsecond=0).timestamp()), ""
    if not isinstance(value, Decimal) or abs(value.adjusted()) > MOST_DIGITS:
        return None, "is no number"
    return int(value) // (1000 if field.time == UNIX_MS else 1), ""


def _damage(field: JsonField, reading: Reading, why: str) -> None:
    reading.damages.append((0, field.pointer, why))
    reading.reasons.append("range")
    if field.point:
        reading.points[field.point] = MISSING_VALUE


def _note_others(page: JsonPage, told: Mapping[str, object], reading: Reading) -> None:
    looked_at = page.ignored | {field.path for field in page.fields} | ({page.number} if page.each else set())
    others = [path for path in _leaves(told, ()) if not _is_under(path, looked_at)]
    for path in others[:MOST_NOTED]:
        reading.damages.append((0, _printable("/" + "/".join(path)[:80]), "is not on the page"))
    if len(others) > MOST_NOTED:
        reading.damages.append((0, "", f"{len(others) - MOST_NOTED} more values are not on the page"))
    reading.reasons += ["type"] * (len(reading.damages) - len(reading.reasons))


def _printable(text: str) -> str:
    """Names come from outside: no store takes all that JSON can escape."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _is_under(path: tuple[str, ...], above: frozenset[tuple[str, ...]]) -> bool:
    return any(path[:end] in above for end in range(1, len(path) + 1))


def _leaves(told: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(told, list):
        for index, value in enumerate(told):
            yield from _leaves(value, (*path, str(index)))
    else:
        yield path
