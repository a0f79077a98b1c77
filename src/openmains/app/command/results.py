# SPDX-License-Identifier: Apache-2.0
"""What an uplink says of commands: the meter's own result, or what the link saw.

A result is a message of kind ``command_result`` with the points ``command_serial`` and ``command_result`` and whatever the
meter read back. What a link saw (delivered, lost) travels through the same stream as an uplink of channel ``link``, so that it is
durable and in order with the meter's words; its path says what and of which command: ``delivered/1234``.
"""

from collections.abc import Mapping

from openmains.app.command.ports import MeterWord
from openmains.app.uplink import Uplink
from openmains.domain.command.life import Event

LINK_CHANNEL = "link"
COMMAND_RESULT = "command_result"  # the kind of message, as drivers name it
LINK_EVENTS: Mapping[str, Event] = {"delivered": Event.DELIVER, "lost": Event.LOSE}
_NOT_READ_BACK = frozenset({"command_serial", "command_result", "command_code", "frame_seq", "device_at"})


def link_path(what: str, command_id: int) -> str:
    """Path of a link's word; ``what`` is a key of ``LINK_EVENTS``."""
    return f"{what}/{command_id}"


def link_word(uplink: Uplink) -> MeterWord | None:
    """The word of an uplink of channel ``link``; None where it makes no sense (counted, never fatal)."""
    what, _, number = uplink.path.partition("/")
    if what not in LINK_EVENTS or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return MeterWord(uplink.tenant_id, uplink.meter_id, uplink.received_us, link=what, command_id=int(number))


def meter_word(uplink: Uplink, points: Mapping[str, int], settings: Mapping[str, int]) -> MeterWord | None:
    """The meter's word; None without its two points, or with numbers that no command has (serial 0: said unasked).

    ``settings``: what it read back, by name.
    """
    serial, code = points.get("command_serial"), points.get("command_result")
    if serial is None or code is None or not 0 < serial < 2**31 or not 0 <= code < 2**15:
        return None
    read_back = {name: value for name, value in points.items() if name not in _NOT_READ_BACK}
    return MeterWord(uplink.tenant_id, uplink.meter_id, uplink.received_us, serial, code, read_back, dict(settings))
