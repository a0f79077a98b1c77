# SPDX-License-Identifier: Apache-2.0
"""What an edge's watch tells upward, from messages to the judgement of the pipeline, on a clock that a test turns: a flood is three loud
minutes in a row, a clone's turn counts once a minute. The same over sockets and real minutes: ``tests/scenarios/test_secure_edge.py``.
"""

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.uplink import Uplink
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.refusals import Refusals
from openmains.app.security.report import ONLINE, entry_of
from openmains.app.security.score import AccessOutcome, Registered, default_judge
from openmains.app.security.unknown import UnknownTerminals
from openmains.app.security.watch import AccessWatch
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import MINUTE_S
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import State
from openmains.domain.security.guard import AccessGuard
from tests.support.key_rows import KeyRows

EPOCH_S = 1_800_000_000
HOST = "192.0.2.1"
FLOODER, CLONE, HONEST = 351000000000018, 351000000000026, 351000000000034


class Watched:
    """Three meters at one edge, and the judge of what it tells."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[Uplink] = []
        identities = Identities()
        for place, imei in enumerate((FLOODER, CLONE, HONEST)):
            identities.change(imei, Identity(MeterId(70 + place), TenantId(3), ProductId(5)))
        self.watch = AccessWatch(
            AccessGuard(), AccessCache(), KeyRows(lambda: 0.0).cache(), identities, UnknownTerminals(), Refusals(), self.told.append,
            lambda: round((EPOCH_S + self.now) * 1e6),
        )  # fmt: skip

    def says(self, imei: int, session: bytes) -> None:
        assert self.watch.seen(imei, session, HOST, self.now)

    def findings(self) -> list[tuple[int, str, float]]:
        """(meter, what, seconds since the beginning) of all that is no sign-on."""
        return [(one.meter_id, one.path, one.received_us / 1e6 - EPOCH_S) for one in self.told if one.path != ONLINE]

    def judged(self) -> AccessOutcome:
        imeis = {70: FLOODER, 71: CLONE, 72: HONEST}
        meters = {meter: Registered(meter, 3, imei, Sim("460040000000001")) for meter, imei in imeis.items()}
        return default_judge().run([entry_of(uplink) for uplink in self.told], meters, {})


def test_a_flood_and_a_clone_are_found_and_nobody_else_is_accused() -> None:
    edge = Watched()
    for imei in (FLOODER, CLONE, CLONE, HONEST):
        edge.watch.established(imei, HOST, edge.now)
    for second in range(6 * MINUTE_S):
        edge.now = float(second)
        for _ in range(20):
            edge.says(FLOODER, b"f")
        for session in (b"one", b"two"):
            edge.says(CLONE, session)
        if second % 10 == 0:
            edge.says(HONEST, b"h")
    found = edge.findings()
    assert {(meter, what) for meter, what, _ in found} == {(70, "message_flood"), (71, "cloned")}
    assert min(at for _, _, at in found) > 100, "a burst is no flood, one turn no clone"
    outcome = edge.judged()
    assert {change.event for change in outcome.alarms if change.action == "raised"} >= {
        "terminal_cloned", "terminal_quarantined",
    }  # fmt: skip
    assert outcome.terminals[FLOODER].reasons.keys() == {"message_flood"}
    assert outcome.terminals[CLONE].standing.state is State.QUARANTINE
    assert not outcome.terminals[HONEST].reasons
