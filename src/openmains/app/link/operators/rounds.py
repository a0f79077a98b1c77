# SPDX-License-Identifier: Apache-2.0
"""What is done at operators' platforms by itself: devices of our registry are made known there, and after a silence they are asked for what
may have been missed.

A gap is noticed in two places: a platform pushes again after ten minutes without a word, or no edge worked for that long. Then each of its
devices
is asked, from the gap's beginning on; what comes is put into the spool as if it had been pushed, where what is there already is not put again.
"""

from collections import Counter
from dataclasses import dataclass, field

from openmains.app.link.operators.hear_push import SILENCE_US, spooled
from openmains.app.link.operators.ports import (
    Codecs,
    MissingDevice,
    NamedDevice,
    OperatorWork,
    PlatformCall,
    WorkedPlatform,
)
from openmains.app.link.ports import Clock
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import MeterId
from openmains.wire.operators.model import Declined, Device

AGAIN_US = 3_600 * 1_000_000
BUSY_US = 60 * 1_000_000
OVERLAP_US = 300 * 1_000_000
LONGEST_US = 30 * 86_400 * 1_000_000
DEVICES = 20  # a turn
MOST_PARTS = 50


@dataclass(slots=True)
class OperatorRounds:
    """One for an edge."""

    work: OperatorWork
    codecs: Codecs
    call: PlatformCall
    clock: Clock
    walked: MeterId = field(default=MeterId(0))
    counters: Counter[str] = field(default_factory=Counter)

    async def make_known(self) -> None:
        """A few meters that their platform does not know: of the newest, and of all in turn."""
        found = await self.work.missing(self.codecs.ids(), self.walked, self.clock.unix_us(), DEVICES)
        if len(found) < DEVICES:
            self.walked = await self.work.walked_to(self.walked)
        for device in found:
            codec = self.codecs.of(device.platform_id)
            if codec is None:
                continue
            imei, now_ms = imei_text(device.imei), self.clock.unix_us() // 1000
            answer = await self.call(codec.creation(imei, device.number, now_ms))
            made = Declined("no reply", is_final=False) if answer is None else codec.read_created(imei, answer)
            if isinstance(made, Declined):  # perhaps it is there: from before, or by a request whose reply was lost
                told = await self.call(codec.search(imei, self.clock.unix_us() // 1000))
                there = None if told is None else codec.read_found(imei, told)
                made = there if isinstance(there, Device) else made
            await self._note(device, made)

    async def _note(self, device: MissingDevice, made: Device | Declined) -> None:
        if isinstance(made, Device):
            self.counters["operators.device_made"] += 1
            learnt = NamedDevice(device.meter_id, device.tenant_id, device.platform_id, device.imei, made.device_id)
            await self.work.learn([learnt])
            return
        self.counters["operators.device_refused"] += 1
        wait_us = AGAIN_US if made.is_final else BUSY_US
        await self.work.device_failed(device, made.code, self.clock.unix_us() + wait_us)

    async def fill_gaps(self, platforms: list[WorkedPlatform]) -> None:
        """A few devices of each platform that has a gap."""
        await self.work.note_alive(self.clock.unix_us(), SILENCE_US)
        for platform in platforms:
            if platform.gap_us is not None:
                await self._fill(platform, platform.gap_us)

    async def _fill(self, platform: WorkedPlatform, gap_us: int) -> None:
        codec, now_us = self.codecs.of(platform.platform_id), self.clock.unix_us()
        devices = (
            [] if codec is None else await self.work.gap_devices(platform.platform_id, platform.gap_meter, DEVICES)
        )
        if codec is None or not devices:
            await self.work.gap_filled(platform, now_us)
            self.counters["operators.gaps_filled"] += 1
            return
        since_us = max(gap_us - OVERLAP_US, now_us - LONGEST_US)
        for way in devices:
            device, part = Device(imei_text(way.imei), way.device_id), ""
            for _ in range(MOST_PARTS):
                asked = codec.history(device, since_us // 1000, now_us // 1000, part, self.clock.unix_us() // 1000)
                answer = await self.call(asked)
                told = Declined("no reply", is_final=False) if answer is None else codec.read_history(device, answer)
                if isinstance(told, Declined):
                    self.counters["operators.gap_unanswered"] += 1
                    if not told.is_final:
                        return  # the platform is away or busy: the same device again at the next turn
                    break
                if told.messages:
                    rows = [spooled(each) for each in told.messages]
                    put = await self.work.spool(platform.tenant_id, platform.platform_id, rows, self.clock.unix_us())
                    self.counters["operators.gap_found"] += put
                part = told.following
                if not part:
                    break
            await self.work.gap_asked(platform, MeterId(way.meter_id))
