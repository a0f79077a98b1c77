# SPDX-License-Identifier: Apache-2.0
"""What a meter hears of its message, in CoAP's words: the same on the plain socket and inside a session."""

from collections.abc import Sequence
from typing import NamedTuple

from openmains.app.ingest.edge.admission import MAX_PAYLOAD, Refusal
from openmains.app.link.reports import Receipt
from openmains.wire.coap import options as opt
from openmains.wire.coap.message import Code, Option

OCTETS = 42  # application/octet-stream
BUSY_S = 60
SLOW_DOWN_S = 300
TEXT: Option = (opt.CONTENT_FORMAT, b"")

CODES = {
    Refusal.NOT_AN_IMEI: Code.NOT_FOUND,
    Refusal.UNKNOWN_METER: Code.NOT_FOUND,
    Refusal.EMPTY: Code.BAD_REQUEST,
    Refusal.TOO_LARGE: Code.REQUEST_ENTITY_TOO_LARGE,
    Refusal.TOO_MANY: Code.TOO_MANY_REQUESTS,
    Refusal.BUSY: Code.SERVICE_UNAVAILABLE,
}
HINTS: dict[Refusal, Option] = {
    Refusal.TOO_LARGE: (opt.SIZE1, opt.uint(MAX_PAYLOAD)),
    Refusal.TOO_MANY: (opt.MAX_AGE, opt.uint(SLOW_DOWN_S)),
    Refusal.BUSY: (opt.MAX_AGE, opt.uint(BUSY_S)),
}


class Response(NamedTuple):
    """An answer."""

    code: int
    payload: bytes = b""
    options: tuple[Option, ...] = ()


NOT_ACCEPTABLE = Response(Code.NOT_ACCEPTABLE, b"answers are application/octet-stream, Accept 42", (TEXT,))
BUSY = Response(Code.SERVICE_UNAVAILABLE, b"", (HINTS[Refusal.BUSY],))


def accepts(options: Sequence[Option]) -> bool:
    """Whether whoever asks takes the answers to reports, which are a driver's bytes (RFC 7252 section 5.10.4)."""
    return opt.get_uint(options, opt.ACCEPT) in (None, OCTETS)


def of_refusal(refusal: Refusal) -> Response:
    """Why the message is not taken, and when or how it would be."""
    hint = HINTS.get(refusal)
    return Response(CODES[refusal], refusal.value.encode(), (TEXT,) if hint is None else (TEXT, hint))


def of_receipt(receipt: Receipt) -> Response:
    """2.04 with the driver's answer once the message is on disk; 4.00 for a malformed one, which is kept all the same."""
    if not receipt.confirmed:
        return BUSY
    if receipt.fault:
        return Response(Code.BAD_REQUEST, f"malformed: {receipt.fault}".encode(), (TEXT,))
    return Response(Code.CHANGED, receipt.answer)
