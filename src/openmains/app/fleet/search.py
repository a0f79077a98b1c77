# SPDX-License-Identifier: Apache-2.0
"""Fuzzy search over the registry by n-grams: part of a number, a name or half an address finds the meter.

A *gram* is a window of the normalised text: two characters where one of them is ideographic or another non-Latin sign,
four where all are letters and digits of ASCII (of three digits there are a thousand windows only: each would lead to a
good part of ten million meters). A window depends on nothing outside it, so every gram of a part is a gram
of the whole: ``grams(part) ⊆ grams(whole)``. Each is hashed to an int4 for a GIN index over ``int[]``; hits are rechecked
against the text, so a collision costs time and never a wrong hit.

A short field has a gram of its whole as well: 'is there a meter whose name is exactly this' is then one look-up, where the
windows of a short word would lead to hundreds of thousands of candidates. Long fields are told by their many windows.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import AreaId, CustomerId, MeterId, ProductId

SEPARATOR = "\n"  # stands between and around the fields; no window crosses it
MAX_QUERY = 64
SHORT_FIELD = 12  # characters of a field that has a gram of its own …
SHORT_LATIN = 7  # … and where all are ASCII
_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D)


@dataclass(frozen=True, slots=True)
class MeterHit:
    """One meter found. ``cursor`` continues after it."""

    meter_id: MeterId
    number: str
    imei: int | None
    product_id: ProductId
    area_id: AreaId
    customer_id: CustomerId | None
    customer_name: str
    address: str
    installed_on: date
    removed_on: date | None
    exact: bool  # the whole query equals the number, IMEI, name or address
    cursor: str


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: every term must occur, in whatever field or as the meter's area; ``grams`` is empty where all terms
    are too short to have one."""

    terms: list[str]
    whole: str
    grams: list[int]
    exact_grams: list[int]  # of meters that have the whole query as a field


def normalise(text: str) -> str:
    """Lower case, full width to half width (NFKC), no white space: 'ＡＢ１ 号' → 'ab1号'."""
    if text.isascii():
        return "".join(text.lower().split())
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def search_text(fields: Sequence[str]) -> str:
    """Normalised fields, each between separators; empty and repeated ones left out."""
    seen = dict.fromkeys(normalise(field) for field in fields)
    seen.pop("", None)
    return SEPARATOR + "".join(field + SEPARATOR for field in seen)


def fields_of(number: str, bar_code: str, imei: int | None, name: str, *others: str) -> list[str]:
    """The searchable fields of a meter in their order; ``others``: its address, the customer's, IMSI and ICCID of its SIM,
    the customer's code. A phone is none of them: it is sealed, and found whole (``app/party/personal.py``)."""
    return [number, bar_code, imei_text(imei) if imei is not None else "", name, *others]


def grams_of(texts: Sequence[str], *, fields: bool = True) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Grams of many texts at once: (all grams in order, start of each text's grams; one longer than ``texts``).

    ``fields``: the texts are search texts, short fields get their own gram. Repeats within a text are kept: the index
    drops them.
    """
    joined = SEPARATOR.join(texts) + SEPARATOR * 4
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    end = points == ord(SEPARATOR)
    latin = (points < 128) & ~end
    first, second, third, fourth = points[:-3], points[1:-2], points[2:-1], points[3:]
    inside = ~end[:-3] & ~end[1:-2]
    four = latin[:-3] & latin[1:-2] & latin[2:-1] & latin[3:]
    two = inside & ~(latin[:-3] & latin[1:-2])
    pair = first * _A ^ (second + np.uint32(1)) * _B
    hashed = np.where(four, (pair ^ (third + np.uint32(1)) * _C) * _A ^ (fourth + np.uint32(1)) * _B, pair)
    hashed ^= hashed >> np.uint32(15)
    chosen = two | four
    if fields:
        _add_fields(points, end, latin, hashed, chosen)
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    counts = np.concatenate([[0], np.cumsum(chosen, dtype=np.int64)])
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    return hashed[chosen].view(np.int32), counts[np.minimum(bounds, len(counts) - 1)]


def _add_fields(
    points: NDArray[np.uint32],
    end: NDArray[np.bool_],
    latin: NDArray[np.bool_],
    hashed: NDArray[np.uint32],
    chosen: NDArray[np.bool_],
) -> None:
    """Put the gram of each short field at the place of the separator behind it."""
    ends = np.flatnonzero(end[:-3])
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    sizes = ends - starts
    fits = (sizes > 0) & (sizes <= SHORT_FIELD)
    starts, ends, sizes = starts[fits], ends[fits], sizes[fits]
    total = np.zeros(len(starts), dtype=np.uint32)
    plain = np.ones(len(starts), dtype=np.bool_)
    for offset in range(SHORT_FIELD):
        there = sizes > offset
        place = starts[there] + offset
        total[there] = (total[there] + points[place]) * _A + np.uint32(offset)
        plain[there] &= latin[place]
    told = ~plain | (sizes <= SHORT_LATIN)
    hashed[ends[told]] = (total[told] ^ total[told] >> np.uint32(13)) * _C
    chosen[ends[told]] = True


def grams(text: str) -> list[int]:
    """Distinct windows of one text, sorted."""
    found, _ = grams_of([text], fields=False)
    return [int(gram) for gram in np.unique(found)]


def field_grams(field: str) -> list[int]:
    """What to look for to find a field that is exactly this."""
    if len(field) <= (SHORT_LATIN if field.isascii() else SHORT_FIELD):
        found, _ = grams_of([SEPARATOR + field + SEPARATOR])
        windows = set(grams(field))
        return [int(gram) for gram in np.unique(found) if gram not in windows] or sorted(windows)
    return grams(field)


def parse_query(text: str) -> Query:
    """Terms are separated by white space. Raises ``ValueError`` for an empty or overlong query."""
    if len(text) > MAX_QUERY:
        raise ValueError(f"a query has at most {MAX_QUERY} characters")
    terms = [term for term in (normalise(part) for part in text.split()) if term]
    if not terms:
        raise ValueError("the query is empty")
    whole = "".join(terms)
    return Query(terms, whole, grams_of_terms(terms), field_grams(whole))


def gram_sets(texts: Sequence[str]) -> list[list[int]]:
    """Of each search text its grams, sorted, each once: as they are stored beside it."""
    found, starts = grams_of(texts)
    values, bounds = found.tolist(), starts.tolist()
    return [sorted(set(values[first:end])) for first, end in pairwise(bounds)]


def grams_of_terms(terms: Sequence[str]) -> list[int]:
    """Grams of all terms, sorted: every text that holds the terms has them."""
    return sorted({gram for term in terms for gram in grams(term)})


MOST_AREA_TERMS = 3
LEAST_AREA_TERM = 2


@dataclass(frozen=True, slots=True)
class AreaQuery:
    """One way to read a query: ``terms`` stand in the meter's own text, the others named its area, one of ``areas``
    (None: no term did)."""

    terms: tuple[str, ...]
    areas: frozenset[int] | None


def area_queries(query: Query, areas: Sequence[tuple[int, int | None, str, str]]) -> list[AreaQuery]:
    """All ways to read it: each term may be text, or name an area by a part of its name or by its code, with the areas below.

    ``areas``: (id, id of the one above, code, name). Of many terms that name areas the first three are read so, which
    keeps the ways to eight.
    """
    named: dict[str, frozenset[int]] = {}
    for term in query.terms:
        if len(named) == MOST_AREA_TERMS or len(term) < LEAST_AREA_TERM:
            continue
        found = {area_id for area_id, _, code, name in areas if term in normalise(name) or term == normalise(code)}
        if found:
            named[term] = below(found, areas)
    ways = [AreaQuery((), None)]
    for term in query.terms:
        longer = [AreaQuery((*way.terms, term), way.areas) for way in ways]
        if term in named:
            longer += [
                AreaQuery(way.terms, named[term] if way.areas is None else way.areas & named[term]) for way in ways
            ]
        ways = longer
    return [way for way in dict.fromkeys(ways) if way.areas is None or way.areas]


def below(roots: set[int], areas: Sequence[tuple[int, int | None, str, str]]) -> frozenset[int]:
    """These areas and all below them."""
    children: dict[int, set[int]] = {}
    for area_id, parent_id, _, _ in areas:
        if parent_id is not None:
            children.setdefault(parent_id, set()).add(area_id)
    reached, open_ones = set(roots), list(roots)
    while open_ones:
        for area_id in children.get(open_ones.pop(), set()) - reached:
            reached.add(area_id)
            open_ones.append(area_id)
    return frozenset(reached)


def like_escape(text: str) -> str:
    """The text for use within a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
