# SPDX-License-Identifier: Apache-2.0
"""Many meters as real CoAP clients: the radio between ``meter.py`` and the platform's socket.

The meters live by a virtual clock that runs ``speed`` times as fast as the real one; the CoAP exchanges run in
real time. At speed 1 with a demo cadence, every meter reports what it has measured up to the real present about once a
minute. One task walks a heap of timers; the sockets' callbacks do the rest. Ten thousand meters fit in one process.
"""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush

import numpy as np

from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.period import DAY_S
from openmains.emulator.device.endpoint import REQUESTS_PER_S, Endpoint, Outcome
from openmains.emulator.device.secure_device import ClockAccess, ReportTransport, SecureDevice
from openmains.emulator.device.secure_net import SecureNet
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.fleet_model import Commanded, Faults, FleetSummary, MeterSpec, Radio, Secure, VirtualClock
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.causes import Happening, planned
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.memory import KeptStore, Remembered
from openmains.emulator.meter.meter import HISTORY_DAYS, Action, Attach, Meter, Send, Supply
from openmains.emulator.meter.piping import Piping
from openmains.emulator.meter.spreading import Period
from openmains.emulator.meter.states import State
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position, Valve
from openmains.wire.coap.message import code_text

_UNKNOWN_IMEI = 990_000_000_000_000  # test devices' type allocation code: registered nowhere
_TURN_S = 0.005  # longest run of timers before the sockets get their turn
_PAUSE_S = 0.25  # longest sleep of the timer task, so that a stop is prompt
_LATENCIES = 100_000  # newest acknowledgement times kept for the percentiles


def supply(town: Consumption, number: int, medium: Medium) -> Supply:
    """The town's consumption as one meter's supply."""

    def registers(instants_s: Sequence[int]) -> list[int]:
        if len(instants_s) <= 4:
            return [town.register_at(number, medium, instant) for instant in instants_s]
        row = town.grid(np.array([number]), np.array([int(medium)]), np.asarray(instants_s, dtype=np.int64))
        return [int(value) for value in row[0]]

    return registers


class Fleet:
    """Runs meters against ``target`` until told to stop.

    ``start`` is the virtual instant (s UTC) of the beginning, ``speed`` virtual seconds a real one. ``attach_spread_s``:
    first attaches are spread over so many virtual seconds; None: by the profile's scheme (R1.8). ``secure``: DTLS and LwM2M
    instead of plain CoAP.
    """

    def __init__(
        self,
        specs: Sequence[MeterSpec],
        target: tuple[str, int],
        *,
        start: int,
        speed: float = 1.0,
        town: Consumption | None = None,
        faults: Faults | None = None,
        radio: Radio | None = None,
        attach_spread_s: int | None = None,
        seed: int = 1,
        secure: Secure | None = None,
        commanded: Commanded | None = None,
    ) -> None:
        radio, commanded = radio or Radio(), commanded or Commanded()
        self._specs, self._target, self._start, self._speed = specs, target, start, speed
        self._faults, self._radio, self._rate, self._seed = faults or Faults(), radio, radio.rate, seed
        self._rng = random.Random(seed)  # noqa: S311 - faults and jitter, reproducible
        self._town = town = town or Consumption()
        self._numbers = np.array([spec.number for spec in specs], dtype=np.int64)
        self._media = np.array([int(spec.medium) for spec in specs], dtype=np.int64)
        self._warm_until = 0
        drift = self._faults.drift_ppm
        self._commanded = commanded
        self.meters = [
            self._meter(spec, commanded.keys.get(spec.imei), self._rng.randint(-drift, drift)) for spec in specs
        ]
        unknown = self._faults.unknown
        self._imeis = [
            imei_text(_UNKNOWN_IMEI + place) if unknown and self._rng.random() < unknown else spec.imei
            for place, spec in enumerate(specs)
        ]
        self._socket_count = radio.sockets or min(max(1, len(specs) // 250, int(radio.rate / REQUESTS_PER_S) + 1), 64)
        if (
            secure is not None and not radio.sockets
        ):  # handshakes go one at a time behind one address, and addresses change
            self._socket_count = max(self._socket_count, min(8, len(specs)))
        self._attach_spread_s = attach_spread_s
        self._secure = secure
        self._net: SecureNet | None = None
        self._endpoints: list[Endpoint] = []
        self._heap: list[tuple[float, int, int]] = []  # (virtual instant, place of the meter, what)
        self._queue: deque[tuple[int, Send]] = deque()  # waiting for their turn under ``rate``
        self._changes: dict[int, int] = {}  # of valves and pipes, as far as ``memory`` knows
        self._awaited: set[int] = set()  # meters that somebody is on the way to
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._summary = FleetSummary(meters=len(specs))
        self._stop = asyncio.Event()

    def _meter(self, spec: MeterSpec, key: bytes | None, drift_ppm: int) -> Meter | Terminal:
        water = supply(self._town, spec.number, spec.medium)
        body = self._body(spec)
        if key is None or not isinstance(spec.frames, DriverFrames):
            return Meter(spec.number, spec.profile, water, spec.frames, drift_ppm=drift_ppm, body=body)
        if self._commanded.memory is None:
            store = Store(spec.held)
            return Terminal(
                spec.number, spec.profile, water, spec.frames, key=key, store=store, drift_ppm=drift_ppm, body=body
            )
        known = self._commanded.memory.recall(spec.number) or Remembered(spec.held or Held(), Position.OPEN, ())
        piping = Piping(water, known.cuts, known.flows)
        piping.end_all(self._start)
        return Terminal(
            spec.number,
            spec.profile,
            piping,
            spec.frames,
            key=key,
            store=KeptStore(self._commanded.memory, spec.number, known.held),
            valve=Valve(position=known.valve),
            drift_ppm=drift_ppm,
            body=body,
        )

    def _body(self, spec: MeterSpec) -> Body:
        """With causes of its own, if the fleet is to have any: the same for the same seed, meter and start."""
        causes: Iterable[Happening] = ()
        if self._faults.alarms_per_day:
            chance = random.Random(f"{self._seed}:{spec.number}:{self._start}")  # noqa: S311 - reproducible on purpose
            causes = planned(chance, spec.medium, self._start, self._faults.alarms_per_day, pace=self._faults.pace)
        return Body(
            spec.medium,
            spec.number,
            causes=causes,
            used_permille=spec.used_permille,
            place=spec.place,
            energy_share_ppm=spec.energy_share_ppm,
        )

    def stop(self) -> None:
        """End ``run`` soon."""
        self._stop.set()

    async def run(
        self, seconds: float | None = None, progress: Callable[[FleetSummary], None] | None = None
    ) -> FleetSummary:
        """Run for ``seconds`` real ones (None: until ``stop``); ``progress`` is called once a second."""
        loop = asyncio.get_running_loop()
        self._begin = loop.time()
        self._clock = VirtualClock(self._start, self._speed, loop.time)
        if self._secure is not None:
            self._net = await self._open_net(self._secure)
        for _ in range(0 if self._net else self._socket_count):
            self._endpoints.append(
                await Endpoint.connect(self._target, self._rng, self._radio.timing, self._radio.network)
            )
        end = None if seconds is None else self._begin + seconds
        tasks = [asyncio.create_task(self._pace())] if self._rate else []
        next_line = self._begin + 1
        try:
            self._switch_on()
            while not self._stop.is_set() and (end is None or loop.time() < end):
                self._timers()
                if loop.time() >= next_line:
                    next_line = loop.time() + 1
                    if progress is not None:
                        progress(self.summary())
                wait = min(_PAUSE_S, self._clock.real_wait(self._heap[0][0])) if self._heap else _PAUSE_S
                await asyncio.sleep(max(wait, 0.001))
        finally:
            for task in tasks:
                task.cancel()
            summary = self.summary()
            for endpoint in self._endpoints:
                endpoint.close()
            if self._net is not None:
                self._net.close()
        return summary

    async def _open_net(self, secure: Secure) -> SecureNet:
        """Sockets for meters with sessions. ``unknown`` meters have a key that nobody knows."""
        clock = ClockAccess(self._shown_time, self._set_time)
        ways = [secure.transports.get(imei, secure.transport) for imei in self._imeis]
        devices = [
            SecureDevice(
                place, imei, secure.psks.get(imei) or self._rng.randbytes(16), imsi=secure.imsis.get(imei, ""),
                way=ways[place], random=secrets.token_bytes, timing=self._radio.timing, down=self._down,
                offer=secure.offer, clock=clock if ways[place] is ReportTransport.SEND else None,
            )
            for place, imei in enumerate(self._imeis)
        ]  # fmt: skip
        net = SecureNet(
            devices,
            rng=self._rng,
            network=self._radio.network,
            address_changes=secure.address_changes,
            listens=self._listens,
        )
        await net.open(self._target, self._socket_count)
        return net

    def _listens(self, place: int) -> bool:
        """R1.9: while something is under way, and in the window after a report."""
        return self._inner(place).state in (State.SENDING, State.WINDOW)

    def _inner(self, place: int) -> Meter:
        meter = self.meters[place]
        return meter.meter if isinstance(meter, Terminal) else meter

    def _down(self, place: int, frame: bytes) -> None:
        """The platform wrote a frame: a command, or the time."""
        meter = self.meters[place]
        if isinstance(meter, Terminal):
            self._summary.commands += 1
            now = self._clock.now()
            self._do(place, meter.on_command(frame, int(now)))
            if self._commanded.press_after_s and meter.store.held.permitted_until:
                heappush(self._heap, (now + self._commanded.press_after_s, place, _PRESS))

    def _shown_time(self, place: int) -> int:
        return self._inner(place).device_at(int(self._clock.now()))

    def _set_time(self, place: int, time_s: int) -> None:
        """The platform wrote its time, of which virtual time is ahead."""
        now = int(self._clock.now())
        self._inner(place).on_time(time_s + now - int(time.time()), now)
        self._do(place, [])  # its next report may be due at another instant now

    def summary(self) -> FleetSummary:
        """Counts so far."""
        found = self._summary
        found.seconds = asyncio.get_running_loop().time() - self._begin
        found.retransmitted = sum(endpoint.counters.get("retransmission", 0) for endpoint in self._endpoints)
        if self._net is not None:
            found.handshakes, found.moved = self._net.counters["handshakes"], self._net.counters["moved"]
        found.virtual_now = int(self._clock.now())
        if self._latencies:
            found.p50_ack_ms, found.p99_ack_ms = (
                float(value) * 1000 for value in np.percentile(np.array(self._latencies), [50, 99])
            )
        return found

    # -- timers ----------------------------------------------------------------------------------------------------

    def _warm(self, now: int) -> None:
        """What all meters need of a day, in one go: a thousand meters cost as much as ten one by one."""
        self._town.warm(self._numbers, self._media, now)
        self._warm_until = (now + self._town.utc_offset_s) // DAY_S * DAY_S + DAY_S - self._town.utc_offset_s

    def _preload(self, now: int) -> None:
        """The logs of the days before, likewise; left to the meters where their clocks or modes differ."""
        profiles = {id(spec.profile): spec.profile for spec in self._specs}
        for profile in profiles.values():
            if profile.period not in (Period.DAY, Period.EVERY):
                continue
            newest = now // profile.freeze_s * profile.freeze_s
            marks = np.arange(newest - (HISTORY_DAYS + 2) * DAY_S, newest + 1, profile.freeze_s)
            chosen = [
                place
                for place, spec in enumerate(self._specs)
                if spec.profile is profile and not self._was_shut(self.meters[place])
            ]
            for start in range(0, len(chosen), 200):
                some = chosen[start : start + 200]
                rows = self._town.grid(self._numbers[some], self._media[some], marks)
                for place, row in zip(some, rows.tolist(), strict=True):
                    self.meters[place].preload(newest, row)

    @staticmethod
    def _was_shut(meter: Meter | Terminal) -> bool:
        """Or something flowed beside: then its register is not the town's, and it fills its log itself."""
        return isinstance(meter, Terminal) and bool(meter.cuts or meter.flows)

    def _switch_on(self) -> None:
        self._preload(int(self._clock.now()))
        self._clock = VirtualClock(self._start, self._speed, asyncio.get_running_loop().time)
        now = int(self._clock.now())
        spread = self._attach_spread_s
        for place, meter in enumerate(self.meters):
            after = None if spread is None else place * spread // len(self.meters)
            self._do(place, meter.switch_on(now, attach_after_s=after))

    def _timers(self) -> None:
        now = self._clock.now()
        if now >= self._warm_until:
            self._warm(int(now))
        loop = asyncio.get_running_loop()
        turn_ends = loop.time() + _TURN_S
        while self._heap and self._heap[0][0] <= now and loop.time() < turn_ends:
            at, place, what = heappop(self._heap)
            if what == _PRESS:
                self._press(place, int(now))
            elif self.meters[place].next_timer() == at:
                self._do(place, self.meters[place].handle(int(now)))

    def _do(self, place: int, actions: list[Action]) -> None:
        """Carry out a meter's actions, and those that follow at once, then put its next timer on the heap."""
        meter = self.meters[place]
        if isinstance(meter, Terminal):
            self._keep(place, meter)
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                failed = self._faults.attach_failures
                ok = not (failed and self._rng.random() < failed)
                todo.extend(meter.on_attach(ok, int(self._clock.now())))
            elif isinstance(action, Send):
                if self._rate:
                    self._queue.append((place, action))
                else:
                    self._send(place, action)
        due = meter.next_timer()
        if due is not None:
            heappush(self._heap, (due, place, _TIMER))

    def _keep(self, place: int, meter: Terminal) -> None:
        """What ``memory`` does not know yet; and somebody comes to a meter that can only be reset on the spot."""
        if self._commanded.memory is not None and meter.changes != self._changes.get(place, 0):
            self._changes[place] = meter.changes
            position = meter.valve.stands if meter.valve.position == Position.FAULT else meter.valve.position
            self._commanded.memory.keep_valve(meter.number, position, meter.cuts, meter.flows)
        if (
            meter.store.held.shut_by
            and self._commanded.press_after_s
            and place not in self._awaited
            and meter.wants_press
        ):
            self._awaited.add(place)
            heappush(self._heap, (self._clock.now() + self._commanded.press_after_s, place, _PRESS))

    async def _pace(self) -> None:
        """Send what is queued, at most ``rate`` a second."""
        credit, last = 0.0, asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(0.005)
            now = asyncio.get_running_loop().time()
            credit = min(credit + (now - last) * self._rate, max(1.0, self._rate * 0.05))
            last = now
            while self._queue and credit >= 1:
                self._send(*self._queue.popleft())
                credit -= 1

    # -- messages --------------------------------------------------------------------------------------------------

    def _send(self, place: int, send: Send) -> None:
        payload, faults = send.payload, self._faults
        if faults.wrong_crc and self._rng.random() < faults.wrong_crc:
            broken = bytearray(payload)
            broken[self._rng.randrange(len(broken))] ^= 1 << self._rng.randrange(8)
            payload = bytes(broken)
        self._summary.sent += 1
        self._summary.kinds[send.kind] += 1
        if faults.busy and self._rng.random() < faults.busy:
            self._summary.failed["513"] += 1
            self._do(place, self.meters[place].on_failure(send.message, int(self._clock.now()), busy=True))
            return
        if self._net is not None:
            self._net.report(place, payload, lambda outcome: self._done(place, send, outcome))
            return
        endpoint = self._endpoints[place % len(self._endpoints)]
        endpoint.post(self._imeis[place], payload, lambda outcome: self._done(place, send, outcome))

    def _done(self, place: int, send: Send, outcome: Outcome) -> None:
        meter = self.meters[place]
        now = int(self._clock.now())
        if outcome.ok:
            self._summary.acknowledged += 1
            self._latencies.append(outcome.seconds)
            actions = meter.on_answer(send.message, outcome.payload, now, ahead_s=now - int(time.time()))
            resets = self._faults.register_resets
            if send.kind == "report" and resets and self._rng.random() < resets:
                meter.reset_register(now)
        else:
            self._summary.failed[code_text(outcome.code) if outcome.code else outcome.reason] += 1
            actions = meter.on_failure(send.message, now)
        self._do(place, actions)

    # -- events ----------------------------------------------------------------------------------------------------

    def _press(self, place: int, now: int) -> None:
        """Somebody at the meter presses its button."""
        self._awaited.discard(place)
        meter = self.meters[place]
        if isinstance(meter, Terminal):
            self._do(place, meter.press(now))


_TIMER, _PRESS = 0, 1
