# SPDX-License-Identifier: Apache-2.0
"""What comes through object 19 loses the shell that a way put around it, and nothing else."""

import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.ingest.edge.admission import About
from openmains.app.link.lwm2m.pipe import OPAQUE_DOWNLINK, OPAQUE_UPLINK, FramePipe, unwrapped
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec.values import encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Report
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.value import Item
from tests.support.link import IMEI
from tests.support.link_meter import World

FRAME = b"\x68\x10\x01"


def report(path: Path, content_format: int | None, payload: bytes) -> Report:
    registration = Registration("a", f"urn:imei:{IMEI}")
    return Report("link", registration, None, "object19", path, content_format, payload, True)  # type: ignore[arg-type]


@pytest.mark.parametrize("content_format", [None, content.OPAQUE, content.TEXT])
def test_bytes_as_they_are(content_format: int | None) -> None:
    assert unwrapped(report(OPAQUE_UPLINK, content_format, FRAME))[0] == FRAME


@pytest.mark.parametrize("content_format", [content.TLV, content.SENML_CBOR, content.SENML_JSON])
def test_a_resource_shell_is_taken_off(content_format: int) -> None:
    shell = encode([Item(OPAQUE_UPLINK, FRAME)], content_format, OPAQUE_UPLINK, definitions().type)
    assert shell != FRAME
    assert unwrapped(report(OPAQUE_UPLINK, content_format, shell))[0] == FRAME


def test_what_is_no_shell_stays_as_it_came() -> None:
    assert unwrapped(report(OPAQUE_UPLINK, content.TLV, b"\xff\xff"))[0] == b"\xff\xff"


@pytest.mark.parametrize(
    ("payload", "about"),
    [(b'[{"n":"/3424/0/1"}]', ("/", content.SENML_JSON)), (b"\x81\xa1", ("/", content.SENML_CBOR))],
)
def test_a_pack_in_the_pipe_names_its_paths_itself(payload: bytes, about: About) -> None:
    assert unwrapped(report(OPAQUE_UPLINK, content.OPAQUE, payload)) == (payload, about)


def test_another_resource_keeps_path_and_format() -> None:
    assert unwrapped(report((3424, 0), content.TLV, FRAME)) == (FRAME, ("/3424/0", content.TLV))


async def test_a_frame_is_written_to_the_meter() -> None:
    world = World().registered()
    FramePipe(world.server).send_frame(world.seat, DownFrame(5, 1, 7, 3, IMEI, "valve_close", FRAME), 1000.0)
    world.link.run()
    assert world.device.tree.get(OPAQUE_DOWNLINK) == FRAME
