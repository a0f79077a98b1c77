# SPDX-License-Identifier: Apache-2.0
"""How a meter calls itself when it registers: the endpoint client name (LwM2M core 1.1 section 7.4.1, and operators' habits).

| form | where it comes from |
|---|---|
| ``urn:imei:<imei>`` | the specification |
| ``urn:imei-imsi:<imei>-<imsi>`` | the specification, with the SIM |
| ``<imei>`` | simple modules |
| ``<imei>;<imsi>`` | OneNET |
"""

import re
from dataclasses import dataclass

_FORM = re.compile(
    r"(?:urn:imei:)?(?P<plain>\d{15})"
    r"|urn:imei-imsi:(?P<imei>\d{15})-(?P<imsi>\d{14,15})"
    r"|(?P<onenet>\d{15});(?P<onenet_imsi>\d{14,15})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class EndpointName:
    """What the name says. ``imsi`` "": nothing about the SIM."""

    imei: str
    imsi: str = ""


def parse_endpoint_name(text: str) -> EndpointName | None:
    """None for a name in no known form."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    imei = found["plain"] or found["imei"] or found["onenet"]
    return EndpointName(imei, found["imsi"] or found["onenet_imsi"] or "")
