# SPDX-License-Identifier: Apache-2.0
"""Meters that carry given registers: a CSV becomes register-log messages over real sockets.

The file is the truth: every row is sent once, exactly as it stands, in the file's order per meter; nothing is sorted,
repaired or left out. One message of a meter is in flight at a time, so its order survives loss and retransmission; many
meters go in parallel. Progress is kept in a state file: a run that was broken off goes on behind the last acknowledged
message.

Wall-clock times become instants by a zone. In the hour that comes twice when summer time ends the first pass is meant,
until a meter's times run back inside that hour: from there on the second pass is meant (PEP 495 ``fold``).
"""

import asyncio
import gzip
import io
import json
import random
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from openmains.domain import csv_rows
from openmains.domain.csv_rows import Broken, Line, Rows
from openmains.domain.fleet.identifiers import imei_text
from openmains.emulator.device.endpoint import PERFECT, Endpoint, Network, Outcome
from openmains.wire.coap.message import Code, code_class, code_text
from openmains.wire.coap.reliability import RFC7252, Timing

MAX_PAYLOAD = 512  # R1.4
RETRY_MOST_S = 5.0  # longest pause between attempts; all of them together outlast the platform's minute for a meter


class ReplayError(Exception):
    """A file, line or mapping that cannot be used; the text says which."""


class LogFrames(Protocol):
    """Builds register-log messages (a driver's)."""

    def log(
        self, number: int, frame_seq: int, device_at: int, instants: Sequence[int], registers: Sequence[int]
    ) -> bytes:
        """Payload with these registers (driver's unit) at these instants (s UTC)."""
        ...


@dataclass(slots=True)
class Series:
    """What one meter carries, in the file's order."""

    meter: str
    instants: "array[int]" = field(default_factory=lambda: array("q"))
    registers: "array[int]" = field(default_factory=lambda: array("q"))


class WallClock:
    """Local times of one meter, in order → instants. ``same_is_second``: an equal time in the double hour is the second
    pass too (default: it is a repeated reading of the first pass)."""

    def __init__(self, zone: ZoneInfo, *, same_is_second: bool = False) -> None:
        self._zone, self._same_is_second = zone, same_is_second
        self._last_text, self._second_pass = "", False  # of the double hour only

    def instant(self, text: str) -> int:
        """``YYYY-MM-DD HH:MM:SS`` → s UTC; raises ``ValueError``."""
        naive = datetime.fromisoformat(text)
        if naive.tzinfo is not None:
            return int(naive.timestamp())
        first, second = _offsets(self._zone, naive.replace(minute=0, second=0, microsecond=0), naive.minute // 15)
        utc = naive.replace(tzinfo=UTC)
        if first <= second:  # not a double time (in a gap ``first`` is the smaller one: PEP 495)
            self._second_pass, self._last_text = False, ""
            return int((utc - timedelta(seconds=first)).timestamp())
        if self._last_text and (text < self._last_text or (self._same_is_second and text == self._last_text)):
            self._second_pass = True
        self._last_text = text
        return int((utc - timedelta(seconds=second if self._second_pass else first)).timestamp())


@lru_cache(maxsize=100_000)
def _offsets(zone: ZoneInfo, hour: datetime, quarter: int) -> tuple[int, int]:
    """UTC offsets (s) of a local quarter hour with fold 0 and 1; zone changes fall on quarter hours."""
    local = hour + timedelta(minutes=15 * quarter)
    offsets = []
    for fold in (0, 1):
        offset = local.replace(tzinfo=zone, fold=fold).utcoffset()
        offsets.append(0 if offset is None else int(offset.total_seconds()))
    return offsets[0], offsets[1]


def whole(text: str) -> int:
    """Integer of a register's text: ``400000``, ``4e+05``; raises ``ValueError`` for a fraction or anything else."""
    if text.isdigit():
        return int(text)
    try:
        value = Decimal(text)
        if value != value.to_integral_value():
            raise ValueError(f"not a whole number: {text!r}")
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None
    return int(value)


@contextmanager
def _open_text(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as packed:
            yield packed
    else:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as plain:
            yield plain


def read_series(path: Path, zone: str, *, same_is_second: bool = False) -> list[Series]:
    """All meters of a CSV ``meter, local_time, register`` (header, CRLF or LF, gz or plain), in order of appearance.

    Raises ``ReplayError`` with the line number.
    """
    info = ZoneInfo(zone)
    found: dict[str, tuple[Series, WallClock]] = {}
    with _open_text(path) as text:
        rows = iter(Rows((Line(line.rstrip("\r\n"), "\ufffd" not in line) for line in text), ","))
        header = next(rows, None)
        if header is None or isinstance(header, Broken) or len(header[1]) < 3:
            raise ReplayError(f"{path}:1: expected a header of three columns: meter, local_time, register")
        for found_row in rows:
            if isinstance(found_row, Broken):
                raise ReplayError(f"{path}:{found_row.line}: {csv_rows.REASONS[found_row.reason][1]}")
            line, row = found_row
            try:
                meter, local, register = row[0], row[1], row[2]
                series, clock = found.get(meter) or found.setdefault(
                    meter, (Series(meter), WallClock(info, same_is_second=same_is_second))
                )
                series.registers.append(whole(register))
                series.instants.append(clock.instant(local))
            except (IndexError, ValueError, OverflowError) as error:
                raise ReplayError(f"{path}:{line}: {error}") from None
    return [series for series, _ in found.values()]


def map_imeis(meters: Iterable[str], pairs: Sequence[str], base: int | None) -> dict[str, str]:
    """IMEI of each meter: from ``meter=IMEI`` pairs, the others ``base``, ``base`` + 1, … in order of appearance."""
    given = {}
    for pair in pairs:
        meter, equals, imei = pair.partition("=")
        if not equals or not imei.isdigit() or len(imei) != 15:
            raise ReplayError(f"expected METER=IMEI with 15 digits, got {pair!r}")
        given[meter] = imei
    result = {}
    for place, meter in enumerate(meters):
        if meter in given:
            result[meter] = given[meter]
        elif base is not None:
            result[meter] = imei_text(base + place)
        else:
            raise ReplayError(f"no IMEI for meter {meter}: name it with --map or give --imei-base")
    if len(set(result.values())) != len(result):
        raise ReplayError("two meters have the same IMEI")
    return result


@dataclass(slots=True)
class ReplaySummary:
    """What went out. ``registers`` and ``messages`` count acknowledged ones only."""

    meters: int = 0
    registers: int = 0
    registers_before: int = 0  # acknowledged in earlier runs
    messages: int = 0
    attempts: int = 0
    failed_meters: dict[str, str] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def json(self) -> dict[str, object]:
        return {**asdict(self), "codes": dict(self.codes), "seconds": round(self.seconds, 3)}


class State:
    """How many registers of each meter are acknowledged; a small JSON file, replaced whole."""

    def __init__(self, path: Path | None, source: str) -> None:
        self._path, self._source = path, source
        self.done: dict[str, int] = {}
        self.sequence: dict[str, int] = {}
        self.clock: dict[str, int] = {}  # of the message under way: sent again it must be the same bytes
        if path is not None and path.exists():
            saved = json.loads(path.read_text())
            if saved.get("source") != source:
                raise ReplayError(f"{path} belongs to {saved.get('source')}, not to {source}")
            self.done, self.sequence, self.clock = saved["done"], saved["sequence"], saved["clock"]

    def save(self) -> None:
        """Write, if there is a path."""
        if self._path is None:
            return
        text = json.dumps({"source": self._source, "done": self.done, "sequence": self.sequence, "clock": self.clock})
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self._path)


async def replay(
    series: Sequence[Series],
    imeis: dict[str, str],
    target: tuple[str, int],
    frames: LogFrames,
    state: State,
    *,
    batch: int = 24,
    sockets: int = 4,
    retries: int = 20,
    retry_s: float = 1.0,
    timing: Timing = RFC7252,
    network: Network = PERFECT,
    seed: int = 1,
    clock: Callable[[], float] = time.time,
    progress: Callable[[ReplaySummary], None] | None = None,
) -> ReplaySummary:
    """Send everything that ``state`` does not know as acknowledged. A refused message (4.xx) ends its meter only.

    The meters' clocks are right (``clock``, s UTC): a log of old registers is late data, not a clock that is behind.
    """
    rng = random.Random(seed)  # noqa: S311 - retransmission jitter
    loop = asyncio.get_running_loop()
    summary = ReplaySummary(meters=len(series), registers_before=sum(state.done.values()))
    endpoints = [await Endpoint.connect(target, rng, timing, network) for _ in range(sockets)]
    begin = loop.time()

    async def one(place: int, carried: Series) -> None:
        endpoint, imei, meter = endpoints[place % sockets], imeis[carried.meter], carried.meter
        at = state.done.get(meter, 0)
        sequence = state.sequence.get(meter, 0)
        while at < len(carried.registers):
            until = min(at + batch, len(carried.registers))
            instants, registers = carried.instants[at:until], carried.registers[at:until]
            sent_at = state.clock.setdefault(meter, int(clock()))
            # number 0, 'not set': the file knows its meters by other names, and a foreign number would be held (docs/readings.md)
            payload = frames.log(0, sequence & 0xFFFF, sent_at, instants, registers)
            if len(payload) > MAX_PAYLOAD:
                raise ReplayError(f"a message of {until - at} registers has {len(payload)} B; at most {MAX_PAYLOAD}")
            outcome = await _deliver(endpoint, imei, payload, summary, retries, retry_s)
            if not outcome.ok:
                summary.failed_meters[meter] = code_text(outcome.code) if outcome.code else outcome.reason
                return
            summary.messages += 1
            summary.registers += until - at
            at, sequence = until, sequence + 1
            state.done[meter], state.sequence[meter] = at, sequence
            del state.clock[meter]

    async def report() -> None:
        while True:
            await asyncio.sleep(1)
            summary.seconds = loop.time() - begin
            state.save()
            if progress is not None:
                progress(summary)

    reporter = asyncio.create_task(report())
    try:
        async with asyncio.TaskGroup() as group:
            for place, carried in enumerate(series):
                group.create_task(one(place, carried))
    except* (ReplayError, ValueError, OSError) as errors:
        raise errors.exceptions[0] from None
    finally:
        reporter.cancel()
        for endpoint in endpoints:
            endpoint.close()
        state.save()
    summary.seconds = loop.time() - begin
    return summary


async def _deliver(
    endpoint: Endpoint, imei: str, payload: bytes, summary: ReplaySummary, retries: int, retry_s: float
) -> Outcome:
    """One message until it is acknowledged or refused for good; 4.29 and 5.xx and silence are tried again."""
    outcome = Outcome(0, b"", 0.0, "not sent")
    for attempt in range(retries + 1):
        if attempt:
            await asyncio.sleep(min(retry_s * attempt, RETRY_MOST_S))
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        endpoint.post(imei, payload, waiting.set_result)
        outcome = await waiting
        summary.attempts += 1
        summary.codes[code_text(outcome.code) if outcome.code else outcome.reason] += 1
        if outcome.ok or (code_class(outcome.code) == 4 and outcome.code != Code.TOO_MANY_REQUESTS):
            break
    return outcome
