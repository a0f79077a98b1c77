# SPDX-License-Identifier: Apache-2.0
"""How a meter calls itself: the endpoint client name when it registers (LwM2M core 1.1 section 7.4.1, and operators' habits),
and the identity of its pre-shared key (OMA Transport 1.1 section 5.2.8: the same name, usually).

| form | where it comes from |
|---|---|
| ``urn:imei:<imei>`` | the specification |
| ``urn:imei-imsi:<imei>-<imsi>`` | the specification, with the SIM |
| ``<imei>`` | simple modules |
| ``<imei>;<imsi>`` | OneNET; also ``urn:imei:<imei>;<imsi>`` |

Letters are of any case (RFC 8141 section 3.1 for the URN's head). Blanks around and NULs at the end, which firmware in C sends
with its strings, say nothing. What remains must be one of the forms as a whole: an IMEI is not looked for inside of other text,
nor is a digit more or less guessed at.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_FORM = re.compile(
    r"(?:urn:imei:)?(?P<plain>\d{15})"
    r"|urn:imei-imsi:(?P<imei>\d{15})[-;](?P<imsi>\d{14,15})"
    r"|(?:urn:imei:)?(?P<onenet>\d{15});(?P<onenet_imsi>\d{14,15})",
    re.ASCII | re.IGNORECASE,
)
_BLANKS: Final = " \t\r\n"
PADDING: Final = _BLANKS + "\0"


class NameFault(StrEnum):
    """Why an identity names no meter; the word is a counter's name."""

    EMPTY = "identity_empty"
    FORM = "identity_form"  # no form of the table


@dataclass(frozen=True, slots=True)
class EndpointName:
    """What the name says. ``imsi`` "": nothing about the SIM."""

    imei: str
    imsi: str = ""


def parse_endpoint_name(text: str) -> EndpointName | None:
    """None for a name in no known form."""
    found = _FORM.fullmatch(text.lstrip(_BLANKS).rstrip(PADDING))
    if found is None:
        return None
    imei = found["plain"] or found["imei"] or found["onenet"]
    return EndpointName(imei, found["imsi"] or found["onenet_imsi"] or "")


def parse_identity_untrusted(identity: bytes) -> EndpointName | NameFault:
    """The identity of a pre-shared key, as anybody may send it, or why it names no meter."""
    text = identity.decode("ascii", "replace")
    if not text.strip(PADDING):
        return NameFault.EMPTY
    return parse_endpoint_name(text) or NameFault.FORM
