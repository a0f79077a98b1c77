# SPDX-License-Identifier: Apache-2.0
"""The texts of all problems in Chinese and English: what is wrong and what to do next.

A use case says a code and values (``app.problems``); what that means to a caller of the API – status, words, headers –
is told here, one file a context. A code without a text, or a text nobody raises, fails a test.
"""

from openmains.edges.http.problem_texts import (
    alarm,
    application,
    billing,
    command,
    device_management,
    field,
    fleet,
    identity,
    ledger,
    notice,
    party,
    payment,
    portal,
    readings,
    request,
    rule,
    security,
    tariff,
    work_order,
)
from openmains.edges.http.problem_texts.text import Text

PROBLEMS: dict[str, Text] = {
    **request.TEXTS,
    **identity.TEXTS,
    **application.TEXTS,
    **fleet.TEXTS,
    **party.TEXTS,
    **portal.TEXTS,
    **readings.TEXTS,
    **security.TEXTS,
    **alarm.TEXTS,
    **command.TEXTS,
    **device_management.TEXTS,
    **field.TEXTS,
    **tariff.TEXTS,
    **ledger.TEXTS,
    **billing.TEXTS,
    **payment.TEXTS,
    **notice.TEXTS,
    **rule.TEXTS,
    **work_order.TEXTS,
}
