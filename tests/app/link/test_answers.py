# SPDX-License-Identifier: Apache-2.0
"""Every refusal and every receipt has its words in CoAP, and none says 'stored' of what is not."""

import pytest

from openmains.app.ingest.edge.admission import Refusal
from openmains.app.link.answers import BUSY, Response, of_receipt, of_refusal
from openmains.app.link.reports import Receipt
from openmains.wire.coap import options as opt
from openmains.wire.coap.message import Code, is_success


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_an_error_with_its_reason(refusal: Refusal) -> None:
    said = of_refusal(refusal)
    assert said.code in set(Code)
    assert not is_success(said.code)
    assert said.payload.decode() == refusal.value


@pytest.mark.parametrize(
    ("refusal", "number"),
    [(Refusal.TOO_LARGE, opt.SIZE1), (Refusal.TOO_MANY, opt.MAX_AGE), (Refusal.BUSY, opt.MAX_AGE)],
)
def test_when_or_how_it_would_be_taken_is_said(refusal: Refusal, number: int) -> None:
    assert number in [option for option, _ in of_refusal(refusal).options]


def test_a_receipt() -> None:
    assert of_receipt(Receipt(True, "", b"time")) == Response(Code.CHANGED, b"time")
    malformed = of_receipt(Receipt(True, "checksum"))
    assert (malformed.code, malformed.payload) == (Code.BAD_REQUEST, b"malformed: checksum")
    assert of_receipt(Receipt(False)) == BUSY
    assert BUSY.code == Code.SERVICE_UNAVAILABLE
