# SPDX-License-Identifier: Apache-2.0
"""The steps of an uplink, in order, each from a narrower type to a richer one:

    decode      bytes of one product, column-wise → standard points, or a dead letter with the wrong byte; a message with a
                damaged part is kept without it, and is ``partial`` in the frame log;
                a person's edit (``edits.py``) and values of a file (``inserted.py``) → rows that go straight to gather;
                a register that a person read (``app/readings/manual/``) → validate
    identify    meter and hot state from PostgreSQL; a meter no longer registered → dead letter
    repeat      the same frame once more (R1.7) → counted, logged, no effect
    number      another number in the frame than the registered one → held for a person, nothing booked (``numbers.py``)
    validate    domain.readings: rows of the meter-day, findings, new state; exceptions from them (``exceptions.py``)
    events      domain.alarm: raised and cleared alarms (R1.5, R1.6)
    limits      values of quantities that are watched → alarms (``limits.py``)
    rules       conditions that people made, judged by column → where they stand, alarms (``app/rule/watch.py``)
    gather      columns for ClickHouse, rows for PostgreSQL

Pure: the stores are read before (``Batch``) and written after (``worker.py``). The result depends only on the uplinks
and on the committed state, so a batch processed again after a crash yields the same rows under the same versions.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from openmains.app.command.results import ANSWERS, LINK_CHANNEL, command_response, delivery_report
from openmains.app.command.sent_frames import SENT_PATH, sent_frames
from openmains.app.ingest.pipeline import exceptions, numbers
from openmains.app.ingest.pipeline.bounds import DAYS
from openmains.app.ingest.pipeline.decoded import Decoded, heard_when, moment_of, told_by, value_of
from openmains.app.ingest.pipeline.inserted import insert
from openmains.app.ingest.pipeline.limits import watch
from openmains.app.ingest.pipeline.manual import note_reading
from openmains.app.ingest.pipeline.ports import (
    DayCause,
    DeadLetter,
    Effects,
    MeterRecord,
    PendingDay,
    Product,
)
from openmains.app.ingest.pipeline.repeats import is_repeat, note_last
from openmains.app.ingest.pipeline.rows import NOT_APPLIED, Gatherer
from openmains.app.ingest.uplink import PARTIAL, REPEAT, Uplink
from openmains.app.readings.acceptance import MOVED_CHANNEL, NUMBER_CHANNEL, Acceptance, read_acceptance
from openmains.app.readings.bulk.insert.message import INSERT_CHANNEL, Inserted, read_inserted
from openmains.app.readings.edits import EDIT_CHANNEL, Edit, read_edit
from openmains.app.readings.manual.message import MANUAL_CHANNEL, ManualEntry, read_manual
from openmains.app.rule.watch import NO_RULES, RuledMessage, RuledMeter, RuleSet
from openmains.app.security.report import CHANNEL as ACCESS_CHANNEL
from openmains.app.security.report import AccessEntry, AccessNote, entry_of
from openmains.domain.alarm import EventKind, Heard
from openmains.domain.alarm.limits import NO_LIMITS, WatchedLimits
from openmains.domain.period import Zone
from openmains.domain.quantity import LITRE_EXPONENT, rescale
from openmains.domain.readings import validate_intervals, validate_registers
from openmains.domain.readings.expected import Mode, cadence_of, mode_of_period
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, RegisterReport
from openmains.domain.readings.quality import Rule, Slot
from openmains.domain.readings.registers import is_astray
from openmains.domain.readings.rules import ceiling_of
from openmains.domain.readings.versions import VersionCause
from openmains.domain.security.findings import Kind as FindingKind
from openmains.drivers.bounds import keep_sound
from openmains.drivers.catalog import Catalog
from openmains.drivers.model import MISSING_VALUE, Kind
from openmains.drivers.points import vocabulary

# Channels of edges: no words of a meter, so its state is not needed.
EDGE_CHANNELS = frozenset({ACCESS_CHANNEL, LINK_CHANNEL})
PERSONS_CHANNELS = frozenset({EDIT_CHANNEL, NUMBER_CHANNEL, MANUAL_CHANNEL, INSERT_CHANNEL})
_PERSONS_WORDS: Mapping[str, tuple[Callable[[bytes], object], str]] = {
    EDIT_CHANNEL: (read_edit, "bad_edit"),
    NUMBER_CHANNEL: (read_acceptance, "bad_acceptance"),
    MANUAL_CHANNEL: (read_manual, "bad_manual_reading"),
    INSERT_CHANNEL: (read_inserted, "bad_insert"),
}


class Processor:
    """Turns batches into effects. Products, zones and limits of quantities are given anew when they change."""

    def __init__(
        self,
        catalog: Catalog,
        products: Mapping[int, Product],
        zones: Mapping[int, Zone],
        book: WatchedLimits = NO_LIMITS,
        rules: RuleSet = NO_RULES,
    ) -> None:
        self._rules = rules
        self._ruled: list[RuledMessage] = []
        self._catalog = catalog
        self._products = products
        self._zones = self.zones = zones
        self._kinds = {event.bit: EventKind(event.name, event.severity) for event in vocabulary().events.values()}
        self._book = book
        self._limits: dict[tuple[int, int, int, int, str], Limits] = {}

    def knows(self, items: Iterable[Uplink | MeterRecord]) -> bool:
        """False when a product or tenant is newer than what was given."""
        return all(item.product_id in self._products and item.tenant_id in self._zones for item in items)

    def run(self, uplinks: Sequence[Uplink], records: Mapping[int, MeterRecord]) -> Effects:
        """All effects of the uplinks, in their order. ``records`` are advanced in place."""
        batch = Batch(self, records)
        batch.add(uplinks)
        return batch.finish()

    def handle(
        self, uplinks: Sequence[Uplink], records: Mapping[int, MeterRecord], effects: Effects, gather: Gatherer
    ) -> None:
        """Add the effects of these uplinks; see ``Batch``."""
        uplinks = _edge_reports(uplinks, effects, gather)
        decoded = self.decode(uplinks, effects)
        self._ruled = []
        for index, uplink in enumerate(uplinks):
            record = records.get(uplink.meter_id)
            found = decoded[index]
            if record is None:
                if not isinstance(found, DeadLetter):
                    found = DeadLetter(uplink, "unknown_meter", 0, "the meter is no longer registered")
                effects.dead_letters.append(found)
                gather.frame(uplink, NOT_APPLIED, found.reason)
                continue
            gather.touched[record.meter_id] = record
            if uplink.channel in PERSONS_CHANNELS:
                if not isinstance(found, DeadLetter):
                    self._persons_word(uplink, record, found, effects, gather)
                    gather.frame(uplink, record.state.version, "ok")
                    continue
            else:
                if uplink.received_us > record.last_seen_us:
                    record.last_seen_us = uplink.received_us
            if isinstance(found, DeadLetter):
                effects.dead_letters.append(found)
                gather.frame(uplink, NOT_APPLIED, found.reason)
                continue
            columns, row = found
            outcome = self._apply(uplink, record, columns, row, effects, gather)
            if row in columns.damaged and outcome == "ok":
                outcome = PARTIAL
            if outcome == PARTIAL:
                effects.counters[PARTIAL] += 1
            gather.frame(uplink, NOT_APPLIED if outcome == REPEAT else record.state.version, outcome)
        if self._ruled:
            fired = self._rules.watch(self._ruled)
            effects.rules += fired.changes
            effects.alarms += fired.alarms
            effects.remembered.update(fired.remembered)

    # decode -----------------------------------------------------------------------------------------------------------

    def decode(self, uplinks: Sequence[Uplink], effects: Effects) -> list[Any]:
        """For each uplink (Decoded, row) or a DeadLetter; for a person's word (Edit, its row) or an Acceptance."""
        found: list[Any] = [None] * len(uplinks)
        groups: dict[int, list[int]] = {}
        for index, uplink in enumerate(uplinks):
            if uplink.fault:
                found[index] = self._refused(uplink)
                continue
            if uplink.channel in PERSONS_CHANNELS:
                read, reason = _PERSONS_WORDS[uplink.channel]
                word = read(uplink.payload)
                found[index] = DeadLetter(uplink, reason, 0, word) if isinstance(word, str) else word
                continue
            groups.setdefault(uplink.product_id, []).append(index)
        for product_id, indexes in groups.items():
            product = self._products.get(product_id)
            if product is None or product.driver not in self._catalog:
                for index in indexes:
                    name = product.driver if product else f"of product {product_id}"
                    found[index] = DeadLetter(uplinks[index], "no_driver", 0, f"no driver page {name}")
                continue
            driver = self._catalog.driver(product.driver)
            columns_list, rejected = driver.decode(
                [uplinks[index].payload for index in indexes],
                [uplinks[index].received_us // 1_000_000 for index in indexes],
            )
            for columns in columns_list:
                silenced = keep_sound(columns)
                decoded = Decoded(columns, driver.number_digits)
                for row, place in enumerate(columns.rows):
                    found[indexes[place]] = (decoded, row)
                for row, name in silenced.items():
                    index = indexes[columns.rows[row]]
                    found[index] = DeadLetter(uplinks[index], "out_of_range", 0, f"{name} is beyond what can be stored")
                for damage in columns.damages:
                    # A path is the sender's own words: counted by them, the counters would grow without end.
                    name = f"damaged.{damage.name if damage.name.isidentifier() else 'resource'}"
                    effects.counters[name] += 1
            for item in rejected:
                index = indexes[item.row]
                found[index] = DeadLetter(uplinks[index], item.reason, item.offset, item.detail)
        return found

    def _refused(self, uplink: Uplink) -> DeadLetter:
        """What the edge refused, with the byte that is wrong: the edge's check says the reason only."""
        product = self._products.get(uplink.product_id)
        if product is not None and product.driver in self._catalog and uplink.fault != "internal_error":
            driver = self._catalog.driver(product.driver)
            for item in driver.decode([uplink.payload], [uplink.received_us // 1_000_000])[1]:
                if item.reason == uplink.fault:
                    return DeadLetter(uplink, item.reason, item.offset, item.detail)
        if not uplink.meter_id:
            return DeadLetter(uplink, uplink.fault, 0, "whose it is is not known")
        return DeadLetter(uplink, uplink.fault, 0, "refused at the edge by the driver's check")

    def _persons_word(
        self,
        uplink: Uplink,
        record: MeterRecord,
        found: Acceptance | ManualEntry | Inserted | tuple[Edit, DayRow],
        effects: Effects,
        gather: Gatherer,
    ) -> None:
        """A person's value, the undoing of one, or a file's: a version of its day; what the meter itself said and when stays as it is.
        Or an accepted number, or a register that a person read, which is judged as the meter's own are."""
        if isinstance(found, Acceptance):
            numbers.accept(record, found.number, uplink, effects)
            return
        if isinstance(found, Inserted):
            insert(record, found, uplink, effects, gather)
            return
        if isinstance(found, ManualEntry):
            judgement = self._judge(record, found.report(uplink.received_us // 1_000_000), self.limits_of(record))
            record.state = judgement.state
            self._keep(
                record,
                judgement,
                uplink,
                effects,
                gather,
                DayCause(VersionCause.MANUAL, found.user_id, reason=found.note),
            )
            note_reading(record, found, judgement, self.limits_of(record).dial, effects)
            effects.counters["manual"] += 1
            return
        edit, row = found
        record.state = replace(record.state, version=record.state.version + 1)
        why = VersionCause.UNDO if edit.is_undo else VersionCause.EDIT
        effects.days.append(
            PendingDay(
                record,
                row,
                record.state.version,
                edit.received_s,
                uplink.received_us // 1_000_000,
                DayCause(why, edit.user_id, edit.approved_by, edit.edit_id, edit.reason),
                (edit.first, edit.count) if edit.is_undo else None,
            )
        )
        effects.counters["edit"] += 1

    # one uplink -------------------------------------------------------------------------------------------------------

    def _apply(
        self, uplink: Uplink, record: MeterRecord, decoded: Decoded, row: int, effects: Effects, gather: Gatherer
    ) -> str:
        points = decoded.points
        received_at = uplink.received_us // 1_000_000
        said_at = value_of(points, "device_at", row)
        device_at = received_at if said_at is None else said_at
        frame_seq = value_of(points, "frame_seq", row)
        frame_hash = zlib.crc32(uplink.payload)
        state = record.state
        age_s = None if said_at is None else received_at - said_at
        if frame_seq is not None and is_repeat(record, frame_seq, frame_hash, age_s):
            effects.counters[REPEAT] += 1
            return REPEAT
        limits = self.limits_of(record)
        heard_at, newest = heard_when(device_at, received_at, limits), record.device_at
        carried = decoded.numbers
        if (
            carried is not None
            and (carried[row] != record.plain_number or record.strange_number is not None or record.accepted_number)
            and uplink.channel != MOVED_CHANNEL
            and not numbers.may_book(
                record,
                carried[row],
                decoded.number_digits,
                uplink,
                state.version,
                self._zones[record.tenant_id],
                effects,
            )
        ):
            # Whosever it is: a danger is shown, and what the module says of its commands is true of this module.
            self._hear(uplink, record, decoded, row, heard_at, limits, gather, among=numbers.CRITICAL)
            self._answered(uplink, record, decoded, row, effects)
            return numbers.HELD
        note_last(record)
        told = told_by(decoded, row, received_at, device_at, frame_seq, frame_hash)
        if told is None:
            record.state = replace(state, version=state.version + 1, frame_seq=frame_seq, frame_hash=frame_hash)
        else:
            judgement = self._judge(record, told, limits)
            record.state = judgement.state
            self._keep(record, judgement, uplink, effects, gather)
        latest = record.latest
        for name, values in decoded.state_points:
            if (value := values[row]) != MISSING_VALUE:
                latest[name] = value
        if decoded.events is not None:
            self._hear(uplink, record, decoded, row, heard_at, limits, gather)
        if decoded.signals is not None:
            gather.signal(record, uplink.received_us, decoded.signals[row], moment_of(points, row, device_at, heard_at))
        placed, mark = True, gather.series_mark() if self._book else 0
        if decoded.quantities is not None:
            placed = gather.quantities(decoded.quantities, row, record, uplink.received_us, device_at, limits)
        if self._book and not record.is_held_back and (watched := self._book.of(record.product_id, record.meter_id)):
            exponent = self._catalog.driver(self._products[record.product_id].driver).unit_exponent
            said = {name: values[row] for name, values in decoded.state_points if values[row] != MISSING_VALUE}
            watch(watched, record, gather.series_since(mark), said, uplink.received_us, exponent, effects)
        if heard_at >= newest and not record.is_held_back and self._rules:  # what is older ends and begins nothing
            self._rule(uplink, record, decoded, row, heard_at)
        if decoded.kind in ANSWERS:
            self._answered(uplink, record, decoded, row, effects)
        effects.counters[decoded.kind] += 1
        if not placed:
            effects.counters["series_without_time"] += 1
            return PARTIAL
        return "ok"

    def _hear(
        self,
        uplink: Uplink,
        record: MeterRecord,
        decoded: Decoded,
        row: int,
        heard_at: int,
        limits: Limits,
        gather: Gatherer,
        among: int | None = None,
    ) -> None:
        """Alarms of the message; ``among``: only those of these events that it raises, and none that it ends."""
        if decoded.events is None:
            return
        is_alarm = decoded.kind is Kind.ALARM
        mask, known = decoded.events[row], decoded.event_known
        if among is not None:
            known &= mask & among
        if not is_alarm and (record.event_mask ^ mask) & known == 0:  # nearly always
            if heard_at > record.device_at:
                record.device_at = heard_at
            return
        raised_at, received_at = value_of(decoded.points, "raised_at", row), uplink.received_us // 1_000_000
        if raised_at is not None and is_astray(raised_at, received_at, limits):
            raised_at = received_at  # no alarm 'raised 1970'
        heard = Heard(known, mask, heard_at, uplink.received_us, raised_at, is_alarm)
        gather.events(record, heard, self._kinds)

    def _rule(self, uplink: Uplink, record: MeterRecord, decoded: Decoded, row: int, heard_at: int) -> None:
        """To be judged by the rules, with all messages of this part."""
        if self._rules.plan(record.product_id, record.tenant_id) is None:
            return
        if record.ruled is None:
            record.ruled = RuledMeter()
        self._ruled.append(
            RuledMessage(
                decoded.columns, row, record.tenant_id, record.product_id, record.meter_id, record.area_id, record.dn,
                record.ruled, heard_at, uplink.received_us,
            )
        )  # fmt: skip

    def _answered(self, uplink: Uplink, record: MeterRecord, decoded: Decoded, row: int, effects: Effects) -> None:
        """What the message says of a command."""
        if decoded.kind not in ANSWERS:
            return
        said = {name: values[row] for name, values in decoded.points.items() if values[row] != MISSING_VALUE}
        text = bytes(value for value in decoded.series.get("log_text", [[]] * (row + 1))[row] if 0 <= value < 256)
        exponent = self._catalog.driver(self._products[record.product_id].driver).unit_exponent
        word = command_response(uplink, decoded.kind, said, self._settings(record, decoded, row), text, exponent)
        if word is not None:
            effects.responses.append(word)

    def _settings(self, record: MeterRecord, decoded: Decoded, row: int) -> dict[str, int]:
        """Settings read back, by the names of the product's driver; numbers it does not know are left out."""
        numbers = decoded.series.get("parameter_numbers")
        values = decoded.series.get("parameter_values")
        if numbers is None or values is None:
            return {}
        driver = self._catalog.driver(self._products[record.product_id].driver)
        names = {setting.number: name for name, setting in getattr(driver, "settings", {}).items()}
        read = zip(numbers[row], values[row], strict=True)
        return {names[number]: value for number, value in read if number in names and value != MISSING_VALUE}

    def _judge(self, record: MeterRecord, told: IntervalReport | RegisterReport, limits: Limits) -> Judgement:
        zone = self._zones[record.tenant_id]
        if isinstance(told, IntervalReport):
            return validate_intervals(record.state, told, limits, zone)
        return validate_registers(record.state, told, limits, zone)

    def limits_of(self, record: MeterRecord) -> Limits:
        """What the readings of a meter are judged by."""
        key = (record.product_id, record.qmax_per_h, record.installed_day, record.tenant_id, record.report_mode)
        found = self._limits.get(key)
        if found is None:
            product = self._products[record.product_id]
            driver = self._catalog.driver(product.driver)
            exponent = driver.unit_exponent
            qmax_per_h = rescale(record.qmax_per_h or product.qmax_per_h, LITRE_EXPONENT, exponent)
            mode = record.report_mode or mode_of_period(product.report_s)
            found = Limits(
                qmax_per_h=qmax_per_h,
                dial=product.dial,
                ceiling=ceiling_of(qmax_per_h, driver.register_ceiling),
                installed_at=self._zones[record.tenant_id].start_of(record.installed_day),
                interval_s=product.interval_s,
                cadence_s=cadence_of(Mode(mode), product.interval_s),
                report_s=product.report_s,
            )
            if len(self._limits) > 100_000:
                self._limits.clear()
            self._limits[key] = found
        return found

    def _keep(
        self,
        record: MeterRecord,
        judgement: Judgement,
        uplink: Uplink,
        effects: Effects,
        gather: Gatherer,
        cause: DayCause | None = None,
    ) -> None:
        version, received_us = judgement.state.version, uplink.received_us
        made_s = received_at = received_us // 1_000_000
        if uplink.replayed_by:
            made_s, cause = uplink.replayed_us // 1_000_000, DayCause(VersionCause.REPLAY, uplink.replayed_by)
        for row in judgement.days:
            if record.is_held_back and uplink.channel != MANUAL_CHANNEL:  # the terminal is, not the person
                row.quality, row.clean_total = [flags | Slot.SUSPECT for flags in row.quality], None
            if row.day in DAYS:  # a clock at 1970 west of Greenwich: the register is kept, the day has no name
                effects.days.append(PendingDay(record, row, version, received_at, made_s, cause))
        if judgement.registers:
            gather.registers(record, judgement.registers, version, received_us)
        if judgement.findings:
            for finding in judgement.findings:
                name = finding.rule.name.lower()
                effects.counters[name] += 1
                if finding.rule is Rule.IMPOSSIBLE_BACK and record.imei is not None:
                    note = AccessNote(record.imei, detail=f"{finding.value}, expected {finding.expected}")
                    effects.access.append(
                        AccessEntry(
                            record.tenant_id, record.meter_id, FindingKind.REGISTER_BACK.value, received_us, note
                        )
                    )
        if judgement.findings or record.runs:
            exceptions.enter(record, judgement, self._zones[record.tenant_id], effects)


class Batch:
    """The uplinks of one transaction, taken part by part, so that whoever waits for this thread has a turn in between."""

    def __init__(self, processor: Processor, records: Mapping[int, MeterRecord]) -> None:
        self._processor = processor
        self._records = records
        self._effects = Effects()
        self._gather = Gatherer(self._effects)

    def add(self, uplinks: Sequence[Uplink]) -> None:
        """The next ones, in their order; the records are advanced in place."""
        self._processor.handle(uplinks, self._records, self._effects, self._gather)

    def finish(self) -> Effects:
        """Of all that was taken."""
        self._gather.finish()
        return self._effects


def _edge_reports(uplinks: Sequence[Uplink], effects: Effects, gather: Gatherer) -> Sequence[Uplink]:
    """Take out what edges report of terminals and what links sent and saw of it; returns what meters said, in order."""
    if all(uplink.channel not in EDGE_CHANNELS for uplink in uplinks):
        return uplinks
    rest = []
    for uplink in uplinks:
        if uplink.channel == ACCESS_CHANNEL:
            try:
                effects.access.append(entry_of(uplink))
            except ValueError as error:
                effects.dead_letters.append(DeadLetter(uplink, "access_report", 0, str(error)))
        elif uplink.channel == LINK_CHANNEL:
            try:
                for frame in sent_frames(uplink):
                    gather.sent(frame)
            except msgspec.MsgspecError:
                effects.counters["link_nonsense"] += 1
            if uplink.path == SENT_PATH:
                continue
            word = delivery_report(uplink)
            name = "link" if word else "link_nonsense"
            effects.counters[name] += 1
            if word:
                effects.responses.append(word)
        else:
            rest.append(uplink)
    return rest
