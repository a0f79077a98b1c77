# SPDX-License-Identifier: Apache-2.0
"""A device's observations: what the server watches, what it was told last, when it hears again.

Theory: ``attributes.py`` has the rule for one value; here it is applied to each value below what is watched. One
notification tells everything below the path, so one due time a watch is enough. A change that waits for ``pmin`` and is
undone meanwhile is still told: the server must not miss that something happened.
"""

from dataclasses import dataclass, field

from openmains.wire.coap.exchange import Relation
from openmains.wire.lwm2m import attributes as attr
from openmains.wire.lwm2m.path import Path, is_below
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Value


@dataclass(slots=True)
class Watch:
    """One observation. ``sent``: the values of the last notification; ``changed``: a step that counts waits."""

    relation: Relation
    paths: tuple[Path, ...]
    accept: int | None
    composite: bool
    sent: dict[Path, Value | None] = field(default_factory=dict)
    sent_at: float = 0.0
    changed: bool = False


class Watches:
    """All observations of one device, by their CoAP relation."""

    def __init__(self, tree: Tree, stored: dict[Path, attr.Attributes]) -> None:
        self._tree = tree
        self._stored = stored
        self._watches: dict[int, Watch] = {}

    def __len__(self) -> int:
        return len(self._watches)

    def begin(
        self, relation: Relation, paths: tuple[Path, ...], accept: int | None, composite: bool, now: float
    ) -> None:
        """The server observes ``paths``; what was just answered counts as told."""
        watch = Watch(relation, paths, accept, composite)
        self._watches[id(relation)] = watch
        self.told(watch, now)

    def end(self, relation: Relation) -> Watch | None:
        """The observation is over."""
        return self._watches.pop(id(relation), None)

    def find(self, relation: Relation) -> Watch | None:
        """The watch of a relation."""
        return self._watches.get(id(relation))

    def clear(self) -> list[Watch]:
        """All are over: a new registration begins without observations (section 6.2.1)."""
        gone = list(self._watches.values())
        self._watches.clear()
        return gone

    def told(self, watch: Watch, now: float) -> None:
        """The server knows the present values."""
        watch.sent = {item.path: item.value for path in watch.paths for item in self._tree.items(path)}
        watch.sent_at = now
        watch.changed = False

    def change(self, path: Path, *, tell: bool) -> None:
        """A value at ``path`` or below may have changed. ``tell``: it counts in any case, as a new report does."""
        for watch in self._watches.values():
            if watch.changed or not any(is_below(path, one) or is_below(one, path) for one in watch.paths):
                continue
            watch.changed = tell or self._counts(watch)

    def _counts(self, watch: Watch) -> bool:
        present = {item.path: item.value for path in watch.paths for item in self._tree.items(path)}
        return any(
            attr.counts(attr.effective(self._stored, path), watch.sent.get(path), present.get(path))
            for path in present.keys() | watch.sent.keys()
        )

    def due(self, watch: Watch) -> float | None:
        """When this watch is told next."""
        attributes = attr.NONE if watch.composite else attr.effective(self._stored, watch.paths[0])
        return attr.due(attributes, watch.sent_at, watch.changed)

    def next_timer(self) -> float | None:
        """When the next notification goes out."""
        times = [due for watch in self._watches.values() if (due := self.due(watch)) is not None]
        return min(times, default=None)

    def ripe(self, now: float) -> list[Watch]:
        """Watches to tell now."""
        found = [(due, watch) for watch in self._watches.values() if (due := self.due(watch)) is not None]
        return [watch for due, watch in found if due <= now]
