# SPDX-License-Identifier: Apache-2.0
"""The load generator as a process of its own, beside the system that it measures."""

import multiprocessing
from dataclasses import dataclass
from typing import Any

import numpy as np

from openmains.bench.load.frames import DailyReports
from openmains.bench.load.plain import Load
from openmains.bench.registry import BenchRegistry


@dataclass(slots=True, frozen=True)
class Offer:
    """What is sent: ``rate`` reports a second (0: as fast as ``window`` unanswered ones allow) for ``seconds``, or until there were
    ``limit``. ``enhanced``: the report with 48 pressures, temperatures and vibrations."""

    rate: float
    seconds: float
    window: int = 0
    enhanced: bool = False
    limit: int = 0


def _load(connection: Any, target: tuple[str, int], registry: BenchRegistry, day: int, offer: Offer) -> None:
    load = Load(
        target,
        registry.first_imei,
        registry.count,
        day,
        offer.rate,
        window=offer.window,
        limit=offer.limit,
        frames=DailyReports(enhanced=offer.enhanced),
    )
    result = load.run(offer.seconds)
    meters, days = result.acked_pairs()
    connection.send({"summary": result.summary(), "meters": np.asarray(meters), "days": np.asarray(days)})
    connection.close()


def load_in_child(target: tuple[str, int], registry: BenchRegistry, day: int, offer: Offer) -> dict[str, Any]:
    """Run it; what was counted, and (meter, day) of each report that was acknowledged."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_load, args=(theirs, target, registry, day, offer))
    child.start()
    theirs.close()
    found: dict[str, Any] = ours.recv()
    child.join()
    return found
