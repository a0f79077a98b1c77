# SPDX-License-Identifier: Apache-2.0
"""In which content format a value is written to a device."""

from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.registration import Registration


def format_for(registration: Registration) -> int:
    """What the device says it takes; else what every device of its version must."""
    for wanted in (content.TLV, content.SENML_CBOR, content.SENML_JSON):
        if wanted in registration.offer.formats:
            return wanted
    return content.TLV
