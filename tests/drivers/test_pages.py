# SPDX-License-Identifier: Apache-2.0
"""A page that is broken or ambiguous stops the start and names the line."""

import random
import tomllib
from importlib import resources

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.points import parse_vocabulary
from tests.support.properties import counted

PAGES = catalog.pages_in(resources.files("openmains.drivers"))
FILE, GROUPS, CJT = "openmains/water-1.toml", "openmains/groups.toml", "cjt188/water-2004.toml"
WATER, CJT_TEXT = PAGES[FILE], PAGES[CJT]


def refused(text: str, file: str = FILE) -> DriverPageError:
    """Why the pages are refused with ``text`` in the place of ``file``."""
    with pytest.raises(DriverPageError) as caught:
        catalog.load_from(PAGES | {file: text})
    assert caught.value.file == file
    return caught.value


def written_in(old: str) -> str:
    """Where a part of the water page is written: in the page itself, or in the groups it uses."""
    return next(file for file in (FILE, GROUPS) if old in PAGES[file])


def test_good_pages_load() -> None:
    assert len(catalog.load_from(PAGES)) == sum(not file.endswith("/groups.toml") for file in PAGES)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('name = "pci", type = "u16"', 'name = "pci", type = "u17"', "u17"),
        ('name = "pci", type = "u16"', 'name = "pci", typo = 1, type = "u16"', "unknown key typo"),
        ('name = "pci", type', 'name = "ecl", type', "second field ecl"),
        ('point = "pci"', 'point = "ecl"', "point ecl is in field ecl already"),
        ('point = "pci"', 'point = "nothing"', "not in points.toml"),
        ('count = "count"', 'count = "counts"', "no unsigned fixed field before"),
        ('back_from = "day_register"', 'back_from = "nowhere"', "no unsigned fixed field before"),
        ('type = "i8", point = "frame_exponent"', 'type = "u8", point = "frame_exponent"', "does not fit"),
        ("default = -3, min = -3, max = 3 }", "default = -3, min = -4, max = 3 }", "below unit_exponent"),
        ("volume = true, max = 999999999999", "volume = true", "64 bits"),
        ('events = "flags"', 'events = "flag"', "no section [events.flag]"),
        ("micro_leak = 1", "micro_leak = 0", "ambiguous: bit 0"),
        ("micro_leak = 1", "micro_leek = 1", "event 'micro_leek'"),
        ("micro_leak = 1", "micro_leak = 32", "outside 0..31"),
        ("balance_kind = { at = 2, width = 2 }", "balance_kind = { at = 1, width = 2 }", "ambiguous: bit 1"),
        ("type = 0x02", "type = 0x01", "ambiguous: message report has the same type"),
        ('name = "enhanced"', 'name = "report"', "ambiguous: message report has the same name"),
        ('kind = "alarm"', 'kind = "alert"', "kind is one of"),
        ('grade = "reference"', 'grade = "perfect"', "grade"),
        ('medium = "water"', 'medium = "beer"', "medium"),
        ('crc = "crc16-1021-0000"', 'crc = "crc32"', "crc is one of"),
        ('byte_order = "big"', 'byte_order = "middle"', "byte_order"),
        ('type = "message_type"', 'type = "kind"', "one-byte field of the header"),
        ('echo = "frame_seq"', 'echo = "sequence"', "no field of the header"),
        ('hex = "4f57', 'hex = "zz57', "not hexadecimal"),
        ("[answer]", "[answers]", "unknown section answers"),
        ("unit_exponent = -3", 'unit_exponent = "litre"', "unit_exponent must be int"),
    ],
)
def test_broken_page_names_its_line(old: str, new: str, why: str) -> None:
    file = written_in(old)
    changed = PAGES[file].replace(old, new, 1)
    bad = refused(changed, file)
    assert why in bad.why
    assert new in changed.splitlines()[bad.line - 1]


@pytest.mark.parametrize("port", [0, 224])
def test_a_command_port_is_one_of_an_application(port: int) -> None:
    file = written_in("unit_exponent = -3")
    bad = refused(PAGES[file].replace("unit_exponent = -3", f"unit_exponent = -3\ncommand_port = {port}", 1), file)
    assert "command_port is outside" in bad.why


def test_a_message_that_can_be_too_long_is_named_where_the_page_has_it() -> None:
    old, new = 'name = "history_count", type = "u8", max = 14', 'name = "history_count", type = "u8"'
    pages = {FILE: WATER, GROUPS: PAGES[GROUPS].replace(old, new)}
    with pytest.raises(DriverPageError, match="more than 512") as caught:
        catalog.load_from(pages)
    assert caught.value.file == FILE
    assert WATER.splitlines()[caught.value.line - 1 :][:2] == ["[[message]]", 'use = "openmains/report"']


def test_fixed_field_after_a_counted_one() -> None:
    lines = PAGES[GROUPS].splitlines()
    at = next(k for k, line in enumerate(lines) if 'series = "increments"' in line)
    lines.insert(at + 1, '  { name = "late", type = "u8", point = "attempt" },')
    bad = refused("\n".join(lines), GROUPS)
    assert "fixed field after a counted one" in bad.why
    assert bad.line == at + 2


def test_not_toml_names_its_line() -> None:
    bad = refused("[driver]\nname = \n")
    assert bad.line == 2


@pytest.mark.parametrize("text", ["driver = 1", "[[driver]]", "vector = 1", "header = []", "message = [1]"])
def test_a_value_in_place_of_a_section(text: str) -> None:
    assert "must be a section" in refused(text).why


def test_page_without_vectors() -> None:
    assert "[[vector]]" in refused(CJT_TEXT.split("# Vectors")[0], CJT).why


def test_page_in_the_wrong_file() -> None:
    assert "lies in file" in refused(WATER, "openmains/other-1.toml").why


def test_duplicate_but_for_capitals() -> None:
    twin = WATER.replace('"openmains/water-1"', '"OpenMains/water-1"')
    with pytest.raises(DriverPageError, match="again"):
        catalog.load_from(PAGES | {"OpenMains/water-1.toml": twin})


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('id_order = "any"', 'id_order = "none"', "id_order"),
        ('clock_answer = "none"', 'clock_answer = "maybe"', "clock_answer"),
        ("units = { 2C = -2 }", "units = { 2C = -4 }", "unit '2C'"),
        ("units = { 2C = -2 }", "units = { 29 = -3 }", "units need 2C"),
        ("units = { 2C = -2 }", "units = { ZZ = -2 }", "unit 'ZZ'"),
        ("units = { 2C = -2 }", "units = 3", "units must be a table"),
        ("closed = 0x01", "closed = 0x00", "differ"),
        ("closed = 0x01", "closed = 0x08", "inside the mask"),
        ("[options.events.low_battery]", "[options.events.no_battery]", "no_battery"),
        ('hook = "cjt188"', 'hook = "cjt189"', "no hook"),
        ("utc_offset_min = 480", "utc_offset_min = 4800", "utc_offset_min"),
    ],
)
def test_broken_options(old: str, new: str, why: str) -> None:
    assert old in CJT_TEXT
    bad = refused(CJT_TEXT.replace(old, new, 1), CJT)
    assert why in bad.why
    assert bad.line > 0


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ('[events]\na = { bit = 1, severity = "major", zh = "甲", en = "a" }\n'
         'b = { bit = 1, severity = "major", zh = "乙", en = "b" }', "belongs to a", 3),
        ('[events]\na = { bit = 63, severity = "major", zh = "甲", en = "a" }', "outside 0..62", 2),
        ('[events]\na = { bit = 3, severity = "bad", zh = "甲", en = "a" }', "severity", 2),
        ('[points]\na = { unit = "V", exponent = 0, zh = "", en = "a" }', "not empty", 2),
        ("[latest]\na = { bits = 16, shown = true }", "no point", 2),
        ('[points]\na = { unit = "V", exponent = 0, zh = "甲", en = "a" }\n'
         "[latest]\na = { bits = 8, shown = true }", "bits", 4),
    ],
)  # fmt: skip
def test_broken_vocabulary(text: str, why: str, line: int) -> None:
    with pytest.raises(DriverPageError) as caught:
        parse_vocabulary(text)
    assert why in caught.value.why
    assert caught.value.line == line


@pytest.mark.parametrize("file", [FILE, GROUPS, CJT, "cjt188/gas-2004.toml"])
def test_damaged_page_loads_or_is_refused_never_anything_else(file: str) -> None:
    source = random.Random(36)  # noqa: S311 - the same damage in every run is wanted
    lines = [line for line in PAGES[file].splitlines() if not line.startswith("#")]
    words = [word for line in lines for word in line.split()] + ["1", "-1", '""', "{}", "[]", "true", "1.5", '"ZZ"']
    others = {name: PAGES[name] for name in (FILE, GROUPS)} if file in (FILE, GROUPS) else {}
    loaded, count = 0, counted(80)
    for _ in range(count):
        damaged = list(lines)
        at = source.randrange(len(damaged))
        what = source.randrange(4)
        if what == 0:
            del damaged[at]
        elif what == 1:
            damaged.insert(at, source.choice(damaged))
        else:
            parts = damaged[at].split() or [""]
            parts[source.randrange(len(parts))] = source.choice(words)
            damaged[at] = " ".join(parts)
        try:
            catalog.load_from(others | {file: "\n".join(damaged)})
            loaded += 1
        except DriverPageError as bad:
            assert bad.why
    assert 0 < loaded < count


FAULT = '[[fault]]\nevent = "burst"\ncode = "E21"\nzh = "爆"\nen = "Burst"\nact_zh = "关"\nact_en = "Shut"\n'


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('event = "burst"', 'event = "bursts"', "event 'bursts' is not in points.toml"),
        ('code = "E21"', 'code = " "', "code is 1 to 40 signs"),
        ('act_en = "Shut"', 'act_en = ""', "act_en is 1 to 300 signs"),
        ('act_en = "Shut"\n', "", "act_en is missing in fault"),
        ('code = "E21"', 'code = "E21"\nsign = 1', "unknown key sign"),
    ],
)
def test_a_fault_code_that_says_half_is_refused(old: str, new: str, why: str) -> None:
    assert why in refused(CJT_TEXT + FAULT.replace(old, new), CJT).why
    assert "is said already" in refused(CJT_TEXT + FAULT + FAULT, CJT).why


def test_fault_codes_of_a_page_are_those_of_its_events() -> None:
    loaded = {driver.name: driver for driver in catalog.load_from(PAGES | {CJT: CJT_TEXT + FAULT})}
    assert [(code.event, code.code) for code in loaded["cjt188/water-2004"].fault_codes] == [
        ("low_battery", "ST0 D2"),
        ("burst", "E21"),
    ]
    for name in ("openmains/water-1", "openmains/gas-1", "station/water-1", "station/gas-1"):
        flags = tomllib.loads(PAGES[f"{name}.toml"])["events"]["flags"] | tomllib.loads(PAGES[GROUPS])["flags"]
        told = {code.event: code.code for code in loaded[name].fault_codes}
        shared = {event for event in flags if event != "use"}
        if name.startswith("openmains/"):
            assert set(told) == shared
        assert all(code == f"E{flags[event]:02d}" for event, code in told.items())
