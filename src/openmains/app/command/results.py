# SPDX-License-Identifier: Apache-2.0
"""What an uplink says of commands: the meter's own result, or what the link saw.

A result is a message of kind ``command_result`` with the points ``command_serial`` and ``command_result`` and whatever the
meter read back; settings (``parameters``) and parts of its log (``log``) come before it and decide nothing. What a link
saw (delivered, lost; on a line also confirmed, declined, too late) travels through the same stream as an uplink of channel ``link``, so that
it is durable and in order with the meter's words; its path says what, of which command, and why: ``declined/1234/refused``.
"""

from collections.abc import Mapping

from openmains.app.command.ports import CommandResponse
from openmains.app.ingest.uplink import Uplink
from openmains.domain.command.life import Event
from openmains.domain.ids import CommandId
from openmains.drivers.points import vocabulary

LINK_CHANNEL = "link"
COMMAND_RESULT, PARAMETERS, LOG = "command_result", "parameters", "log"  # kinds of messages, as drivers name them
ANSWERS = frozenset({COMMAND_RESULT, PARAMETERS, LOG})
PRICES = ("price_version", "price_deferred")  # what a result says of prices
LINK_EVENTS: Mapping[str, Event] = {
    "delivered": Event.DELIVER,
    "lost": Event.LOSE,
    # of meters that an edge asks on a line: it has read back what it wrote
    "confirmed": Event.DONE,
    "declined": Event.DECLINE,
    "too_late": Event.TOO_LATE,
}
UNIT = "unit_exponent"  # beside volumes in an answer: they count 10^n m3, whatever driver the product has later
_VOLUMES = frozenset(point.name for point in vocabulary().points.values() if point.unit in ("volume", "volume/h"))
_NOT_READ_BACK = frozenset({"command_serial", "command_result", "command_code", "frame_seq", "device_at"})


def link_path(what: str, command_id: CommandId, detail: str = "") -> str:
    """Path of a link's word; ``what`` is a key of ``LINK_EVENTS``, ``detail`` a code."""
    return f"{what}/{command_id}/{detail}" if detail else f"{what}/{command_id}"


def delivery_report(uplink: Uplink) -> CommandResponse | None:
    """The word of an uplink of channel ``link``; None where it makes no sense (counted, never fatal)."""
    what, _, rest = uplink.path.partition("/")
    number, _, detail = rest.partition("/")
    if what not in LINK_EVENTS or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return CommandResponse(
        uplink.tenant_id,
        uplink.meter_id,
        uplink.received_us,
        link=what,
        command_id=CommandId(int(number)),
        detail=detail,
    )


def command_response(
    uplink: Uplink, kind: str, points: Mapping[str, int], settings: Mapping[str, int], text: bytes, unit_exponent: int
) -> CommandResponse | None:
    """The meter's word; None without its points, or with numbers that no command has.

    ``settings``: what it read back, by name; ``text``: a part of its log. Serial 0 is said unasked, of no command: of such a word
    the prices in force are kept (R1.12), for they change by themselves. ``unit_exponent``: volumes of the driver count 10^n m3.
    """
    serial = points.get("command_serial")
    if serial is None or not 0 <= serial < 2**31:
        return None
    word = CommandResponse(uplink.tenant_id, uplink.meter_id, uplink.received_us, serial)
    if kind == COMMAND_RESULT:
        word.prices = {name: points[name] for name in PRICES if name in points}
    if serial == 0:
        return word if word.prices else None
    if kind == COMMAND_RESULT:
        code = points.get("command_result")
        if code is None or not 0 <= code < 2**15:
            return None
        word.code = code
        word.points = {name: value for name, value in points.items() if name not in _NOT_READ_BACK}
        if not _VOLUMES.isdisjoint(word.points):
            word.points[UNIT] = unit_exponent
    elif kind == PARAMETERS:
        word.settings = dict(settings)
    else:
        read = text.decode("utf-8", "replace").replace("\0", "\ufffd")
        word.log = (points.get("log_part", 0), points.get("log_parts", 1), read)
    return word
