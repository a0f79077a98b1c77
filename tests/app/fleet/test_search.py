# SPDX-License-Identifier: Apache-2.0
"""A part's grams are grams of the whole, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.app.fleet.search import (
    SEPARATOR,
    AreaQuery,
    area_queries,
    field_grams,
    grams,
    grams_of,
    normalise,
    parse_query,
    search_text,
)

SIGNS = st.text(alphabet="01289abz成都市高新区天府大道号栋/-é", max_size=30)


@given(SIGNS, st.integers(0, 30), st.integers(0, 30))
def test_parts_are_contained(text: str, start: int, size: int) -> None:
    whole = normalise(text)
    assert set(grams(whole[start : start + size])) <= set(grams(SEPARATOR + whole + SEPARATOR))


@given(st.lists(st.lists(SIGNS, max_size=3), max_size=6))
def test_many_at_once_are_the_same_as_one_by_one(rows: list[list[str]]) -> None:
    texts = [search_text(fields) for fields in rows]
    found, starts = grams_of(texts)
    got = [sorted(set(found[starts[i] : starts[i + 1]].tolist())) for i in range(len(texts))]
    for text, have in zip(texts, got, strict=True):
        assert set(grams(text)) <= set(have)
        for field in text.split(SEPARATOR):
            assert set(field_grams(field)) <= set(have)
    windows, bounds = grams_of(texts, fields=False)
    assert [sorted(set(windows[bounds[i] : bounds[i + 1]].tolist())) for i in range(len(texts))] == list(
        map(grams, texts)
    )


def test_short_fields_have_a_gram_of_their_own() -> None:
    assert len(field_grams("欧阳修")) == 1 and not set(field_grams("欧阳修")) & set(grams("欧阳修"))
    assert len(field_grams("b123")) == 1
    assert field_grams("13800000005") == grams("13800000005")


def test_windows() -> None:
    assert len(grams("13800")) == 2 and len(grams("1380")) == 1
    assert len(grams("天府大道3号")) == 5
    assert grams("138") == [] and grams("天") == []
    assert len(grams("\n13\n80\n")) == 0  # no window crosses a field


def test_normalised() -> None:
    assert normalise("ＡＢ－１２　号") == "ab-12号"
    assert search_text(["A1", "", "a1", "李雷"]) == "\na1\n李雷\n"


def test_queries() -> None:
    assert parse_query(" 天府 138 ").terms == ["天府", "138"]
    for bad in ("", "   ", "x" * 65):
        with pytest.raises(ValueError, match="query"):
            parse_query(bad)


AREAS = [(1, None, "A1", "城东片区"), (2, 1, "A12", "东湖"), (3, None, "A3", "城西")]


def test_a_word_may_stand_in_the_text_or_name_the_area() -> None:
    ways = area_queries(parse_query("张伟 城东"), AREAS)
    assert set(ways) == {AreaQuery(("张伟", "城东"), None), AreaQuery(("张伟",), frozenset({1, 2}))}
    assert area_queries(parse_query("张伟 人民路"), AREAS) == [AreaQuery(("张伟", "人民路"), None)]


def test_an_area_is_named_by_its_whole_code_and_not_by_one_sign() -> None:
    assert AreaQuery((), frozenset({3})) in area_queries(parse_query("a3"), AREAS)
    assert area_queries(parse_query("城"), AREAS) == [AreaQuery(("城",), None)]


def test_words_that_name_areas_apart_from_each_other_name_none() -> None:
    ways = area_queries(parse_query("城东 城西"), AREAS)
    assert AreaQuery((), frozenset()) not in ways
    assert AreaQuery(("城西",), frozenset({1, 2})) in ways


def test_the_ways_to_read_many_words_stay_few() -> None:
    words = " ".join(f"区{n}" for n in range(15))
    areas = [(n, None, str(n), f"区{n}") for n in range(15)]
    assert len(area_queries(parse_query(words), areas)) <= 8
