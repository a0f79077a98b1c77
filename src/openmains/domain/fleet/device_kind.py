# SPDX-License-Identifier: Apache-2.0
"""What a terminal of the registry is: a meter, which is billed and read, or a monitor, which watches the network (R3.7).

A driver page says it of its product, once: a device never becomes the other by another driver, product or import, for a meter's
registers would end and a monitor has none to begin with. Monitors are in no count of meters, no reading rate and no sum of volume.
"""

from enum import StrEnum


class DeviceKind(StrEnum):
    """``kind`` of a driver page and of its products."""

    METER = "meter"
    PRESSURE = "pressure"
    FLOW = "flow"
    LEVEL = "level"
    QUALITY = "quality"
    PUMP = "pump"
    PIPE = "pipe"
    SAFETY = "safety"


MONITORS: tuple[DeviceKind, ...] = tuple(kind for kind in DeviceKind if kind is not DeviceKind.METER)
