# SPDX-License-Identifier: Apache-2.0
"""When a device notifies (LwM2M core 1.1 section 7.3.2): attributes, and the rule that they make.

Theory: ``pmin`` is the shortest and ``pmax`` the longest time between two notifications, in seconds; ``gt`` and ``lt``
are thresholds whose crossing counts, ``st`` is the smallest step that counts. Without the last three every change
counts. A change that counts waits for ``pmin``; when ``pmax`` is over, the value is sent whether it changed or not. A
resource inherits what it does not say itself from its instance, then from its object.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec.text import number
from openmains.wire.lwm2m.path import LAYER, Path
from openmains.wire.lwm2m.value import Value


@dataclass(frozen=True, slots=True)
class Attributes:
    """Notification attributes; None: not said. Periods in seconds."""

    pmin: int | None = None
    pmax: int | None = None
    gt: Decimal | None = None
    lt: Decimal | None = None
    st: Decimal | None = None
    epmin: int | None = None
    epmax: int | None = None

    def query(self) -> tuple[str, ...]:
        """As the query of a Write-Attributes."""
        return tuple(f"{name}={value}" for name, value in self.as_dict().items())

    def as_dict(self) -> dict[str, str]:
        """Name → value of those that are set, as the attributes of a link."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: str(value) for name, value in values if value is not None}

    def over(self, other: "Attributes") -> "Attributes":
        """These, and the other's where nothing is said here."""
        return Attributes(
            *(
                getattr(other, field.name) if getattr(self, field.name) is None else getattr(self, field.name)
                for field in fields(self)
            )
        )


NONE = Attributes()
_PERIODS = ("pmin", "pmax", "epmin", "epmax")
_NUMBERS = ("gt", "lt", "st")


def write(before: Attributes, query: Iterable[str], path: Path) -> Attributes:
    """``before`` changed by the query of a Write-Attributes; a name without a value is taken away.

    Raises :class:`WireError` for unknown names, values that make no sense, thresholds on what is no resource, and sets
    that contradict themselves (``lt`` + 2·``st`` must stay below ``gt``).
    """
    values = {field.name: getattr(before, field.name) for field in fields(before)}
    for item in query:
        name, equals, value = item.partition("=")
        if name not in values:
            raise WireError(LAYER, 0, "attribute unknown")
        if not equals:
            values[name] = None
        elif name in _PERIODS:
            if not (value.isascii() and value.isdigit()) or len(value) > 10:
                raise WireError(LAYER, 0, "attribute malformed")
            values[name] = int(value)
        else:
            values[name] = Decimal(number(value))
    after = Attributes(**values)
    if len(path) < 3 and any(getattr(after, name) is not None for name in _NUMBERS):
        raise WireError(LAYER, 0, "threshold without a resource")
    if after.st is not None and after.st <= 0:
        raise WireError(LAYER, 0, "attribute malformed")
    if after.lt is not None and after.gt is not None and after.lt + 2 * (after.st or 0) >= after.gt:
        raise WireError(LAYER, 0, "thresholds contradict")
    return after


def effective(stored: Mapping[Path, Attributes], path: Path) -> Attributes:
    """What counts at ``path``: its own, then its instance's, then its object's."""
    result = NONE
    for depth in range(len(path), 0, -1):
        found = stored.get(path[:depth])
        if found is not None:
            result = result.over(found)
    return result


def counts(attributes: Attributes, sent: Value | None, value: Value | None) -> bool:
    """Whether the step from the value last sent to ``value`` is one to tell."""
    if sent == value and type(sent) is type(value):
        return False
    gt, lt, st = attributes.gt, attributes.lt, attributes.st
    before, now = _as_number(sent), _as_number(value)
    if before is None or now is None or (gt is None and lt is None and st is None):
        return True
    crossed = gt is not None and (before > gt) != (now > gt)
    crossed = crossed or (lt is not None and (before < lt) != (now < lt))
    return crossed or (st is not None and abs(now - before) >= st)


def due(attributes: Attributes, sent_at: float, changed: bool) -> float | None:
    """When the next notification goes out; None: not before a change that counts."""
    earliest = sent_at + (attributes.pmin or 0)
    if changed:
        return earliest
    if attributes.pmax is None or attributes.pmax < (attributes.pmin or 0) or not attributes.pmax:
        return None
    return sent_at + attributes.pmax


def _as_number(value: Value | None) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)
