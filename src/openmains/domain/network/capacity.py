# SPDX-License-Identifier: Apache-2.0
"""What a radio cell carries: reports a minute by coverage class (R12.1), for a network or for all.

The default is the traffic that 3GPP TR 45.820 dimensions a cell of one 200 kHz carrier for: 52,547 devices, of which 40 % report
once a day, 40 % every two hours, 15 % every hour and 5 % every half hour, 0.47 reports an hour each, so 409 reports a
minute. That is a mixture of classes, rounded down to 400 for good coverage. What a report from worse coverage costs depends on
how often the operator repeats a block (8, 64 and up to 512 times are usual settings, but good modules need fewer): that CE1 carries
half and CE2 an eighth is an assumption, to be replaced by the operator's figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openmains.domain.network.coverage import Coverage

ALL_NETWORKS = ""


@dataclass(frozen=True, slots=True)
class CellCapacity:
    """Reports a minute that a cell carries if all its meters were of one class. ``network``: MCC and MNC, as an IMSI begins
    with them; "": every network that has no line of its own."""

    network: str = ALL_NETWORKS
    ce0_per_min: int = 400
    ce1_per_min: int = 200
    ce2_per_min: int = 50

    def cost(self, coverage: Coverage | None, one: int = 1000) -> int:
        """Load of one report, where one of CE0 is ``one``. A class that nobody knows counts as CE1."""
        per_min = {"CE0": self.ce0_per_min, "CE2": self.ce2_per_min, "none": self.ce2_per_min}.get(
            coverage or "", self.ce1_per_min
        )
        return max(1, one * self.ce0_per_min // per_min)


DEFAULT_CAPACITY = CellCapacity()


def capacity_of(lines: Iterable[CellCapacity], imsi: str) -> CellCapacity:
    """The line for a card: the longest network that its IMSI begins with, else the one for all, else the default."""
    fitting = [line for line in lines if imsi.startswith(line.network)]
    return max(fitting, key=lambda line: len(line.network), default=DEFAULT_CAPACITY)
