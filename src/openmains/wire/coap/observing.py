# SPDX-License-Identifier: Apache-2.0
"""Who observes what: the server's book of relations (RFC 7641 section 4).

Theory: a relation is known by (peer, token). It ends when the client deregisters, rejects a notification with a
Reset, does not acknowledge one, or when a notification is no success. Sequence numbers are 24 bits, rising by
one a notification, which keeps them fresh as long as fewer than 2^23 are sent in 256 s. A client that is gone
for good is found by at least one confirmable notification in 24 hours (section 4.5).
"""

from openmains.wire.coap.blockwise import Key
from openmains.wire.coap.exchange import Limits, Peer, Relation, Request

CONFIRM_EVERY_S = 86_400.0


class Observers:
    """All relations of one server, bounded in all and per peer."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._relations: dict[tuple[Peer, bytes], Relation] = {}
        self._per_peer: dict[Peer, int] = {}
        self._by_mid: dict[tuple[Peer, int], Relation] = {}  # last NON notification of each relation

    def __len__(self) -> int:
        return len(self._relations)

    def find(self, peer: Peer, token: bytes) -> Relation | None:
        """The relation of ``peer`` under ``token``."""
        return self._relations.get((peer, token))

    def by_mid(self, peer: Peer, mid: int) -> Relation | None:
        """Whose last NON notification had this message id."""
        return self._by_mid.get((peer, mid))

    def register(self, request: Request, body_key: Key, szx: int, now: float) -> Relation | None:
        """A new relation, or the old one continued (section 4.1); None when the limits are reached."""
        peer, token = request.peer, request.exchange.token
        if request.block2 is not None:
            szx = min(szx, request.block2.szx)
        known = self._relations.get((peer, token))
        if known is not None:
            known.sequence = known.sequence + 1 & 0xFFFFFF
            known.confirmed_at = now
            known.path, known.body_key, known.szx = request.path, body_key, szx
            return known
        mine = self._per_peer.get(peer, 0)
        if len(self._relations) >= self._limits.max_relations or mine >= self._limits.max_relations_per_peer:
            return None
        relation = Relation(peer, token, request.path, body_key, szx, now)
        self._relations[peer, token] = relation
        self._per_peer[peer] = mine + 1
        return relation

    def remove(self, relation: Relation) -> None:
        """End a relation, if it has not ended already."""
        if relation.closed:
            return
        relation.closed = True
        relation.latest = None
        del self._relations[relation.peer, relation.token]
        self._forget_mid(relation)
        left = self._per_peer[relation.peer] - 1
        if left:
            self._per_peer[relation.peer] = left
        else:
            del self._per_peer[relation.peer]

    def must_confirm(self, relation: Relation, now: float) -> bool:
        """Whether the observer has not given a sign for 24 hours."""
        return now - relation.confirmed_at >= CONFIRM_EVERY_S

    def sent_non(self, relation: Relation, mid: int) -> None:
        """Remember the NON notification to match a Reset with."""
        self._forget_mid(relation)
        relation.mid = mid
        self._by_mid[relation.peer, mid] = relation

    def _forget_mid(self, relation: Relation) -> None:
        key = (relation.peer, relation.mid)
        if self._by_mid.get(key) is relation:
            del self._by_mid[key]
