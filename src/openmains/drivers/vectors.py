# SPDX-License-Identifier: Apache-2.0
"""Whether a driver reads its own vectors as they say: what a page is held to before a running system takes it."""

from openmains.drivers.model import Driver, Vector
from openmains.drivers.points import vocabulary


def fault_of(driver: Driver, vector: Vector) -> str:
    """What is other than the vector says; "" where nothing is."""
    said = driver.check(vector.frame)
    if said != vector.fault:
        return f"{vector.name}: {_words(vector.fault)} expected, {_words(said)} found{_why(driver, vector)}"
    driver.explain(vector.frame)
    found, _ = driver.decode([vector.frame], [vector.received_at])
    if vector.fault is not None:
        return ""
    columns = found[0]
    means: dict[str, object] = {name: int(values[0]) for name, values in columns.points.items()}
    means |= {name: [int(value) for value in values[0]] for name, values in columns.series.items()}
    means["kind"] = str(columns.kind)
    mask = 0 if columns.event_mask is None else int(columns.event_mask[0])
    means["events"] = sorted(vocabulary().event_names(mask))
    for name, wanted in vector.means.items():
        wanted = sorted(map(str, wanted)) if name == "events" and isinstance(wanted, list) else wanted
        if name not in means:
            return f"{vector.name}: the frame says nothing of {name}"
        if means[name] != wanted:
            return f"{vector.name}: {name} should be {wanted}, and is read as {means[name]}"
    return ""


def _words(fault: str | None) -> str:
    return "a good frame" if fault is None else f"the fault {fault!r}"


def _why(driver: Driver, vector: Vector) -> str:
    _, rejected = driver.decode([vector.frame], [vector.received_at])
    return f" (byte {rejected[0].offset}: {rejected[0].detail})" if rejected else ""
