# SPDX-License-Identifier: Apache-2.0
"""Which operations may go to a meter by this road. Checked where they are asked for, and once more at the edge.

What moves a valve, changes a balance, a price or the register that bills are made of, replaces the program or the accounts
goes as a command: it has a life cycle, limits, a second person where needed, and a signature that the meter itself
checks. None of that is here, so nothing of that may pass here. What no definition knows may be read but not
changed: a maker's private object may well be a valve.

By effect and not by name, as with the settings of driver pages: what may be changed here is listed with what it can do, which is
``none`` or ``reach``. A resource that nobody has classed is as one that moves a valve. The clock is not here: it decides which price
holds, and how long a signed frame does.
"""

from collections.abc import Mapping
from enum import StrEnum

from openmains.app.command.device_management.messages import Kind, Path
from openmains.drivers.model import Effect
from openmains.wire.lwm2m.definitions import definitions

SECURITY, SERVER, DEVICE, FIRMWARE, FRAMES = 0, 1, 3, 5, 19
VALVE, BALANCE, PRICE = 26241, 26242, 26243
SIGNED_OBJECTS = frozenset({SECURITY, SERVER, FIRMWARE, FRAMES, VALVE, BALANCE, PRICE})
SIGNED_RESOURCES = frozenset(
    {(DEVICE, 4), (DEVICE, 5)}  # reboot, factory reset
    | {(meter, resource) for meter in (3423, 3424) for resource in (2, 5, 6)}  # resets of the register, pulse ratio
)
NONE, REACH = Effect.NONE, Effect.REACH
_READINGS = {6005: NONE, 6007: NONE, 6008: NONE, 6010: REACH, 6026: REACH, 6027: REACH}
_ALARM = dict.fromkeys((6011, 6012, 6014, 6015, 6016, 6017, 6018, 6019, 6020, 6022, 6023), NONE)
_DELIVERY = {0: NONE, 1: NONE, 3: REACH}
UNSIGNED: Mapping[int, Mapping[int, Effect]] = {
    DEVICE: {12: NONE, 14: REACH, 15: REACH},
    7: {6: NONE, 7: NONE, 8: NONE},  # connectivity statistics
    3423: {3: NONE},
    3424: {3: NONE},
    10262: _DELIVERY,
    10263: _DELIVERY,
    10264: {0: REACH, 1: REACH, 2: REACH, 3: REACH, 4: REACH, 5: REACH},
    10265: dict.fromkeys((0, 1, 2, 3, 4), NONE),
    **dict.fromkeys(range(10266, 10272), _READINGS),
    **dict.fromkeys(range(10272, 10282), _ALARM),
}
"""Object → resource → what a change of it can do: all that is changed without a signature."""
CHANGING = frozenset({Kind.WRITE, Kind.EXECUTE})
ASKING_THE_METER = frozenset(Kind) - {Kind.WHERE, Kind.REGISTERED}


class Refusal(StrEnum):
    """Why an operation is not sent."""

    SIGNED_ONLY = "signed-only"
    KEYS = "secret-object"
    NO_PATH = "path"
    UNKNOWN = "unknown-resource"
    NOT_SO = "operation"


def refusal_of(kind: Kind, path: Path) -> Refusal | None:
    """None: it may be sent. ``path``: of an object, instance, resource or resource instance."""
    if kind not in ASKING_THE_METER:
        return None
    if not 1 <= len(path) <= 4 or not all(0 <= number < 0xFFFF for number in path):
        return Refusal.NO_PATH
    if kind not in CHANGING:
        return Refusal.KEYS if path[0] == SECURITY else None
    if path[0] in SIGNED_OBJECTS or (path[0], *path[2:3]) in SIGNED_RESOURCES:
        return Refusal.SIGNED_ONLY
    if len(path) < 3 or (kind is Kind.EXECUTE and len(path) != 3):
        return Refusal.NO_PATH
    resource = definitions().resource(path)
    if resource is None:
        return Refusal.UNKNOWN
    if ("W" if kind is Kind.WRITE else "E") not in resource.operations or (len(path) == 4) != resource.many:
        return Refusal.NOT_SO
    return None if path[2] in UNSIGNED.get(path[0], {}) else Refusal.SIGNED_ONLY
