# SPDX-License-Identifier: Apache-2.0
"""An emulated tax platform: the only adapter there is. It issues nothing that counts; numbers are 20 digits that begin with ``00``, which no
real invoice has. The same request is the same invoice, also after a restart, for its number follows from the request.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from openmains.app.billing.invoice_ports import TaxAnswer

WANTED = {"SellerInformation", "BuyerInformation", "BasicInformation", "IssuItemInformation"}


class EmulatedTax:
    """``TaxAdapter``. ``lost``: how many of the next answers do not arrive; ``declined``: it refuses with this code."""

    def __init__(self) -> None:
        self.lost = 0
        self.declined = ""
        self.heard: dict[str, Mapping[str, Any] | str] = {}

    async def issue(self, request: str, document: Mapping[str, Any]) -> TaxAnswer:
        if not document.keys() >= WANTED:
            return TaxAnswer("declined", code="document")
        return self._answer(request, document)

    async def red_letter(self, request: str, number: str, reason: str) -> TaxAnswer:
        return self._answer(request, number)

    def _answer(self, request: str, what: Mapping[str, Any] | str) -> TaxAnswer:
        if self.declined:
            return TaxAnswer("declined", code=self.declined)
        self.heard[request] = what
        if self.lost:
            self.lost -= 1
            return TaxAnswer("unclear", code="no-answer")
        digest = int.from_bytes(hashlib.sha256(request.encode()).digest()[:8], "big")
        return TaxAnswer("done", f"00{digest % 10**18:018d}")
