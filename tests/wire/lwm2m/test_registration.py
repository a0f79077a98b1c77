# SPDX-License-Identifier: Apache-2.0
"""Registrations: what a device says, what is remembered, what survives a restart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.registration import (
    Observation,
    Offer,
    Offered,
    Registration,
    parse_offer,
    parse_query,
    write_offer,
)

numbers = st.integers(0, 65_534)
offers = st.builds(
    Offer,
    st.sampled_from([(), ("lwm2m",), ("a", "b")]),
    st.lists(st.integers(0, 65_535), max_size=3).map(tuple),
    st.dictionaries(
        numbers, st.tuples(st.sampled_from(["", "1.1", "2.0"]), st.sets(numbers, max_size=4)), max_size=5
    ).map(lambda found: tuple(Offered(one, v, tuple(sorted(n))) for one, (v, n) in sorted(found.items()))),
)
paths = st.lists(st.lists(numbers, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3).map(tuple)
observations = st.lists(
    st.builds(Observation, paths, st.binary(min_size=1, max_size=8), st.none() | st.integers(0, 65_535), st.booleans()),
    max_size=4,
    unique_by=lambda one: one.paths,
)


@given(offers)
def test_objects_written_are_read_back(offer: Offer) -> None:
    assert parse_offer(write_offer(offer.objects, offer.root, offer.formats), 1000) == offer


@given(
    offers,
    observations,
    st.text(max_size=40),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32),
)
def test_a_registration_survives_a_restart(
    offer: Offer, observed: list[Observation], endpoint: str, lifetime: int, at: int
) -> None:
    one = Registration("1a2b", endpoint, lifetime, "1.1", "U", True, "86138", offer, at, at + 5)
    one.observations = {each.paths: each for each in observed}
    assert Registration.load(one.dump()) == one


@given(st.binary(max_size=80))
def test_a_broken_dump_raises_only_a_wire_error(data: bytes) -> None:
    for attempt in (data, b"\x01" + data):
        try:
            Registration.load(attempt)
        except WireError as error:
            assert error.reason


def test_equal_offers_share_their_memory() -> None:
    first = parse_offer(b"</1/0>,</3424/0>", 100)
    assert Registration.load(Registration("x", "e", offer=first).dump()).offer is first


def test_what_a_device_announces() -> None:
    offer = parse_offer(
        b'</m>;rt="oma.lwm2m";ct="110 112",</m/1/0>,</m/3424>;ver=1.1,</m/3424/0>,</other/5>,</m/3/0/1>', 9
    )
    assert offer == Offer(("m",), (110, 112), (Offered(1, "", (0,)), Offered(3424, "1.1", (0,))))
    one = Registration("x", "e", offer=offer)
    assert one.has((3424,)) and one.has((3424, 0)) and not one.has((3424, 1)) and not one.has((4,))


def test_too_many_instances_are_refused() -> None:
    with pytest.raises(WireError, match="too many"):
        parse_offer(b",".join(b"</3/%d>" % number for number in range(30)), 10)


def test_queue_mode_of_both_versions() -> None:
    assert parse_query(["ep=a", "b=UQ"], 64).queue_mode
    assert parse_query(["ep=a", "b=U", "Q"], 64).queue_mode
    assert not parse_query(["ep=a", "b=U"], 64).queue_mode


@pytest.mark.parametrize(
    "item",
    ["ep=", "ep=" + "x" * 65, "ep=a\x00b", "lt=-1", "lt=x", "lt=99999999999", "lt=4294967296", "b=", "b=X", "b=UUUUUU"],
)
def test_senseless_parameters_are_refused(item: str) -> None:
    with pytest.raises(WireError):
        parse_query([item], 64)


def test_unknown_parameters_are_skipped() -> None:
    assert parse_query(["x=1", "ep=a", "vendor"], 64).endpoint == "a"


def test_lifetime_without_end() -> None:
    assert Registration("x", "e", lifetime_s=0).expires_unix_s is None
    assert Registration("x", "e", lifetime_s=60, updated_unix_s=5.0).expires_unix_s == 65.0
