# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg to meters that an edge asks on a line (ADR 0035): from ``downlink.<node>`` to the line's master, and what came of
it back into the stream, by the same words as any link's.

A frame of CJ/T 188 or Modbus knows no counter, validity or MAC, so what a meter of ours checks for itself is kept here instead:

    acts once     it is looked at before it is written, so a command that comes again – an edge died, an answer was lost – writes nothing where
                  it is so already
    in time       after ``not_after``, or while commands are stopped, nothing is written; looking tells whether it had been done
    confirmed     by reading back, never by the answer to a write
    this meter    the address in the frame is the registered one, or left open; another one is declined
    proof         what needs a signature goes to a terminal that its certificate proves, or over a network that is said to be one's own

What was read back is admitted as a reading of the meter, so register, valve and clock are shown as they are.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from openmains.app.command.downlink import DownFrame
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT
from openmains.app.ingest.edge.admission import Accepted, Refusal
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.ports import Clock
from openmains.app.link.station.directory import LinePlace
from openmains.app.link.station.line_acts import (
    Act,
    Result,
    act_of,
    names_another,
    path_of,
    reading_of,
    wanted_untrusted,
    withheld,
)
from openmains.app.link.station.main_station import CHANNEL, MainStation
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.ids import CommandId, TenantId
from openmains.drivers.cjt188.commands import Asked
from openmains.wire.errors import WireError
from openmains.wire.outcome import ALREADY, Outcome

_WORDS: Mapping[Outcome, tuple[str, str, str]] = {
    # outcome → word, its reason, how the frame log has it
    Outcome.DONE: ("confirmed", "done", DELIVERED),
    Outcome.CONTRADICTED: ("declined", "read_back", DELIVERED),
    Outcome.REFUSED: ("declined", "refused", DELIVERED),
    Outcome.UNANSWERED: ("lost", "", LOST),
    Outcome.MALFORMED: ("lost", "", LOST),
    Outcome.SENT: ("lost", "", LOST),
}


class LineCommands:
    """One for each TCP edge. ``takes_unproven``: signed kinds go to terminals without a certificate too."""

    def __init__(
        self,
        *,
        main: MainStation,
        clock: Clock,
        words: LinkReports,
        stopped: Callable[[TenantId], bool],
        takes_unproven: bool,
    ) -> None:
        self._main, self._clock, self._words, self._stopped = main, clock, words, stopped
        self._takes_unproven = takes_unproven
        self._under_way: dict[CommandId, int | None] = {}  # when its turn on the line came, µs
        self.counters: Counter[str] = main.counters

    def handle(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher. One whose concentrator is connected elsewhere, or to nobody, is left alone."""
        for frame in frames:
            if frame.concentrator:
                self._handle(frame)

    def _handle(self, frame: DownFrame) -> None:
        session, known = self._main.connected(frame.concentrator), self._main.directory.find(frame.concentrator)
        if session is None or known is None:
            self.counters["line.command_not_here"] += 1
            return
        if frame.command_id in self._under_way:
            self.counters["line.command_repeated"] += 1
            return
        place = next((each for each in known.line.values() if each.identity.meter_id == frame.meter_id), None)
        if place is None or not session.speaks_to(place) or self._main.is_blocked(frame.meter_id):
            self._tell("lost", frame, place, None, NOT_SENT)
            return
        if RULES[Kind(frame.kind)].signed and not (session.is_proven or self._takes_unproven):
            self._tell("declined", frame, place, None, NOT_SENT, "unproven")
            return
        try:
            asked = wanted_untrusted(frame, place)
        except WireError:
            self._tell("declined", frame, place, None, NOT_SENT, "unreadable")
            return
        if names_another(place, asked):
            self._tell("declined", frame, place, None, NOT_SENT, "other_number")
            return
        self._under_way[frame.command_id] = None
        act = self._in_turn(frame, place, asked)
        now = self._clock.time()
        session.command(frame.command_id, place, act, lambda result: self._ended(frame, place, result), now)

    def _in_turn(self, frame: DownFrame, place: LinePlace, asked: Asked) -> Act:
        """The act, made when it is its turn: it may have waited for others, and a clock is told the time of then."""
        if self._stopped(frame.tenant_id):
            self.counters["line.command_stopped"] += 1
            return withheld(place)
        self._under_way[frame.command_id] = self._clock.unix_us()
        self.counters["line.command_sent"] += 1

        def may_write() -> bool:
            return not self._stopped(frame.tenant_id) and not self._is_over(frame)

        return (yield from act_of(place, asked, self._clock.unix_us() / 1e6, may_write))

    def _ended(self, frame: DownFrame, place: LinePlace, result: Result | None) -> None:
        sent_us = self._under_way.pop(frame.command_id, None)
        if result is None:
            self._tell("lost", frame, place, sent_us, NOT_SENT if sent_us is None else LOST)
            return
        if result.outcome is Outcome.WITHHELD:
            self._keep(place, result)
            what, detail = ("too_late", "expired") if self._is_over(frame) else ("lost", "")
            self._tell(what, frame, place, None, NOT_SENT, detail)
            return
        what, detail, outcome = _WORDS[result.outcome]
        if result.outcome is Outcome.DONE and result.detail == ALREADY:
            detail = "already_done"
        if frame.kind != Kind.READ_NOW or result.outcome is not Outcome.DONE:
            self._keep(place, result)
            self._tell(what, frame, place, sent_us, outcome, detail)
            return

        def stored(accepted: Accepted, confirmed: bool) -> None:  # done is a reading that somebody has
            self._tell(
                "confirmed" if confirmed else "lost", frame, place, sent_us, outcome, detail if confirmed else ""
            )

        if isinstance(self._admit(place, result, stored), Refusal):
            self._tell("lost", frame, place, sent_us, outcome)

    def _keep(self, place: LinePlace, result: Result) -> None:
        """What was read back is a reading."""
        self._admit(place, result, lambda accepted, confirmed: None)

    def _admit(self, place: LinePlace, result: Result, done: Callable[[Accepted, bool], None]) -> Refusal | None:
        payload = reading_of(result)
        if payload is None:
            return None
        return self._main.admit(place.identity, payload, path_of(place), done, is_asked=True)

    def _is_over(self, frame: DownFrame) -> bool:
        return bool(frame.not_after) and self._clock.unix_us() >= frame.not_after * 1_000_000

    def _tell(
        self,
        what: str,
        frame: DownFrame,
        place: LinePlace | None,
        sent_us: int | None,
        outcome: str,
        detail: str = "",
    ) -> None:
        self.counters[f"line.command_{what}"] += 1
        path = "line" if place is None else path_of(place)
        self._words.tell(what, frame, CHANNEL, path, sent_us, outcome, detail)
