# SPDX-License-Identifier: Apache-2.0
"""Judges a batch's reports about terminals: loaded rows in, rows and alarm changes out. Pure: the rows are read and locked
before and written after, in the transaction of the batch (``PipelineStore.commit``). No argument is changed.

report   online → session columns          sim → binding check → finding or an alarm cleared
         a finding → score, step, alarms
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from openmains.app.ingest.model import AlarmChange
from openmains.app.security.report import ONLINE, SIM, AccessEntry, AccessNote
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.security.binding import Sim, check_binding
from openmains.domain.security.findings import STEP_EVENTS, WEIGHTS, Kind, State
from openmains.domain.security.ladder import Standing, Thresholds, judge
from openmains.domain.security.turns import Turns, shake
from openmains.drivers.points import vocabulary

SEPARATION = {"alarm": State.ALLOWED, "quarantine": State.QUARANTINE, "block": State.BLOCKED}
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry says of the meter now. ``on_separation``: what its product, else its tenant wants of a wrong SIM,
    a key of SEPARATION; anything else means the platform's choice."""

    meter_id: MeterId
    tenant_id: TenantId
    imei: int
    sim: Sim
    on_separation: str | None = None


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as stored."""

    imei: int
    tenant_id: TenantId
    meter_id: MeterId
    standing: Standing = field(default_factory=Standing)
    reasons: Mapping[str, int] = field(default_factory=dict)
    seen: Sim = field(default_factory=Sim)
    address: str = ""
    online_since_us: int | None = None
    last_handshake_us: int | None = None
    handshakes: int = 0
    turns: Turns = field(default_factory=Turns)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as it is kept, with what it led to."""

    tenant_id: TenantId
    meter_id: MeterId
    imei: int
    kind: Kind
    at_us: int
    count: int
    address: str
    detail: str
    score: int
    state: State


@dataclass(slots=True)
class AccessOutcome:
    """What is to be written. ``ignored``: reports about a terminal that is no longer this meter's."""

    terminals: dict[int, Terminal] = field(default_factory=dict)
    findings: list[FindingRow] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)
    ignored: int = 0


class AccessJudge:
    """``severities``: event → severity. ``on_separation``: the platform's choice, a key of SEPARATION."""

    def __init__(self, thresholds: Thresholds, severities: Mapping[str, str], on_separation: str = "alarm") -> None:
        self._thresholds = thresholds
        self._severities = severities
        self._on_separation = on_separation

    def run(
        self, entries: Iterable[AccessEntry], registered: Mapping[int, Registered], stored: Mapping[int, Terminal]
    ) -> AccessOutcome:
        """In the order of the entries. ``registered`` by meter, ``stored`` by IMEI."""
        outcome = AccessOutcome()
        for entry in entries:
            meter = registered.get(entry.meter_id)
            if meter is None or meter.imei != entry.note.imei or meter.tenant_id != entry.tenant_id:
                outcome.ignored += 1
                continue
            terminal = outcome.terminals.get(meter.imei) or stored.get(meter.imei)
            if terminal is None or (terminal.meter_id, terminal.tenant_id) != (meter.meter_id, meter.tenant_id):
                terminal = Terminal(meter.imei, meter.tenant_id, meter.meter_id)
            outcome.terminals[meter.imei] = self._step(entry, meter, terminal, outcome)
        return outcome

    def _step(self, entry: AccessEntry, meter: Registered, terminal: Terminal, outcome: AccessOutcome) -> Terminal:
        note = entry.note
        if entry.what == ONLINE:
            turns, in_turn = shake(terminal.turns, note.address, entry.received_us // SECOND_US)
            terminal = replace(
                terminal, turns=turns, address=note.address or terminal.address, handshakes=terminal.handshakes + 1,
                online_since_us=terminal.online_since_us or entry.received_us,
                last_handshake_us=max(entry.received_us, terminal.last_handshake_us or 0),
            )  # fmt: skip
            if in_turn:
                between = AccessNote(note.imei, note.address, detail=" / ".join(turns.hosts))
                terminal = self._found(entry, Kind.HANDSHAKE_TURNS, between, meter, terminal, outcome)
            return terminal
        if entry.what == SIM:
            said = Sim(note.imsi, note.iccid)
            kind = check_binding(meter.sim, terminal.seen, said)
            seen = Sim(said.imsi or terminal.seen.imsi, said.iccid or terminal.seen.iccid)
            terminal = replace(terminal, seen=seen, address=note.address or terminal.address)
            if kind is None:
                if Kind.SIM_SEPARATED in terminal.reasons and check_binding(meter.sim, Sim(), seen) is None:
                    self._alarm(entry, WEIGHTS[Kind.SIM_SEPARATED].event, "cleared", outcome)
                    rest = {kind: count for kind, count in terminal.reasons.items() if kind != Kind.SIM_SEPARATED}
                    terminal = replace(terminal, reasons=rest)
                return terminal
            note = AccessNote(note.imei, note.address, 1, f"IMSI {said.imsi or '-'} ICCID {said.iccid or '-'}")
            return self._found(entry, kind, note, meter, terminal, outcome)
        return self._found(entry, Kind(entry.what), note, meter, terminal, outcome)

    def _found(
        self,
        entry: AccessEntry,
        kind: Kind,
        note: AccessNote,
        meter: Registered,
        terminal: Terminal,
        outcome: AccessOutcome,
    ) -> Terminal:
        at_least = self._separated(meter) if kind is Kind.SIM_SEPARATED else State.ALLOWED
        before = terminal.standing
        after = judge(before, kind, entry.received_us // SECOND_US, self._thresholds, at_least)
        outcome.findings.append(
            FindingRow(
                meter.tenant_id, meter.meter_id, meter.imei, kind, entry.received_us, note.count, note.address, note.detail,
                after.score, after.state,
            )
        )  # fmt: skip
        self._alarm(entry, WEIGHTS[kind].event, "raised", outcome)
        if after.state > before.state and after.state in STEP_EVENTS:
            self._alarm(entry, STEP_EVENTS[after.state], "raised", outcome)
        reasons = {**terminal.reasons, kind.value: terminal.reasons.get(kind.value, 0) + 1}
        return replace(terminal, standing=after, reasons=reasons)

    def _separated(self, meter: Registered) -> State:
        """The step that a wrong SIM leads to at least."""
        return SEPARATION.get(meter.on_separation or "", SEPARATION[self._on_separation])

    def _alarm(self, entry: AccessEntry, event: str, action: str, outcome: AccessOutcome) -> None:
        at = entry.received_us // SECOND_US
        severity = self._severities.get(event, "major")
        outcome.alarms.append(
            AlarmChange(entry.tenant_id, entry.meter_id, event, severity, action, at, entry.received_us)
        )


def default_judge(thresholds: Thresholds | None = None, on_separation: str = "alarm") -> AccessJudge:
    """With the severities of ``drivers/points.toml``."""
    severities = {event.name: event.severity for event in vocabulary().events.values()}
    return AccessJudge(thresholds or Thresholds(), severities, on_separation)
