# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg through an operator's platform: from ``downlink.<node>`` into its cache, and what became of them back into the
stream, by the same words as any link's.

    asked, saved, sent     nothing is said: the command is ``sent``
    delivered, done        the module has it: ``delivered``
    failed, expired,       it has not, as far as the platform knows: ``lost``; sent again while its kind allows. Said after ``expired`` that it
    cancelled              arrived all the same, it is ``delivered``
    the meter's answer     an uplink like any other: the only thing that is *done* or *declined*

A command lies at a platform once at a time (``operator_command``); what the platform does not say in time it is asked. When the command
itself has
ended – its time is over, its meter has answered – what still lies there is called back. A request without a reply may have arrived all the
same: it is ``lost``, and a meter that hears a frame twice acts once, for the frame carries its serial. So only frames of that kind go this way.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from openmains.app.command.downlink import NO_MODULE, DownFrame
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT
from openmains.app.fleet.identities import Identity
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.operators.ports import Codecs, DeviceAddress, OperatorWork, PlatformCall, Spooled, Try
from openmains.app.link.operators.receiver import CHANNEL
from openmains.app.link.ports import Clock
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import ProductId, TenantId
from openmains.drivers.catalog import Driver
from openmains.wire.errors import WireError
from openmains.wire.operators.model import ENDED, REACHED, CommandState, Declined, Device, OperatorCodec

REMEMBERED = 10_000
LONGEST_S = 86_400  # of a frame that says nothing of its validity
SHORTEST_S = 3_600  # a frame whose validity is over asks the meter; the platform keeps it so long
ASK_AFTER_US = 120 * 1_000_000
MOST_ASK_US = 3_600 * 1_000_000
PATIENCE_US = 60 * 1_000_000  # a command may be told about before we heard its name
AT_ONCE = 8
MOST_ASKS = 300  # twelve days


class OperatorCommands:
    """One for an edge. ``driver_of``: of a product; ``left(push)``: a push that is to be taken again later."""

    def __init__(
        self,
        *,
        work: OperatorWork,
        codecs: Codecs,
        call: PlatformCall,
        clock: Clock,
        words: LinkReports,
        stopped: Callable[[TenantId], bool],
        driver_of: Callable[[ProductId], Driver | None],
        left: Callable[[int], None] = lambda push_id: None,
    ) -> None:
        self._work, self._codecs, self._call, self._clock = work, codecs, call, clock
        self._words, self._stopped, self._driver_of = words, stopped, driver_of
        self.left = left
        self._frames: asyncio.Queue[DownFrame] = asyncio.Queue()
        self._sent: dict[int, DownFrame] = {}  # by try: so that the frame log has its bytes
        self.counters: Counter[str] = Counter()

    def handle(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher; those of meters with another way are left alone."""
        for frame in frames:
            if frame.imei != NO_MODULE and not frame.concentrator:
                self._frames.put_nowait(frame)

    async def turn(self) -> None:
        """Give what came to the platforms."""
        frames: list[DownFrame] = []
        while not self._frames.empty() and len(frames) < 500:
            frames.append(self._frames.get_nowait())
        if not frames:
            return
        ways = {way.meter_id: way for way in await self._work.addresses([frame.meter_id for frame in frames])}
        await _gathered([self._give(frame, ways[frame.meter_id]) for frame in frames if frame.meter_id in ways])

    async def _give(self, frame: DownFrame, way: DeviceAddress) -> None:
        codec, driver = self._codecs.of(way.platform_id), self._driver_of(frame.product_id)
        if driver is not None and driver.is_asked:
            self._tell("declined", frame, way, None, NOT_SENT, "not_by_this_driver")
            return
        if codec is None or self._stopped(frame.tenant_id):
            self.counters["operators.command_off" if codec is None else "operators.command_stopped"] += 1
            self._tell("lost", frame, way, None, NOT_SENT)
            return
        now_us = self._clock.unix_us()
        left_s = frame.not_after - now_us // 1_000_000 if frame.not_after else LONGEST_S
        device = Device(imei_text(way.imei), way.device_id)
        try:
            request = codec.command(device, frame.frame, max(left_s, SHORTEST_S), now_us // 1000)
        except WireError:
            self._tell("declined", frame, way, None, NOT_SENT, "unreadable")
            return
        try_id = await self._work.begin(
            frame.tenant_id, frame.command_id, frame.product_id, way, now_us, now_us + ASK_AFTER_US
        )
        if try_id is None:
            self.counters["operators.command_repeated"] += 1
            return
        answer = await self._call(request)
        item = Declined("no reply", is_final=False) if answer is None else codec.read_command(answer)
        if isinstance(item, Declined):
            self.counters["operators.command_refused"] += 1
            await self._work.moved(try_id, CommandState.FAILED, self._clock.unix_us(), None)
            self._tell("lost", frame, way, now_us if answer is None else None, LOST if answer is None else NOT_SENT)
            return
        self._sent[try_id] = frame
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        await self._work.taken(try_id, item, self._clock.unix_us())
        self.counters["operators.command_sent"] += 1

    async def told(self, rows: Sequence[Spooled], done: Callable[[int], None]) -> None:
        """``CommandWords``: pushes about commands."""
        tries = {
            (one.platform_id, one.item): one
            for one in await self._work.tries_of([(r.platform_id, r.item) for r in rows])
        }
        for row in rows:
            found = tries.get((row.platform_id, row.item))
            if found is None and self._clock.unix_us() - row.received_us < PATIENCE_US:
                self.left(row.push_id)
            elif found is None or (row.meter_id is not None and row.meter_id != found.meter_id):
                self.counters["operators.command_of_others"] += 1
                done(row.push_id)
            else:
                state = CommandState(row.state) if row.state else None
                moved = await self._stands(found, state, partial(done, row.push_id))
                tries[row.platform_id, row.item] = moved

    async def ask(self) -> None:
        """How those stand of which nothing was heard for a while; and call back those whose command has ended."""
        due = await self._work.tries_due(self._codecs.ids(), self._clock.unix_us(), 200)
        await _gathered([self._ask(one) for one in due])

    async def _ask(self, one: Try) -> None:
        codec = self._codecs.of(one.platform_id)
        if codec is None:
            return
        now_us = self._clock.unix_us()
        device = Device(imei_text(one.imei), one.device_id)
        if not one.item or one.asked > MOST_ASKS:  # we ended between question and answer; or the platform does not say
            await self._work.moved(one.try_id, CommandState.FAILED, now_us, None)
            self._word("lost", one, LOST)
            return
        if one.is_over and await self._called_back(codec, device, one, now_us):
            return
        answer = await self._call(codec.question(device, one.item, now_us // 1000))
        state = None if answer is None else codec.read_state(answer)
        if isinstance(state, Declined) or state is None:
            self.counters["operators.ask_unanswered" if answer is None else "operators.state_unknown"] += 1
            state = None
        await self._stands(one, state, lambda: None)
        if state not in ENDED:
            wait_us = min(ASK_AFTER_US << min(one.asked, 10), MOST_ASK_US)
            await self._work.asked(one.try_id, now_us + wait_us)

    async def _called_back(self, codec: OperatorCodec, device: Device, one: Try, now_us: int) -> bool:
        """Whether nothing of it lies there any more, or nothing more can be done."""
        request = codec.cancellation(device, one.item, now_us // 1000)
        if request is None or one.asked > 10:
            await self._work.moved(one.try_id, one.state, now_us, None)  # it lapses there by itself
            return True
        answer = await self._call(request)
        if answer is not None and codec.read_cancelled(answer) is None:
            self.counters["operators.command_cancelled"] += 1
            await self._work.moved(one.try_id, CommandState.CANCELLED, now_us, None)
            return True
        return False  # too late, or away: it is asked how it stands

    async def _stands(self, one: Try, state: CommandState | None, done: Callable[[], None]) -> Try:
        """Take a word of the platform in; the try as it is after it."""
        if state is None or state == one.state or one.state in (CommandState.DONE, CommandState.CANCELLED):
            if state is None:
                self.counters["operators.state_unknown"] += 1
            done()
            return one
        has_reached = one.state in REACHED
        if state in REACHED and not has_reached:
            if one.state in ENDED:
                self.counters["operators.command_late"] += 1
            self._word("delivered", one, DELIVERED, done)
        elif state in ENDED and not has_reached and one.state not in ENDED:
            self._word("lost", one, LOST, done)
        else:
            done()
        if _rank(state) < _rank(one.state):  # an older word that was late
            return one
        now_us = self._clock.unix_us()
        is_over = state in ENDED or state in REACHED  # what follows is the meter's word
        await self._work.moved(one.try_id, state, now_us, None if is_over else now_us + MOST_ASK_US)
        return one._replace(state=state.value)

    def _word(self, what: str, one: Try, outcome: str, done: Callable[[], None] = lambda: None) -> None:
        frame = self._sent.pop(one.try_id, None)
        if frame is not None:
            self._tell(
                what,
                frame,
                DeviceAddress(one.meter_id, one.platform_id, one.device_id, one.imei),
                one.sent_us,
                outcome,
                done=done,
            )
        else:  # given before we began anew
            self.counters[f"operators.command_{what}"] += 1
            self._words.tell_bare(what, one.command_id, Identity(one.meter_id, one.tenant_id, one.product_id), done)

    def _tell(
        self,
        what: str,
        frame: DownFrame,
        way: DeviceAddress,
        sent_us: int | None,
        outcome: str,
        detail: str = "",
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self.counters[f"operators.command_{what}"] += 1
        self._words.tell(what, frame, CHANNEL, f"{way.device_id}/down", sent_us, outcome, detail, done)


_RANK = {"asked": 0, "saved": 1, "sent": 2, "failed": 3, "expired": 3, "cancelled": 3, "delivered": 4, "done": 5}


def _rank(state: str) -> int:
    return _RANK[state]


async def _gathered(works: Sequence[Awaitable[None]]) -> None:
    """All of them, a few at a time; the first error is raised when all have ended."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with gate:
            await work

    ends = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
