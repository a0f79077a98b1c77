# SPDX-License-Identifier: Apache-2.0
"""Content formats by their CoAP numbers (IANA registry; LwM2M core 1.1 section 7.4)."""

from typing import Final

TEXT: Final = 0
LINK_FORMAT: Final = 40
OPAQUE: Final = 42
CBOR: Final = 60
SENML_JSON: Final = 110
SENML_CBOR: Final = 112
TLV: Final = 11542
JSON_1_0: Final = 11543
"""JSON of LwM2M 1.0, replaced by SenML in 1.1: read, never written."""
TLV_1_0_DRAFT: Final = 1542
"""Number of TLV before OMA registered its own; early 1.0 modules still send it."""

NAMES: Final = {
    TEXT: "text/plain",
    LINK_FORMAT: "application/link-format",
    OPAQUE: "application/octet-stream",
    CBOR: "application/cbor",
    SENML_JSON: "application/senml+json",
    SENML_CBOR: "application/senml+cbor",
    TLV: "application/vnd.oma.lwm2m+tlv",
    JSON_1_0: "application/vnd.oma.lwm2m+json",
    TLV_1_0_DRAFT: "application/vnd.oma.lwm2m+tlv",
}
