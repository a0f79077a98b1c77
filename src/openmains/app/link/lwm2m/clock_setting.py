# SPDX-License-Identifier: Apache-2.0
"""The clock of meters that speak standard objects (R1.13): they have no answer with the time, so theirs is written.

    report stored ─→ what does it say of its clock? ─ off by more than the tolerance ─→ write /3/0/13 (Current Time)
                      └ nothing ─→ read /3/0/13, once a day ─ off ─→ the same

Once in a contact and not again within an hour: a meter that does not take the time is not talked to at every report. One
that refuses is left alone for a day. Whether it helped is what the next report says.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable

from openmains.app.ingest.uplink import Uplink
from openmains.app.link.lwm2m.formats import format_for
from openmains.app.link.ports import Clock, Link, Terminal
from openmains.app.link.proofs import Go, Proofs
from openmains.domain.ids import ProductId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.domain.readings.model import CLOCK_TOLERANCE_S
from openmains.drivers.catalog import Driver
from openmains.wire.coap.message import is_success
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m import operation
from openmains.wire.lwm2m.codec import values
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.server import Server
from openmains.wire.lwm2m.value import Item

CURRENT_TIME: Path = (3, 0, 13)
EVERY_S = HOUR_S
READ_EVERY_S = REFUSED_S = DAY_S
REMEMBERED = 200_000  # meters; who is forgotten is written to once more
SET, READ = "clock set", "clock read"  # tags of our operations


class ClockSetting:
    """One for each link with LwM2M."""

    def __init__(
        self,
        *,
        server: Server,
        link: Link,
        clock: Clock,
        proofs: Proofs,
        may_command: Callable[[int], bool],
        driver_of: Callable[[ProductId], Driver | None],
    ) -> None:
        self._server = server
        self._link = link
        self._clock = clock
        self._proofs = proofs
        self._may_command = may_command
        self._driver_of = driver_of
        self._not_before: OrderedDict[tuple[int, str], float] = OrderedDict()  # IMEI and tag → our clock
        self.counters = Counter[str]()

    def look(self, terminal: Terminal, report: Uplink) -> None:
        """This report of the meter was stored just now."""
        driver = self._driver_of(report.product_id)
        if driver is None or not driver.wants_envelope:
            return
        here_s = self._clock.unix_us() // 1_000_000
        said = driver.clock_of(report.payload, here_s)
        if said is None:
            self._go(terminal, READ, READ_EVERY_S, self._read)
        else:
            self._compare(terminal, said)

    def ended(self, event: lwm2m.Done | lwm2m.Failed) -> None:
        """What the meter said to the read or the write."""
        tag = event.operation.tag
        if tag not in (SET, READ):
            return
        terminal = self._link.terminal_of(event.operation.link)
        if isinstance(event, lwm2m.Failed):
            self.counters["clock.unanswered"] += 1
        elif not is_success(event.code):
            self.counters["clock.refused"] += 1
            if terminal is not None:
                self._wait(terminal.imei, tag, self._clock.time() + REFUSED_S)
        elif tag == SET:
            self.counters["clock.set"] += 1
        elif terminal is not None:
            self._was_read(terminal, event)

    def _was_read(self, terminal: Terminal, event: lwm2m.Done) -> None:
        try:
            items = values.decode(event.payload, event.content_format, CURRENT_TIME, definitions().type)
        except WireError:
            items = []
        said = [item.value for item in items if item.path == CURRENT_TIME]
        if len(said) == 1 and isinstance(said[0], int) and not isinstance(said[0], bool):
            self._compare(terminal, said[0])
        else:
            self.counters["clock.unreadable"] += 1

    def _compare(self, terminal: Terminal, said: int) -> None:
        if abs(said - self._clock.unix_us() // 1_000_000) > CLOCK_TOLERANCE_S:
            self.counters["clock.off"] += 1
            self._go(terminal, SET, EVERY_S, self._write)

    def _go(self, terminal: Terminal, tag: str, every_s: int, then: Go) -> None:
        """Unless it is too early, or nothing may be asked of this meter."""
        registration = self._server.registration(terminal.cid)
        if registration is None or not registration.has(CURRENT_TIME[:2]) or not self._may_command(terminal.imei):
            self.counters["clock.not_reachable"] += 1
            return
        now = self._clock.time()
        if now < self._not_before.get((terminal.imei, tag), now):
            self.counters["clock.waits"] += 1
            return
        self._wait(terminal.imei, tag, now + every_s)
        self._proofs.ask(terminal, then, lambda: None)
        self._link.transmit_soon()

    def _read(self, terminal: Terminal, now: float) -> None:
        what = operation.read(CURRENT_TIME)
        what.tag = READ
        self._server.submit(terminal.cid, what, now)

    def _write(self, terminal: Terminal, now: float) -> None:
        registration = self._server.registration(terminal.cid)
        if registration is None:
            return
        format_ = format_for(registration)
        time = Item(CURRENT_TIME, self._clock.unix_us() // 1_000_000)
        what = operation.write(CURRENT_TIME, values.encode([time], format_, CURRENT_TIME, definitions().type), format_)
        what.tag = SET
        self.counters["clock.written"] += 1
        self._server.submit(terminal.cid, what, now)

    def _wait(self, imei: int, tag: str, until: float) -> None:
        self._not_before[imei, tag] = until
        self._not_before.move_to_end((imei, tag))
        while len(self._not_before) > REMEMBERED:
            self._not_before.popitem(last=False)
