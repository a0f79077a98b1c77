# SPDX-License-Identifier: Apache-2.0
"""Object pages: complete, in two languages, and a wrong one is refused."""

from pathlib import Path

import pytest

from openmains.wire.lwm2m.definitions import PageError, as_markdown, definitions, read
from openmains.wire.lwm2m.value import Type


def test_all_objects_of_the_plan_are_there() -> None:
    wanted = [0, 1, 3, 4, 5, 7, 19, 3423, 3424, *range(10262, 10282), 26241, 26242, 26243]
    assert [one.id for one in definitions()] == wanted


def test_both_languages_everywhere() -> None:
    for one in definitions():
        names = [(one.en, one.zh)] + [(resource.en, resource.zh) for resource in one.resources.values()]
        assert all(en and zh for en, zh in names)
        assert all(not zh.isascii() or zh.isupper() for _, zh in names)


@pytest.mark.parametrize(
    ("path", "kind", "unit", "operations"),
    [
        ((3424, 0, 1), Type.FLOAT, "m3", "R"),
        ((3424, 0, 5518), Type.TIME, "", "R"),
        ((3423, 0, 11), Type.BOOLEAN, "", "R"),
        ((4, 0, 2), Type.INTEGER, "dBm", "R"),
        ((19, 0, 0), Type.OPAQUE, "", "RW"),
        ((10269, 0, 6029), Type.OPAQUE, "", "R"),
        ((10281, 2, 6012), Type.BOOLEAN, "", "RW"),
        ((5, 0, 2), None, "", "E"),
        ((0, 0, 5), Type.OPAQUE, "", ""),
    ],
)
def test_resources_as_registered(path: tuple[int, ...], kind: Type | None, unit: str, operations: str) -> None:
    resource = definitions().resource(path)
    assert resource is not None
    assert (resource.type, resource.unit, resource.operations) == (kind, unit, operations)


def test_our_own_objects_never_let_money_or_a_valve_be_written_bare() -> None:
    """What moves a valve or money is one opaque frame with a MAC; everything else of these objects is read only."""
    for object_id in (26241, 26242, 26243):
        one = definitions().object(object_id)
        assert one is not None
        writable = [resource for resource in one.resources.values() if resource.operations != "R"]
        assert [(resource.operations, resource.type) for resource in writable] == [("W", Type.OPAQUE)]


def test_what_nobody_knows() -> None:
    assert definitions().object(9) is None
    assert definitions().resource((3, 0, 99)) is None
    assert definitions().type((9, 0, 1)) is None
    assert definitions().resource((3, 0)) is None


GOOD = 'id = 30000\nurn = "urn:oma:lwm2m:x:30000"\nen = "Thing"\nzh = "物"\n'
ROW = '{ id = 1, ops = "R", type = "integer", en = "One", zh = "一" }'


@pytest.mark.parametrize(
    "page",
    [
        "[[object",
        "[[object]]\n" + GOOD,
        "[[object]]\n" + GOOD + f"resources = [{ROW}, {ROW}]",
        "[[object]]\n" + GOOD + f"resources = [{ROW}]\ncolour = 1",
        "[[object]]\n" + GOOD.replace("x:30000", "x:3") + f"resources = [{ROW}]",
        "[[object]]\n" + GOOD + "resources = [" + ROW.replace("integer", "number") + "]",
        "[[object]]\n" + GOOD + "resources = [" + ROW.replace('ops = "R"', 'ops = "E"') + "]",
        "[[object]]\n" + GOOD + "resources = [" + ROW.replace('ops = "R"', 'ops = "RE"') + "]",
        "[[object]]\n" + GOOD + "resources = [" + ROW.replace("id = 1", "id = 65535") + "]",
        "[[object]]\n" + GOOD + "resources = [" + ROW.replace(" }", ', note_en = "x" }') + "]",
        "[[object]]\n" + GOOD.replace('zh = "物"\n', "") + f"resources = [{ROW}]",
        2 * ("[[object]]\n" + GOOD + f"resources = [{ROW}]\n"),
    ],
)
def test_a_wrong_page_is_refused(page: str) -> None:
    with pytest.raises(PageError):
        read({"page.toml": page})


def test_the_reference_page_is_fresh_and_names_everything() -> None:
    page = (Path(__file__).parents[3] / "docs/protocols/lwm2m-objects.md").read_text("utf-8")
    assert page == as_markdown(), "run: make docs"
    for one in definitions():
        assert f"## {one.id} {one.en} {one.zh}" in page
