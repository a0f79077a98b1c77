# SPDX-License-Identifier: Apache-2.0
"""A receipt as the template sets it: what ``receipt_text`` says on a till's roll, on half a sheet."""

from typing import Any, Literal

from openmains.app.billing.model import Letterhead
from openmains.app.payment.model import Receipt
from openmains.app.payment.receipt_text import CHANNELS, WORDS
from openmains.domain.period import Zone
from openmains.domain.tariff.capitals import capitals
from openmains.domain.tariff.exact import written


def receipt_paper(
    receipt: Receipt, utility: str, letterhead: Letterhead, zone: Zone, language: Literal["zh", "en"]
) -> dict[str, Any]:
    """The document. In capitals the amount stands only where people read Chinese."""
    place = 0 if language == "zh" else 1

    def word(name: str) -> str:
        return WORDS[name][place]

    moment = zone.iso(int(receipt.taken_at.timestamp()))[:16].replace("T", " ")
    number = f"{receipt.receipt_id:010d}"
    return {
        "template": "receipt",
        "lang": language,
        "title": f"{word('title')} {number}",
        "heading": word("title"),
        "number": number,
        "mark": word("returned").strip("* ") if receipt.returned else "",
        "issuer": {
            "name": utility,
            "lines": [text for text in (letterhead.address, letterhead.phone) if text],
        },
        "facts": [
            [word("number"), number],
            [word("time"), moment],
            [word("account"), str(receipt.account_id)],
            [word("channel"), CHANNELS[receipt.channel][place]],
            [word("key"), receipt.key],
            [word("clerk"), receipt.taken_by],
        ],
        "amount": [word("fen"), written(receipt.fen, 2, 2)],
        "capitals": capitals(receipt.fen) if language == "zh" else "",
        "items": [
            [f"{word('fee' if item.of_fee else 'bill')} {item.month}", written(item.fen, 2, 2)] for item in receipt.paid
        ],
        "after": [
            [word("credit"), written(receipt.credit_fen, 2, 2)],
            [word("owed"), written(receipt.owed_fen, 2, 2)],
        ],
        "foot": word("note"),
    }
