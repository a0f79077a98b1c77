# SPDX-License-Identifier: Apache-2.0
"""Object 19 is a pipe: a maker's frames go up by /19/0/0 and down by /19/1/0, as the operators' platforms have it."""

from openmains.app.command.downlink import DownFrame
from openmains.app.ingest.edge.admission import About
from openmains.app.link.ports import Terminal
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m import path as paths
from openmains.wire.lwm2m.codec.values import decode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Report
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.server import Server

OPAQUE_UPLINK: Path = (19, 0, 0)
OPAQUE_DOWNLINK: Path = (19, 1, 0)


def write_down(payload: bytes) -> operation.Operation:
    """A frame for the meter."""
    return operation.write(OPAQUE_DOWNLINK, payload, content.OPAQUE)


class FramePipe:
    """``FrameSender`` over an LwM2M server. The operation's tag is the frame."""

    channel = "lwm2m"
    place = "/".join(map(str, OPAQUE_DOWNLINK))

    def __init__(self, server: Server) -> None:
        self._server = server

    def send_frame(self, terminal: Terminal, frame: DownFrame, now: float) -> None:
        what = write_down(frame.frame)
        what.tag = frame
        self._server.submit(terminal.cid, what, now)


def unwrapped(report: Report) -> tuple[bytes, About]:
    """The bytes that count, and what they are about.

    A resource shell around the pipe's bytes (a Notify in TLV, say) is taken off. What comes through it may be a maker's frame
    or a SenML pack that names its paths; which of them, the product's driver knows.
    """
    payload, format_ = report.payload, report.content_format
    if report.path != OPAQUE_UPLINK:
        return payload, (paths.text(report.path), format_)
    if format_ not in (None, content.OPAQUE, content.TEXT):
        try:
            shells = decode(payload, format_, OPAQUE_UPLINK, definitions().type)
        except WireError:
            shells = []
        inside = [item.value for item in shells if isinstance(item.value, bytes)]
        if len(inside) == 1:
            payload = inside[0]
    return payload, ("/", content.SENML_JSON if payload[:1] == b"[" else content.SENML_CBOR)
