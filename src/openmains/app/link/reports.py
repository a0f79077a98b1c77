# SPDX-License-Identifier: Apache-2.0
"""Reports of meters on their sessions, whatever their channel: one uplink each, and what the meter is to hear of it.

    message → Reports → Admission → Batcher → (durable) → Receipt

How a refusal or a receipt is said is the channel's business (``answers.py`` has CoAP's words).
"""

from collections.abc import Callable
from typing import NamedTuple

from openmains.app.ingest.edge.admission import About, Accepted, Admission, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.ports import Clock, Terminal


class Receipt(NamedTuple):
    """What became of an admitted report. ``confirmed``: it is on disk. ``fault``: it is malformed, and was kept all the same.
    ``answer``: the driver's, with the platform's time. ``uplink``: what it answers."""

    confirmed: bool
    fault: str = ""
    answer: bytes = b""
    uplink: Uplink | None = None


UNCONFIRMED = Receipt(False)


def receipt_of(admission: Admission, accepted: Accepted, confirmed: bool, now_s: int) -> Receipt:
    """Once the stream has said whether it has the report."""
    if not confirmed:
        return UNCONFIRMED
    if accepted.uplink.fault:
        return Receipt(True, accepted.uplink.fault)
    return Receipt(True, "", admission.answer(accepted, now_s), accepted.uplink)


class Reports:
    """One for each link. ``unknown(imei, host)`` is told of a session whose module no meter has."""

    def __init__(
        self,
        *,
        node: int,
        admission: Admission,
        batcher: Batcher,
        shedding: Shedding,
        unknown: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._node = node
        self._admission = admission
        self._batcher = batcher
        self._shedding = shedding
        self._unknown = unknown
        self._clock = clock

    def admit(
        self, terminal: Terminal, payload: bytes, channel: str, path: str, about: About, done: Callable[[Receipt], None]
    ) -> Refusal | None:
        """Take a report in: ``done`` is called once, later. Or say why not: then it never is."""
        now = self._clock.time()
        if self._batcher.is_full(now) or self._shedding.is_crowded(len(payload), now):
            self._shedding.refused()
            return Refusal.BUSY
        admission, clock = self._admission, self._clock
        found = admission.admit(terminal.text, payload, channel, path, clock.unix_us(), self._node, about)
        if isinstance(found, Refusal):
            if found is Refusal.UNKNOWN_METER:
                self._unknown(terminal.text, terminal.host)
            return found
        self._shedding.taken()
        self._batcher.add(
            found.uplink,
            lambda confirmed: done(receipt_of(admission, found, confirmed, clock.unix_us() // 1_000_000)),
        )
        return None
