# SPDX-License-Identifier: Apache-2.0
"""Commands to gateways themselves at their broker (ADR 0075): what is due goes down, what gateways say to it waits here until it is written.

A gateway keeps its word until it is told that it is stored, so nothing is lost with this memory. Where the database is away for long no more
than ``MOST_ANSWERS`` wait; the gateway says the rest again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from openmains.wire.gateway.messages import ParametersCommand, ParametersWord, encode_down, topic

MOST_ANSWERS: Final = 1_000
Done = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """``gateway``: its number."""

    gateway: str
    word: ParametersWord


class GatewayParameterLink:
    """One for each broker. ``connected``: numbers of the gateways that are heard here."""

    def __init__(
        self,
        publish: Callable[[str, bytes, Callable[[bool], None]], bool],
        connected: Callable[[], Collection[str]],
        stopped: Callable[[int], bool],
    ) -> None:
        self._publish, self.connected, self.stopped = publish, connected, stopped
        self._answers: list[tuple[Answer, Done]] = []
        self.counters: Counter[str] = Counter()

    def answer(self, gateway: str, word: ParametersWord, done: Done) -> None:
        """``done`` once it is written."""
        if len(self._answers) >= MOST_ANSWERS:
            self.counters["gateway.parameters_refused"] += 1
            return
        self.counters[f"gateway.parameters_{word.state}"] += 1
        self._answers.append((Answer(gateway, word), done))

    def take(self) -> list[tuple[Answer, Done]]:
        """All there are."""
        taken, self._answers = self._answers, []
        return taken

    def again(self, taken: Sequence[tuple[Answer, Done]]) -> None:
        """They could not be written."""
        self._answers = [*taken, *self._answers]

    def send(self, gateway: str, command: ParametersCommand) -> None:
        """What does not get through is due again in a while."""
        if self._publish(topic(gateway, "down"), encode_down(command), lambda taken: None):
            self.counters["gateway.parameters_sent"] += 1
