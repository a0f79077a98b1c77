# SPDX-License-Identifier: Apache-2.0
"""Frames that went down become rows of the frame log beside those that came up; the word on a command decides as before."""

from openmains.app.command.results import LINK_CHANNEL, link_path
from openmains.app.command.sent_frames import (
    DELIVERED,
    SENT,
    SENT_PATH,
    SentFrame,
    command_path,
    encode_sent,
    kind_of,
)
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId
from openmains.domain.period import zone
from openmains.drivers import catalog

TENANT, PRODUCT = TenantId(7), ProductId(1)


def frame(meter: int, number: int, path: str, outcome: str, payload: bytes) -> SentFrame:
    return SentFrame(TENANT, MeterId(meter), PRODUCT, 1000 + number, number, "lwm2m", path, outcome, payload)


def word(path: str, payload: bytes) -> Uplink:
    return Uplink(MeterId(1), TENANT, PRODUCT, LINK_CHANNEL, path, 5_000, payload)


def test_each_is_a_row() -> None:
    command = frame(1, 55, command_path("19/1/0", "valve_close"), DELIVERED, b"\x01")
    answers = [frame(2, 1, "2.04;answer", SENT, b"\x02"), frame(3, 2, "2.04;answer", SENT, b"\x03")]
    worker = Processor(catalog.load(), {}, {TENANT: zone("Asia/Shanghai")})
    effects = worker.run(
        [word(link_path("delivered", CommandId(55)), encode_sent([command])), word(SENT_PATH, encode_sent(answers))], {}
    )
    rows = list(zip(*effects.frames.values(), strict=True))
    assert rows == [
        (7, 1, 1055, 55, "down", "lwm2m", "19/1/0;command=valve_close", "delivered", b"\x01"),
        (7, 2, 1001, 1, "down", "lwm2m", "2.04;answer", "sent", b"\x02"),
        (7, 3, 1002, 2, "down", "lwm2m", "2.04;answer", "sent", b"\x03"),
    ]
    assert [(response.link, response.command_id) for response in effects.responses] == [("delivered", 55)]
    assert not effects.dead_letters
    assert effects.counters["link_nonsense"] == 0


def test_a_word_of_before_they_were_logged_and_one_that_is_none_of_ours() -> None:
    worker = Processor(catalog.load(), {}, {TENANT: zone("Asia/Shanghai")})
    effects = worker.run([word("lost/55", b""), word("lost/56", b"\xff\xff"), word(SENT_PATH, b"\x01")], {})
    assert [response.command_id for response in effects.responses] == [55, 56]
    assert list(effects.frames["payload"]) == []
    assert effects.counters["link_nonsense"] == 2


def test_the_path_says_what_it_was() -> None:
    assert kind_of("19/1/0;command=valve_close") == ("command", "valve_close")
    assert kind_of("2.04;answer") == ("answer", "")
