# SPDX-License-Identifier: Apache-2.0
"""A device of ours with a server of ours: its life, every operation on its tree, notifications by their attributes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.answering import parse_arguments
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import (
    Executed,
    Left,
    Notified,
    NotSent,
    Observed,
    Registered,
    RegistrationUpdated,
    Sent,
    Trouble,
    Unobserved,
    Written,
)
from openmains.wire.lwm2m.codec import senml
from openmains.wire.lwm2m.codec.values import decode, encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Deregistered, RegisterWanted, Updated
from openmains.wire.lwm2m.operation import Kind
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.states import Life
from openmains.wire.lwm2m.value import Item
from tests.support.lwm2m_pair import SERVER, Pair, meter_tree

TYPES = definitions().type
REGISTER = (3424, 0, 1)


def _device(**options: Any) -> Client:
    return Client(meter_tree(), endpoint="urn:imei:861234567890123", seed=5, **options)


# --- life ---


@pytest.mark.parametrize(("version", "queue"), [("1.0", False), ("1.0", True), ("1.1", False), ("1.1", True)])
def test_a_device_registers(version: str, queue: bool) -> None:
    pair = Pair(_device(version=version, queue=queue, lifetime_s=7200)).registered()
    registration = pair.server.registration("link")
    assert registration is not None
    assert pair.felt == [Registered(registration.location)]
    assert (registration.version, registration.queue_mode, registration.lifetime_s) == (version, queue, 7200)
    assert [one.object_id for one in registration.objects] == [1, 3, 19, 3424]
    assert pair.client.state is Life.REGISTERED


def test_it_renews_by_itself_and_leaves() -> None:
    pair = Pair(_device(lifetime_s=1000)).registered()
    pair.pass_time(950)
    assert RegistrationUpdated() in pair.felt and any(isinstance(event, Updated) for event in pair.heard)
    pair.pass_time(5000)
    assert pair.server.registration("link") is not None
    pair.client.deregister(pair.now)
    pair.run()
    assert pair.felt[-1] == Left() and isinstance(pair.heard[-1], Deregistered)


def test_a_renewal_without_an_answer_is_tried_once_more_in_time() -> None:
    pair = Pair(_device(lifetime_s=10_000)).registered()
    timer = pair.client.next_timer()
    assert timer == 1000 + 9000
    felt: list[Any] = []
    while Trouble(0) not in felt:
        timer = pair.client.next_timer()
        assert timer is not None
        pair.now = timer
        felt += pair.client.handle_timer(timer)
        pair.client.datagrams()  # lost
    pair.pass_time(600)
    assert RegistrationUpdated() in pair.felt and pair.now < 11_000


def test_a_server_that_forgot_it_gets_a_new_registration() -> None:
    pair = Pair().registered()
    pair.server.forget("link", pair.now)
    pair.client.update(pair.now)
    pair.run()
    assert sum(isinstance(event, Registered) for event in pair.felt) == 2
    pair.server.forget("link", pair.now)
    pair.client.post((19, 0, 0), b"frame", pair.now)
    pair.run()
    assert [event.code for event in pair.felt if isinstance(event, Sent)] == [Code.NOT_FOUND]
    assert sum(isinstance(event, Registered) for event in pair.felt) == 3


def test_a_refusal_and_silence_are_told() -> None:
    pair = Pair()
    pair.client.register(SERVER, pair.now)
    for _, datagram in pair.client.datagrams():
        (wanted,) = pair.server.receive(datagram, "link", pair.now)
        assert isinstance(wanted, RegisterWanted)
        pair.server.refuse(wanted, Code.SERVICE_UNAVAILABLE, pair.now, max_age_s=90)
    pair.run()
    assert pair.felt == [Trouble(Code.SERVICE_UNAVAILABLE, 90)] and pair.client.state is Life.IDLE
    pair.client.register(SERVER, pair.now)
    felt: list[Any] = []
    while not felt:
        timer = pair.client.next_timer()
        assert timer is not None
        felt += pair.client.handle_timer(timer)
        pair.client.datagrams()
    assert felt == [Trouble(0)]


def test_a_new_registration_begins_without_observations() -> None:
    pair = Pair().registered()
    pair.do(operation.observe(REGISTER))
    pair.client.register(SERVER, pair.now)
    pair.run()
    assert Unobserved((REGISTER,), "cancelled") in pair.felt
    pair.client.set(REGISTER, Decimal(1), pair.now)
    pair.run()
    assert pair.reports() == []


def test_it_listens_for_a_while_after_its_last_word() -> None:
    pair = Pair(_device(window_s=180.0, queue=True)).registered()
    assert pair.client.listening_until == pair.now + 180.0


# --- reading ---


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, content.TEXT),
        (content.TEXT, content.TEXT),
        (content.CBOR, content.CBOR),
        (content.TLV, content.TLV),
        (content.SENML_JSON, content.SENML_JSON),
        (content.SENML_CBOR, content.SENML_CBOR),
    ],
)
def test_a_register_is_read_exactly_in_every_format(accept: int | None, given: int) -> None:
    done = Pair().registered().do(operation.read(REGISTER, accept))
    assert (done.code, done.content_format) == (Code.CONTENT, given)
    assert decode(done.payload, done.content_format, REGISTER, TYPES) == [Item(REGISTER, Decimal("12345.678"))]


@pytest.mark.parametrize(("version", "given"), [("1.0", content.TLV), ("1.1", content.SENML_CBOR)])
def test_an_instance_is_read_in_the_format_of_its_version(version: str, given: int) -> None:
    done = Pair(_device(version=version)).registered().do(operation.read((3, 0)))
    assert done.content_format == given
    items = decode(done.payload, given, (3, 0), TYPES)
    assert Item((3, 0, 11, 0), 0) in items and Item((3, 0, 9), 87) in items


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (operation.read((9,)), Code.NOT_FOUND),
        (operation.read((3, 1)), Code.NOT_FOUND),
        (operation.read((3, 0, 1)), Code.NOT_FOUND),
        (operation.read((3, 0, 4)), Code.METHOD_NOT_ALLOWED),
        (operation.read((3, 0), content.TEXT), Code.NOT_ACCEPTABLE),
        (operation.read((3, 0), 50), Code.NOT_ACCEPTABLE),
        (operation.read(REGISTER, content.OPAQUE), Code.NOT_ACCEPTABLE),
        (operation.read((0, 0, 5)), Code.NOT_FOUND),
        (operation.write((3, 0, 0), b"x", content.TEXT), Code.METHOD_NOT_ALLOWED),
        (operation.write((3, 0, 99), b"x", content.TEXT), Code.NOT_FOUND),
        (operation.write((3, 0, 13), b"x", content.TEXT), Code.BAD_REQUEST),
        (operation.write((3, 0, 13), b"1", 50), Code.UNSUPPORTED_CONTENT_FORMAT),
        (operation.write((3,), b"", content.TLV), Code.METHOD_NOT_ALLOWED),
        (operation.execute((3, 0, 9)), Code.METHOD_NOT_ALLOWED),
        (operation.execute((3, 0, 99)), Code.NOT_FOUND),
        (operation.execute((3, 0, 4), "x"), Code.BAD_REQUEST),
        (operation.create((3,), b"", content.TLV), Code.METHOD_NOT_ALLOWED),
        (operation.create((9,), b"", content.TLV), Code.NOT_FOUND),
        (operation.create((19,), bytes.fromhex("0000"), content.TLV), Code.BAD_REQUEST),
        (operation.delete((3, 0)), Code.METHOD_NOT_ALLOWED),
        (operation.delete((19, 7)), Code.NOT_FOUND),
        (operation.delete((19, 0, 0)), Code.METHOD_NOT_ALLOWED),
        (operation.write_attributes((9, 0), ["pmin=1"]), Code.NOT_FOUND),
        (operation.write_attributes((3, 0), ["gt=1"]), Code.BAD_REQUEST),
        (operation.discover((9,)), Code.NOT_FOUND),
        (operation.observe((3, 0, 4)), Code.METHOD_NOT_ALLOWED),
        (operation.write_composite(b"\x80", content.TLV), Code.UNSUPPORTED_CONTENT_FORMAT),
    ],
)
def test_what_a_device_does_not_do(asked: operation.Operation, code: int) -> None:
    pair = Pair().registered()
    before = pair.client.tree.items(())
    done = pair.do(asked)
    assert done.code == code and not done.observed
    assert pair.client.tree.items(()) == before


def test_discover_shows_the_tree_and_its_attributes() -> None:
    pair = Pair().registered()
    pair.do(operation.write_attributes((3,), ["pmin=10"]))
    pair.do(operation.write_attributes((3, 0, 9), ["pmax=60", "lt=20"]))
    done = pair.do(operation.discover((3,)))
    assert done.content_format == content.LINK_FORMAT
    assert done.payload == (
        b"</3>;ver=1.2;pmin=10,</3/0>,</3/0/0>,</3/0/4>,</3/0/5>,</3/0/9>;pmax=60;lt=20,</3/0/11>;dim=1,"
        b"</3/0/12>,</3/0/13>,</3/0/16>"
    )
    assert pair.do(operation.discover((3, 0, 11))).payload == b"</3/0/11>;dim=1,</3/0/11/0>"


# --- changing ---


def test_writing_a_resource_and_a_part_of_an_instance() -> None:
    pair = Pair().registered()
    assert pair.do(operation.write((19, 1, 0), b"\x01\x02", content.OPAQUE)).code == Code.CHANGED
    assert pair.client.tree.get((19, 1, 0)) == b"\x01\x02" and Written(((19, 1, 0),)) in pair.felt
    payload = encode([Item((1, 0, 1), 600)], content.TLV, (1, 0), TYPES)
    assert pair.do(operation.write((1, 0), payload, content.TLV, partial=True)).code == Code.CHANGED
    assert (pair.client.tree.get((1, 0, 1)), pair.client.tree.get((1, 0, 7))) == (600, "U")


def test_replacing_an_instance_takes_away_what_is_not_named() -> None:
    pair = Pair().registered()
    payload = encode([Item((1, 0, 1), 600)], content.SENML_CBOR, (1, 0), TYPES)
    assert pair.do(operation.write((1, 0), payload, content.SENML_CBOR)).code == Code.CHANGED
    assert pair.client.tree.get((1, 0, 7)) is None and pair.client.tree.get((1, 0, 0)) == 101  # read only stays


def test_executing_with_arguments() -> None:
    pair = Pair().registered()
    assert pair.do(operation.execute((3, 0, 4), "0='now',5")).code == Code.CHANGED
    assert pair.felt[-1] == Executed((3, 0, 4), {0: "now", 5: ""})


def test_creating_and_deleting() -> None:
    pair = Pair().registered()
    named = encode([Item((19, 5, 0), b"x")], content.TLV, (19,), TYPES)
    done = pair.do(operation.create((19,), named, content.TLV))
    assert (done.code, done.location) == (Code.CREATED, (19, 5))
    done = pair.do(operation.create((19,), b'[{"n":"/19/2/0","vd":"eA"}]', content.SENML_JSON))
    assert (done.code, done.location) == (Code.CREATED, (19, 2))
    assert pair.client.tree.get((19, 2, 0)) == b"x"
    assert pair.do(operation.delete((19, 5))).code == Code.DELETED
    assert pair.client.tree.instances(19) == [0, 1, 2]


def test_the_owner_may_refuse_before_anything_changes() -> None:
    asked: list[tuple[Kind, Path]] = []

    def judge(kind: Kind, path: Path, items: Sequence[Item]) -> int | None:
        asked.append((kind, path))
        return Code.FORBIDDEN

    pair = Pair(_device(judge=judge)).registered()
    assert pair.do(operation.write((19, 1, 0), b"open", content.OPAQUE)).code == Code.FORBIDDEN
    assert pair.do(operation.execute((3, 0, 4))).code == Code.FORBIDDEN
    assert asked == [(Kind.WRITE, (19, 1, 0)), (Kind.EXECUTE, (3, 0, 4))]
    assert pair.client.tree.get((19, 1, 0)) == b""


def test_composite_operations() -> None:
    pair = Pair().registered()
    done = pair.do(operation.read_composite([(3, 0, 9), REGISTER, (77, 0, 1)]))
    assert senml.decode(done.payload, content.SENML_CBOR) == [Item((3, 0, 9), 87), Item(REGISTER, Decimal("12345.678"))]
    pack = senml.encode([Item((3, 0, 13), 1), Item((1, 0, 1), 77)], content.SENML_JSON)
    assert pair.do(operation.write_composite(pack, content.SENML_JSON)).code == Code.CHANGED
    assert (pair.client.tree.get((3, 0, 13)), pair.client.tree.get((1, 0, 1))) == (1, 77)
    mixed = senml.encode([Item((3, 0, 13), 2), Item((3, 0, 0), "x")], content.SENML_CBOR)
    assert pair.do(operation.write_composite(mixed)).code == Code.METHOD_NOT_ALLOWED
    assert pair.client.tree.get((3, 0, 13)) == 1  # all or nothing


# --- observing ---


@pytest.mark.parametrize("confirm", [True, False])
def test_a_change_is_notified_and_cancelling_ends_it(confirm: bool) -> None:
    pair = Pair(_device(confirm=confirm)).registered()
    assert pair.do(operation.observe(REGISTER)).observed and Observed((REGISTER,)) in pair.felt
    pair.client.set(REGISTER, Decimal("12346.1"), pair.now)
    pair.run()
    (report,) = pair.reports()
    assert (report.kind, report.path, report.payload, report.confirmable) == ("notify", REGISTER, b"12346.1", confirm)
    assert (Notified((REGISTER,)) in pair.felt) is confirm
    assert pair.do(operation.cancel(REGISTER)).code == Code.CONTENT
    assert pair.felt[-1] == Unobserved((REGISTER,), "cancelled")
    pair.client.set(REGISTER, Decimal("12347"), pair.now)
    pair.run()
    assert len(pair.reports()) == 1


def test_periods_and_steps_decide_when() -> None:
    pair = Pair().registered()
    pair.do(operation.write_attributes(REGISTER, ["pmin=10", "pmax=100", "st=0.5"]))
    pair.do(operation.observe(REGISTER))
    pair.client.set(REGISTER, Decimal("12345.9"), pair.now)  # less than a step
    pair.pass_time(50)
    assert pair.reports() == []
    pair.client.set(REGISTER, Decimal("12346.2"), pair.now)
    pair.pass_time(1)
    assert len(pair.reports()) == 1  # pmin is over already
    pair.client.set(REGISTER, Decimal("12347"), pair.now)
    pair.pass_time(8)
    assert len(pair.reports()) == 1  # waits for pmin
    pair.pass_time(2)
    assert [one.payload for one in pair.reports()] == [b"12346.2", b"12347"]
    pair.pass_time(100)
    assert [one.payload for one in pair.reports()] == [b"12346.2", b"12347", b"12347"]  # pmax


def test_the_same_frame_twice_is_told_twice_when_it_is_a_report() -> None:
    pair = Pair().registered()
    pair.do(operation.observe((19, 0, 0)))
    for _ in range(2):
        pair.client.set((19, 0, 0), b"frame one", pair.now, tell=True)
        pair.run()
    assert [(one.kind, one.payload) for one in pair.reports()] == [("object19", b"frame one")] * 2


def test_a_composite_observation_tells_all_its_paths() -> None:
    pair = Pair().registered()
    assert pair.do(operation.observe_composite([(3, 0, 9), REGISTER])).observed
    pair.client.set((3, 0, 9), 86, pair.now)
    pair.run()
    (report,) = pair.reports()
    assert report.path == () and report.content_format == content.SENML_CBOR
    assert senml.decode(report.payload, content.SENML_CBOR) == [
        Item((3, 0, 9), 86),
        Item(REGISTER, Decimal("12345.678")),
    ]
    pair.do(operation.cancel((3, 0, 9), REGISTER))
    assert isinstance(pair.felt[-1], Unobserved)


def test_a_deleted_instance_ends_its_observation() -> None:
    pair = Pair().registered()
    pair.do(operation.observe((19, 1, 0)))
    pair.do(operation.delete((19, 1)))
    registration = pair.server.registration("link")
    assert registration is not None and registration.observations == {}


def test_a_server_that_does_not_acknowledge_loses_nothing() -> None:
    """The stream is down for a while: the notification comes until it is stored, and once only."""
    pair = Pair().registered()
    pair.do(operation.observe(REGISTER))
    pair.report_code = None
    pair.client.set(REGISTER, Decimal(2), pair.now)
    pair.pass_time(4)
    (report,) = pair.reports()
    pair.server.respond(report, Code.CHANGED, now=pair.now)
    pair.pass_time(200)
    assert len(pair.reports()) == 1 and pair.felt.count(Notified((REGISTER,))) == 1


# --- sending ---


@pytest.mark.parametrize("content_format", [content.SENML_CBOR, content.SENML_JSON])
def test_send(content_format: int) -> None:
    pair = Pair().registered()
    items = [Item(REGISTER, Decimal("12345.678"), 1_789_000_000), Item(REGISTER, Decimal("12345.7"), 1_789_003_600)]
    sending = pair.client.send(items, pair.now, content_format)
    pair.run()
    (report,) = pair.reports()
    assert report.kind == "send" and decode(report.payload, report.content_format, (), TYPES) == items
    assert pair.felt[-1] == Sent(sending, Code.CHANGED, b"")


def test_reports_wait_for_each_other_and_for_registration() -> None:
    pair = Pair()
    pair.client.register(SERVER, pair.now)
    sendings = [pair.client.post((19, 0, 0), bytes([one]), pair.now) for one in range(3)]
    assert pair.client.busy
    pair.run()
    assert [report.payload for report in pair.reports()] == [b"\x00", b"\x01", b"\x02"]
    assert [event.sending for event in pair.felt if isinstance(event, Sent)] == sendings
    assert not pair.client.busy


def test_a_report_without_an_answer() -> None:
    pair = Pair().registered()
    sending = pair.client.post((19, 0, 0), b"x", pair.now)
    felt: list[Any] = []
    while not felt:
        timer = pair.client.next_timer()
        assert timer is not None
        felt += pair.client.handle_timer(timer)
        pair.client.datagrams()
    assert felt == [NotSent(sending, "timeout")]


def test_a_large_payload_travels_in_blocks_both_ways() -> None:
    pair = Pair().registered()
    package = bytes(range(256)) * 20
    assert pair.do(operation.write((19, 1, 0), package, content.OPAQUE)).code == Code.CHANGED
    assert pair.do(operation.read((19, 1, 0))).payload == package
    pair.client.post((19, 0, 0), package, pair.now)
    pair.run()
    assert pair.reports()[-1].payload == package


# --- strangers ---


def test_only_its_server_is_answered() -> None:
    pair = Pair().registered()
    pair.server.submit("link", operation.read((3, 0, 0)), pair.now)
    ((_, datagram),) = pair.server.datagrams()
    pair.client.receive(datagram, "somebody", pair.now)
    ((peer, answer),) = pair.client.datagrams()
    assert peer == "somebody" and answer[1] == Code.UNAUTHORIZED


def test_arguments() -> None:
    assert parse_arguments(b"") == {} and parse_arguments(b"3") == {3: ""}
    assert parse_arguments(b"0='a,b',9") == {0: "a,b", 9: ""}
