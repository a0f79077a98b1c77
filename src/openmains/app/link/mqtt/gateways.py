# SPDX-License-Identifier: Apache-2.0
"""Gateways of ours at a utility's MQTT broker (ADR 0065): what they keep is taken in, and they are told once it is on disk.

    up     each item → its meter's uplink, a command's word, or a line for the operator → on disk → ``stored`` goes down
    state  how the gateway and its network stand, for the book, the dispatcher and network management; the platform's time goes down

A gateway is a concentrator of the book: it may speak for the meters behind it. An item that came before – same store, number and content – is
not applied again, and told to be stored again: the first word of it may have been lost. A gateway's own events are lines of the network's log
(``app/network/cache.py``); what somebody is to see stands among the refusals of its page too.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from hashlib import blake2s
from typing import Final, NamedTuple, Protocol

from openmains.app.fleet.identities import Identity
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.ports import Clock
from openmains.app.link.station.directory import Concentrator, Directory
from openmains.app.link.station.standing import StandingCache
from openmains.app.network.cache import EventReport, GatewayReport, NetworkCache, relay_of
from openmains.domain.ids import CommandId, MeterId, TenantId
from openmains.domain.period import DAY_S, MINUTE_S
from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import (
    CommandWord,
    GatewayEvent,
    GatewayState,
    Item,
    MeterMessage,
    ParametersWord,
    Stored,
    TimeOffer,
    decode_state_untrusted,
    decode_up_untrusted,
    encode_down,
    topic,
)
from openmains.wire.gbt36330.frame import MessageType

AWAY_S: Final = 200.0  # without a word: three times it should have said how it is
LOOK_S: Final = 10.0
TELL_S: Final = 0.5  # so long items are gathered that are to be told to be stored
MOST_TOLD: Final = 200  # of one word
CHANGES_S: Final = 600.0
PLATFORM: Final = "platform"  # the store of lines that are the platform's own
OLDEST_US: Final = 40 * 86_400 * 1_000_000  # what a gateway says of a time before is not believed
NOTED: Final = frozenset(
    {"duplicate_gateway", "clock_fault", "relay_lost", "silent", "full", "dropped", "power_battery"}
)
WORDS: Final = {"delivered": "delivered", "lost": "lost", "too_late": "too_late", "refused": "declined"}
Done = Callable[[], None]


class Intake(Protocol):
    """What takes messages of meters in (``receiver.py``)."""

    def take_in(self, identity: Identity, payload: bytes, path: str, heard_us: int, key: object, done: Done) -> None:
        """Once for its key; ``done`` when it is on disk."""
        ...

    def bury_unknown(self, name: str, path: str, payload: bytes, fault: str, done: Done) -> None:
        """A dead letter of nobody, one an hour for each name."""
        ...


class _Run(NamedTuple):
    store: str
    run: str


@dataclass(slots=True)
class _Gateway:
    heard: float
    run: str = ""
    before: str = ""  # the run that spoke before this one
    changed: float = float("-inf")
    doubled: float = float("-inf")


class GatewayReceiver:
    """One for each broker, whose ``host`` is shown; it is ``tenant_id``'s. ``note(name, reason, detail)`` is for an operator to see;
    ``answer``: takes what gateways say to commands of their own, and calls back once it is written."""

    def __init__(
        self,
        *,
        tenant_id: TenantId,
        host: str,
        directory: Directory,
        intake: Intake,
        standing: StandingCache,
        book: NetworkCache,
        words: LinkReports,
        answer: Callable[[str, ParametersWord, Done], None],
        clock: Clock,
        publish: Callable[[str, bytes, Callable[[bool], None]], bool],
        offset_min: Callable[[TenantId, int], int],
        note: Callable[[str, str, str], None],
    ) -> None:
        self._tenant_id, self._host, self._directory, self._intake = tenant_id, host, directory, intake
        self._standing, self._book, self._words, self._clock, self._publish = standing, book, words, clock, publish
        self._answer = answer
        self._offset_min, self._note = offset_min, note
        self._gateways: dict[str, _Gateway] = {}
        self._to_tell: defaultdict[tuple[str, _Run], list[int]] = defaultdict(list)
        self.counters: Counter[str] = Counter()
        clock.call_later(LOOK_S, self._look)

    def is_connected(self, number: str) -> bool:
        """Whether it has said how it is, a while ago at most."""
        return number in self._gateways

    def connected(self) -> Collection[str]:
        """Numbers of those that are."""
        return self._gateways.keys()

    def receive(self, number: str, part: str, name: str, payload: bytes, done: Done) -> None:
        """A message on the gateway's topic ``name``. Never raises for what is in it."""
        known = self._directory.find(number)
        if known is None or known.tenant_id != self._tenant_id:
            self.counters["gateway.unknown"] += 1
            self._note(number, "unknown gateway", name)
            self._intake.bury_unknown(number, name, payload, "unknown_device", done)
            return
        try:
            if part == "state":
                self._state(known, decode_state_untrusted(payload))
                done()
            else:
                self._up(known, name, payload, done)
        except WireError:
            self.counters["gateway.malformed"] += 1
            self._intake.bury_unknown(f"{number}/{part}", name, payload, "bad_event", done)

    # -- up

    def _up(self, known: Concentrator, name: str, payload: bytes, done: Done) -> None:
        batch = decode_up_untrusted(payload)
        self._hear(known, batch.run)
        waiting = len(batch.items)

        def stored(number: int) -> None:
            self._tell_stored(known.number, _Run(batch.store, batch.run), number)

        def one_done() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                done()

        def both(number: int) -> None:
            stored(number)
            one_done()

        for item in batch.items:
            if isinstance(item.word, GatewayEvent):  # the gateway keeps it until it is stored, so the broker need not
                self._event(known, batch.store, item, item.word, partial(stored, item.number))
                one_done()
            elif isinstance(item.word, ParametersWord):
                self._answer(known.number, item.word, partial(stored, item.number))
                one_done()
            else:
                self._item(known, batch.store, name, item, item.word, partial(both, item.number))

    def _item(
        self, known: Concentrator, store: str, name: str, item: Item, word: MeterMessage | CommandWord, done: Done
    ) -> None:
        identity = known.meters.get(word.meter)
        if identity is None:  # it joined there, and nobody has said in the book that it may
            self.counters["gateway.meter_not_behind"] += 1
            self._note(f"{known.number}/{word.meter}", "meter not behind this gateway", name)
            payload = word.data or word.state.encode() if isinstance(word, CommandWord) else word.data
            self._intake.bury_unknown(f"{known.number}/{word.meter}", name, payload, "unknown_device", done)
        elif isinstance(word, CommandWord):
            self._command(identity, word, done)
        else:
            self._message(known, identity, store, item, word, done)

    def _message(
        self, known: Concentrator, identity: Identity, store: str, item: Item, word: MeterMessage, done: Done
    ) -> None:
        """Carried frames are the driver's as they are; contents of the standard's types have the type in front."""
        self.counters["gateway.messages"] += 1
        is_carried = word.message_type == MessageType.CARRIED
        payload = word.data if is_carried else bytes((word.message_type,)) + word.data
        now_us, at_us = self._clock.unix_us(), item.at_ms * 1000
        heard_us = at_us if now_us - OLDEST_US <= at_us <= now_us else 0
        digest = blake2s(payload, digest_size=8).digest()
        key = ("gateway", known.number, store, item.number, digest)
        path = f"gateway/{known.number}/{word.message_type:02x}" + (f"/via/{word.via}" if word.via else "")
        self._intake.take_in(identity, payload, path, heard_us, key, done)

    def _command(self, identity: Identity, word: CommandWord, done: Done) -> None:
        what = WORDS[word.state]
        self.counters[f"gateway.command_{what}"] += 1
        if not (word.command.isascii() and word.command.isdigit() and len(word.command) <= 18):
            self.counters["gateway.command_of_others"] += 1
            done()
            return
        self._words.tell_bare(what, CommandId(int(word.command)), identity, done)

    def _event(self, known: Concentrator, store: str, item: Item, word: GatewayEvent, done: Done) -> None:
        self.counters["gateway.events"] += 1
        relay, now_us = 0 if word.meter else relay_of(word.detail), self._clock.unix_us()
        said = EventReport(
            known.number, store, item.number, item.at_ms * 1000, now_us, word.event, relay, word.meter, _meter_id(known, word.meter),
            word.detail,
        )  # fmt: skip
        self._book.event(said, done)
        text = f"{word.event} {word.meter} {word.detail}".strip()
        self._standing.frame(
            known.number, 0, text.encode("ascii", "replace"), self._clock.time(), down=False, verdict=word.event[:40]
        )
        if word.event == "joined" and word.meter not in known.meters:
            self._note(f"{known.number}/{word.meter}", "joined, and not in the book behind this gateway", word.detail)
        elif word.event in NOTED:
            self._note(known.number, word.event.replace("_", " "), f"{word.meter} {word.detail}".strip())

    # -- how it stands

    def _state(self, known: Concentrator, state: GatewayState) -> None:
        number, now_us = known.number, self._clock.unix_us()
        off_s = round((state.at_ms * 1000 - now_us) / 1e6) if state.at_ms else None
        self._hear(known, state.run)
        self._standing.heartbeat(number, None, off_s)
        text = f"meters {state.meters} silent {state.silent} waiting {state.waiting}".encode()
        self._standing.frame(number, 0, text, self._clock.time(), down=False, verdict="state")
        offset = self._offset_min(known.tenant_id, now_us // 1_000_000)
        day = (now_us // 1_000_000 + offset * MINUTE_S) // DAY_S
        off_ms = state.at_ms - now_us // 1000 if state.at_ms else None
        self._book.state(GatewayReport(number, now_us, day, off_ms, state), partial(_meter_id, known))
        told = encode_down(TimeOffer(state.ask, now_us // 1000, offset))
        self._publish(topic(number, "down"), told, lambda taken: None)

    def _hear(self, known: Concentrator, run: str) -> None:
        """Two runs that take turns are two boxes of one name."""
        now, number = self._clock.time(), known.number
        found = self._gateways.get(number)
        if found is None:
            self._gateways[number] = _Gateway(now, run)
            self._standing.gateway_connected(number, known.tenant_id, self._host, None)
            return
        found.heard = now
        if run == found.run:
            return
        if run == found.before and now - found.changed < CHANGES_S:
            self.counters["gateway.duplicate"] += 1
            detail = f"runs {found.run} and {run} take turns"
            self._note(number, "duplicate gateway", detail)
            if now - found.doubled >= CHANGES_S:  # a line of the log, as the gateway would write it
                found.doubled, at_us = now, self._clock.unix_us()
                self._book.event(
                    EventReport(
                        number, PLATFORM, at_us // 1_000_000, at_us, at_us, "duplicate_gateway", 0, "", None, detail
                    ),
                    lambda: None,
                )
        found.before, found.run, found.changed = found.run, run, now

    def _look(self) -> None:
        """Who was not heard for long is away: its commands wait at the dispatcher."""
        now = self._clock.time()
        for number in [number for number, one in self._gateways.items() if now - one.heard > AWAY_S]:
            del self._gateways[number]
            self._standing.left(number, "silent")
        self._clock.call_later(LOOK_S, self._look)

    # -- stored

    def _tell_stored(self, number: str, run: _Run, item: int) -> None:
        waiting = self._to_tell[number, run]
        waiting.append(item)
        if len(waiting) == 1:
            self._clock.call_later(TELL_S, lambda: self._tell(number, run))
        if len(waiting) >= MOST_TOLD:
            self._tell(number, run)

    def _tell(self, number: str, run: _Run) -> None:
        items = self._to_tell.pop((number, run), [])
        if items:
            told = encode_down(Stored(run.store, run.run, tuple(items)))
            if not self._publish(topic(number, "down"), told, lambda taken: None):
                self.counters["gateway.stored_untold"] += 1  # the gateway says them again, and hears it then


def _meter_id(known: Concentrator, number: str) -> MeterId | None:
    """Of a meter that is in the book behind this gateway."""
    identity = known.meters.get(number)
    return None if identity is None else identity.meter_id
