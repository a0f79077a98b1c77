# SPDX-License-Identifier: Apache-2.0
"""Standard objects: what a float in m³ becomes, four formats with one meaning, garbage in the pack."""

from binascii import crc_hqx
from importlib import resources

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.lwm2m.envelope import Envelope, fault_of, unwrap, wrap
from tests.drivers.test_all_drivers import meaning

WATER = catalog.load().driver("lwm2m/water-1")


def test_envelope_both_ways() -> None:
    for report in (Envelope("/", 112, b"\x80"), Envelope("/3424/0/1", None, b"12.5"), Envelope("/19/0/0", 42, b"")):
        raw = wrap(*report)
        assert fault_of(raw) is None and crc_hqx(raw, 0) == 0
        assert unwrap(raw) == report
    with pytest.raises(ValueError, match="no path"):
        wrap("3424/0", 112, b"")


def test_a_binary_float_is_the_litre_it_stands_for() -> None:
    # RFC 8428 in CBOR: [{0: "/3424/0/1", 2: 1234.567 as float64}]
    pack = bytes.fromhex("81a200692f333432342f302f3102fb40934a449ba5e354")
    found = meaning(WATER, wrap("/", 112, pack), 1_767_290_000)
    assert found is not None
    assert found["register_values"] == [1_234_567]


@pytest.mark.parametrize("number", ["f97e00", "f97c00", "f9fc00", "fb7fefffffffffffff"])  # NaN, ±infinity, 1.8e308
def test_no_volume_is_refused(number: str) -> None:
    pack = bytes.fromhex("81a200692f333432342f302f3102" + number)
    assert WATER.check(wrap("/", 112, pack)) == "range"


def test_the_other_mediums_meter_is_not_read() -> None:
    pack = b'[{"n":"/3423/0/1","v":12.5}]'
    assert WATER.check(wrap("/", 110, pack)) == "type"
    gas = meaning(catalog.load().driver("lwm2m/gas-1"), wrap("/", 110, pack))
    assert gas is not None and gas["register"] == 12_500


def test_a_modules_mark_for_unknown_is_no_signal() -> None:
    pack = b'[{"n":"/3424/0/1","v":1},{"n":"/4/0/2","v":99},{"n":"/3/0/9","v":255}]'
    found = meaning(WATER, wrap("/", 110, pack))
    assert found is not None
    assert not {"rsrp_ddbm", "battery_pct"} & set(found)


def test_the_page_says_what_is_observed_after_a_registration() -> None:
    assert WATER.observes[0] == (3424, 0)
    assert {path[0] for path in WATER.observes} == {3424, *range(10272, 10282)}
    assert len(WATER.observes) < 16  # with /19/0/0 all fit into a server's limit


@pytest.mark.parametrize(
    "options", ['observe = ["3424/0"]', 'observe = ["/3424/0/1"]', "observe = [3424]", "other = 1"]
)
def test_a_page_that_observes_nonsense_is_refused(options: str) -> None:
    text = resources.files("openmains.drivers").joinpath("lwm2m/water-1.toml").read_text("utf-8")
    (line,) = [one for one in text.splitlines() if one.startswith("observe = ")]
    with pytest.raises(DriverPageError, match="observe"):
        catalog.load_from({"lwm2m/water-1.toml": text.replace(line, options)})
