# SPDX-License-Identifier: Apache-2.0
"""A report of standard objects is kept with its path and content format; a maker's frame is kept as it came."""

import pytest

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import About, Accepted, Admission
from openmains.drivers import catalog
from openmains.drivers.lwm2m.envelope import Envelope, unwrap

IMEI = 861_000_000_000_001
PACK = b'[{"n":"/3424/0/1","v":12.5}]'
NOW_US = 1_767_290_000_000_000


def admission(driver: str) -> Admission:
    identities = Identities()
    identities.change(IMEI, Identity(1, 1, 1))
    made = Admission(identities, catalog.load())
    made.set_products({1: driver}, {})
    return made


@pytest.mark.parametrize(
    ("about", "payload", "wanted"),
    [
        (("/", 110), PACK, Envelope("/", 110, PACK)),
        (("/3424/0/1", None), b"12.5", Envelope("/3424/0/1", None, b"12.5")),
        (("/3424/0", 110), PACK, Envelope("/3424/0", 110, PACK)),
    ],
)
def test_standard_objects_are_wrapped(about: About, payload: bytes, wanted: Envelope) -> None:
    found = admission("lwm2m/water-1").admit(str(IMEI), payload, "lwm2m", "dp", NOW_US, about=about)
    assert isinstance(found, Accepted)
    assert found.uplink.fault == ""
    assert unwrap(found.uplink.payload) == wanted


def test_what_is_no_report_of_objects_becomes_a_dead_letter() -> None:
    """A meter of standard objects that posts something to /r: nothing says what the bytes are about."""
    found = admission("lwm2m/water-1").admit(str(IMEI), b"?", "coaps", "r", NOW_US)
    assert isinstance(found, Accepted)
    assert found.uplink.fault


def test_a_makers_frame_is_not_touched() -> None:
    frame = catalog.load().driver("openmains/water-1").vectors[0].frame
    found = admission("openmains/water-1").admit(str(IMEI), frame, "lwm2m", "19/0/0", NOW_US)
    assert isinstance(found, Accepted)
    assert found.uplink.payload == frame


@pytest.mark.parametrize("odd", ["NaN", "null", '"abc"', "4294967295"])
def test_a_report_with_one_odd_value_is_taken(odd: str) -> None:
    """It is answered as stored: what is sound in it is."""
    pack = b'[{"n":"/3424/0/1","v":12.5},{"n":"/4/0/8","v":%s}]' % odd.encode()
    found = admission("lwm2m/water-1").admit(str(IMEI), pack, "lwm2m", "dp", NOW_US, about=("/", 110))
    assert isinstance(found, Accepted) and found.uplink.fault == ""
    alone = b'[{"n":"/4/0/8","v":%s}]' % odd.encode()
    found = admission("lwm2m/water-1").admit(str(IMEI), alone, "lwm2m", "dp", NOW_US, about=("/", 110))
    assert isinstance(found, Accepted) and found.uplink.fault, "nothing sound is refused as before"
