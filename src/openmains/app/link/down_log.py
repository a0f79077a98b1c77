# SPDX-License-Identifier: Apache-2.0
"""Frames that go down, noted for the frame log: off the path of readings and commands.

    answer sent, operation ended → note → (a second, or 1,000 of them) → one uplink a utility → the stream → frame log

Nothing waits for it. While the stream is away a bounded number is kept; what is beyond that is counted and forgotten, for a
log must not hold up what it tells of. Keys never come here: bootstrap has no part in it.
"""

from collections import Counter
from collections.abc import Callable

from openmains.app.command.results import LINK_CHANNEL
from openmains.app.command.sent_frames import ANSWER, SENT_PATH, SentFrame, encode_sent
from openmains.app.fleet.identities import Identity
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import until_stored
from openmains.app.link.ports import Clock
from openmains.domain.ids import MeterId, ProductId, TenantId

ACK = "2.04"  # where an answer is that rides in the acknowledgement
GATHER_S = 1.0
AGAIN_S = 5.0
BUNDLE = 1000  # frames in one uplink
WAITING = 20_000


class DownLog:
    """One for each link. ``who``: the meter with this module; ``publish(uplink, done)`` puts a bundle into the stream."""

    def __init__(
        self,
        *,
        clock: Clock,
        who: Callable[[int], Identity | None],
        publish: Callable[[Uplink, Callable[[bool], None]], None],
    ) -> None:
        self._clock = clock
        self._who = who
        self._publish = publish
        self._open: dict[TenantId, list[SentFrame]] = {}
        self._waiting = 0  # noted and not yet in the stream
        self._number = 0
        self._timed = False
        self.counters = Counter[str]()

    def answered(self, report: Uplink, place: str, outcome: str, payload: bytes, channel: str = "") -> None:
        """The platform's answer to a report; ``channel`` "": as it came."""
        path = f"{place};{ANSWER}"
        self._note(
            report.tenant_id, report.meter_id, report.product_id, channel or report.channel, path, outcome, payload
        )

    def operated(self, imei: int, channel: str, place: str, what: str, outcome: str, payload: bytes) -> None:
        """What an operator did; nothing for a module that no meter has."""
        found = self._who(imei)
        if found is not None:
            self._note(found.tenant_id, found.meter_id, found.product_id, channel, f"{place};{what}", outcome, payload)

    def _note(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        product_id: ProductId,
        channel: str,
        path: str,
        outcome: str,
        payload: bytes,
    ) -> None:
        if self._waiting >= WAITING:
            self.counters["down_log.forgotten"] += 1
            return
        self._waiting += 1
        self._number += 1
        frame = SentFrame(
            tenant_id, meter_id, product_id, self._clock.unix_us(), self._number, channel, path, outcome, payload
        )
        bundle = self._open.setdefault(tenant_id, [])
        bundle.append(frame)
        if len(bundle) >= BUNDLE:
            self._send(self._open.pop(tenant_id))
        elif not self._timed:
            self._timed = True
            self._clock.call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """What was gathered goes; also at shutdown, before the batcher is drained."""
        self._timed = False
        bundles, self._open = self._open, {}
        for bundle in bundles.values():
            self._send(bundle)

    def _send(self, bundle: list[SentFrame]) -> None:
        first = bundle[0]
        uplink = Uplink(
            first.meter_id,
            first.tenant_id,
            first.product_id,
            LINK_CHANNEL,
            SENT_PATH,
            first.sent_us,
            encode_sent(bundle),
        )

        def stored() -> None:
            self._waiting -= len(bundle)
            self.counters["down_log.noted"] += len(bundle)

        until_stored(self._publish, self._clock, uplink, stored, again_s=AGAIN_S)
