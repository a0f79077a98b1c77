# SPDX-License-Identifier: Apache-2.0
"""Commands to the gateway itself (ADR 0075): its parameters are said, or set over what its file says.

    new ──→ taken ──(the program begins anew)──→ done, with the parameters by which it goes then
     ├────→ done      only said
     ├────→ refused   a value that will not do, or an older command than one that was taken
     └────→ too_late

What is taken is on disk before it is told, and nothing changes while the program runs: it begins anew with it, as after a power cut, which it
outlives anyway. So what is told as done is what it goes by, and a command that comes twice is one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from openmains.gateway.config import GatewayConfig
from openmains.gateway.members import Members
from openmains.gateway.slots import slices
from openmains.gateway.store import GatewayStore
from openmains.wire.gateway.messages import ParametersCommand, ParametersWord
from openmains.wire.gateway.parameters import Value, fault, together

OVERTAKEN: Final = "overtaken"


def in_force(config: GatewayConfig, store: GatewayStore) -> tuple[GatewayConfig, str]:
    """The file's, with what was set over it; and why that had to be given up, "" where it was not: a file that was changed since goes first."""
    kept = store.parameters()
    try:
        return config.with_parameters(kept), ""
    except (ValueError, TypeError) as error:
        store.put_parameters({})
        return config, str(error)


class ParameterCommands:
    """``config``: in force; ``utc_ms(mono)``: the time, 0 where it is not known."""

    def __init__(
        self,
        config: GatewayConfig,
        store: GatewayStore,
        members: Members,
        utc_ms: Callable[[int], int],
        counters: Counter[str],
        mono_ms: int,
    ) -> None:
        self._config, self._store, self._members, self._utc_ms = config, store, members, utc_ms
        self._counters = counters
        self.is_to_restart = False
        for command in store.taken_parameters():
            self._tell(ParametersWord(command, "done", config.parameters), mono_ms)

    def accept(self, told: ParametersCommand, mono_ms: int) -> None:
        """From the platform."""
        known, now_ms = self._store.told_parameters(told.command), self._utc_ms(mono_ms)
        if known is not None:
            self._counters["parameters_repeated"] += 1
            self._store.add(now_ms, known)
        elif told.not_after_s and not now_ms:
            self._counters["parameters_of_no_time"] += 1  # nobody can tell whether it is over; it is said again
        elif told.not_after_s and now_ms >= told.not_after_s * 1000:
            self._tell(ParametersWord(told.command, "too_late"), mono_ms)
        elif not told.values:
            self._tell(ParametersWord(told.command, "done", self._config.parameters), mono_ms)
        else:
            self._set(told, mono_ms)

    def _set(self, told: ParametersCommand, mono_ms: int) -> None:
        reason, name = (OVERTAKEN, "") if told.command < self._store.newest_set() else self._fault(told.values)
        if reason:
            self._tell(ParametersWord(told.command, "refused", {}, reason, name), mono_ms)
            return
        self._store.put_parameters({**self._store.parameters(), **told.values})
        self._tell(ParametersWord(told.command, "taken"), mono_ms)
        self.is_to_restart = True

    def _fault(self, values: Mapping[str, Value]) -> tuple[str, str]:
        """Reason and name. Over what was taken already, which is not in force yet."""
        for name, value in values.items():
            if reason := fault(name, value):
                return reason, name
        wanted = {**self._config.parameters, **self._store.parameters(), **values}
        if name := together(wanted):
            return "together", name
        config = self._config.with_parameters(wanted)
        if slices(config.cycle_s, config.slice_s, len(config.channels)) < len(self._members):
            return "too_few_slices", "channels" if "channels" in values else "slice_s"
        if any(member.kept.via and member.kept.via not in config.relays for member in self._members):
            return "in_use", "relays"
        return "", ""

    def _tell(self, word: ParametersWord, mono_ms: int) -> None:
        self._counters[f"parameters_{word.state}"] += 1
        self._store.tell_parameters(word, self._utc_ms(mono_ms))
