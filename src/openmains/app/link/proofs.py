# SPDX-License-Identifier: Apache-2.0
"""Nothing is asked of an address that is not shown to be the meter's (RFC 9146 section 6, R13.4).

After an address change the meter is pinged first; what was to be sent follows its answer. Commands, operations and the
bootstrap go this way.
"""

from collections.abc import Callable

from openmains.app.link.ports import Clock, Link, Terminal

PROOF_S = 20.0
AGAIN_S = 10.0  # the answer to a ping over NB-IoT takes up to so long; then it was lost, and is sent once more
MOST_WAITING = 50_000
Go = Callable[[Terminal, float], None]
GiveUp = Callable[[], None]


class Proofs:
    """One for each link. ``ping(cid)`` says something that only whoever sits at the meter's address can answer. The caller
    transmits after ``ask``; ``proved`` does it itself."""

    def __init__(self, link: Link, clock: Clock, ping: Callable[[bytes], None]) -> None:
        self._link = link
        self._clock = clock
        self._ping = ping
        self._waiting: dict[int, list[tuple[Go, GiveUp]]] = {}  # by IMEI
        self._asked: dict[int, object] = {}  # the address that was pinged, by IMEI
        self.counters: dict[str, int] = {"proofs.asked": 0, "proofs.none": 0}

    def ask(self, terminal: Terminal, go: Go, give_up: GiveUp) -> None:
        """Call ``go(terminal, now)``: now, or when the meter has answered; else ``give_up()`` after PROOF_S."""
        if terminal.proven:
            go(terminal, self._clock.time())
            return
        waiting = self._waiting.get(terminal.imei)
        if waiting is not None:
            waiting.append((go, give_up))
            return
        if len(self._waiting) >= MOST_WAITING:
            give_up()
            return
        mine = [(go, give_up)]
        self._waiting[terminal.imei] = mine
        self._ask(terminal)
        self._clock.call_later(AGAIN_S, lambda: self._ask_again(terminal, mine))
        self._clock.call_later(PROOF_S, lambda: self._no_proof(terminal.imei, mine))

    def proved(self, terminal: Terminal, now: float) -> None:
        """The meter answered what we sent. It proves the address that was pinged, and no other: where the meter has moved on
        meanwhile, it is asked there again."""
        asked = self._asked.pop(terminal.imei, None)
        if not terminal.proven and asked is not None:
            self._link.confirm(terminal, asked)
        if not terminal.proven:
            if terminal.imei in self._waiting:
                self._ask(terminal)
                self._link.transmit_soon()
            return
        for go, _ in self._waiting.pop(terminal.imei, ()):
            go(terminal, now)
        self._link.transmit_soon()

    def _ask(self, terminal: Terminal) -> None:
        self.counters["proofs.asked"] += 1
        self._asked[terminal.imei] = terminal.address
        self._ping(terminal.cid)

    def _ask_again(self, terminal: Terminal, mine: list[tuple[Go, GiveUp]]) -> None:
        if self._waiting.get(terminal.imei) is mine:
            self._ask(terminal)
            self._link.transmit_soon()

    def _no_proof(self, imei: int, mine: list[tuple[Go, GiveUp]]) -> None:
        if self._waiting.get(imei) is mine:
            del self._waiting[imei]
            self._asked.pop(imei, None)
            self.counters["proofs.none"] += len(mine)
            for _, give_up in mine:
                give_up()
