# SPDX-License-Identifier: Apache-2.0
"""Terminals that nobody has registered and that try to come in: gathered for the operator's list, in bounded memory.

Proven ones know a key that some tenant imported; unproven merely say an IMEI. Strangers can say any number of IMEIs, so they
get a small room of their own and what does not fit is only counted.
"""

from dataclasses import dataclass

from openmains.domain.fleet.identifiers import is_imei


@dataclass(slots=True)
class Unknown:
    """One IMEI since the last flush. Times µs since 1970."""

    imei: int
    first_us: int
    last_us: int
    attempts: int
    address: str
    proven: bool


class UnknownTerminals:
    """``note`` on every attempt, ``drain`` every few seconds."""

    def __init__(self, unproven: int = 200, proven: int = 5_000) -> None:
        self._rooms = {False: unproven, True: proven}
        self._found: dict[bool, dict[int, Unknown]] = {False: {}, True: {}}
        self.left_out = 0

    def note(self, imei_text: str, address: str, now_us: int, *, proven: bool = False) -> None:
        """Somebody who calls itself by this IMEI was turned away (or, ``proven``, let in without a meter)."""
        if not is_imei(imei_text):
            return
        imei = int(imei_text)
        found = self._found[proven]
        known = found.get(imei)
        if known is not None:
            known.last_us, known.address = now_us, address
            known.attempts += 1
        elif len(found) < self._rooms[proven]:
            found[imei] = Unknown(imei, now_us, now_us, 1, address, proven)
        else:
            self.left_out += 1

    def drain(self) -> list[Unknown]:
        """What was gathered, proven ones first; begins anew."""
        taken = [*self._found[True].values(), *self._found[False].values()]
        # Two rows of one IMEI cannot be written by one statement: the proven one counts both.
        by_imei: dict[int, Unknown] = {}
        for item in taken:
            first = by_imei.setdefault(item.imei, item)
            if first is not item:
                first.attempts += item.attempts
                first.first_us, first.last_us = min(first.first_us, item.first_us), max(first.last_us, item.last_us)
        self._found = {False: {}, True: {}}
        return list(by_imei.values())
