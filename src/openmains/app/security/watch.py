# SPDX-License-Identifier: Apache-2.0
"""What an edge does about terminals (R13.3): whom it lets try, what it notices, what it tells upward.

The guard notices (``domain.security.guard``), the pipeline judges (``app.security.score``), the cache says what is to be done
about a terminal (``access_cache.py``). Here the three meet the messages.
"""

from collections import Counter
from collections.abc import Callable

from openmains.app.fleet.identities import Identities
from openmains.app.ingest.uplink import Uplink
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.keys.cache import KeyCache
from openmains.app.security.keys.ports import KeyName
from openmains.app.security.refusals import Refusals, RefusalStage
from openmains.app.security.report import finding_uplink, online_uplink, sim_uplink
from openmains.app.security.unknown import UnknownTerminals
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import Finding
from openmains.domain.security.guard import AccessGuard

MOST_USED = 10_000


class AccessWatch:
    """One for each edge. ``tell`` puts a report into the stream; one that is lost is made good by the next observation."""

    def __init__(
        self,
        guard: AccessGuard,
        cache: AccessCache,
        keys: KeyCache,
        identities: Identities,
        unknown: UnknownTerminals,
        refusals: Refusals,
        tell: Callable[[Uplink], None],
        now_us: Callable[[], int],
    ) -> None:
        self._guard = guard
        self._cache = cache
        self._keys = keys
        self._identities = identities
        self._unknown = unknown
        self._refusals = refusals
        self._tell = tell
        self._now_us = now_us
        self._used: dict[int, KeyName] = {}
        self.counters: Counter[str] = Counter()

    def may_try(self, imei: int, host: str, now: float) -> bool:
        """Whether a handshake in this name from this address is looked at; if not it is answered as an unknown one's."""
        if self._cache.is_blocked(imei):
            self.counters["access.refused.blocked"] += 1
            self.refused(imei_text(imei), imei, RefusalStage.HANDSHAKE, "blocked", "", host)
            return False
        if not self._guard.may_try(imei, host, now):
            self.counters["access.refused.failed_too_often"] += 1
            self.refused(imei_text(imei), imei, RefusalStage.HANDSHAKE, "failed_too_often", "", host)
            return False
        return True

    def established(self, imei: int, host: str, now: float) -> None:
        """A handshake with the terminal's key was completed."""
        identity = self._identities.find(imei)
        if identity is None:
            self._unknown.note(imei_text(imei), host, self._now_us(), proven=True)
            return
        self._tell(online_uplink(identity, imei, host, self._now_us()))
        self._guard.handshake(imei)

    def seen(self, imei: int, cid: bytes, host: str, now: float) -> bool:
        """A fresh message. False: the terminal is blocked, nothing of it is taken."""
        if self._cache.is_blocked(imei):
            self.counters["access.dropped.blocked"] += 1
            return False
        found = self._guard.message(imei, cid, host, now)
        if found:
            self._report(found)
        return True

    def suspicious(self, kind: str, imei: int, host: str, now: float, *, keyed: bool = True) -> None:
        """What ``wire.dtls`` calls suspicious: ``bad_mac``, ``replay``, ``wrong_key``; ``keyed``: of a terminal that has a key."""
        self.counters[f"access.seen.{kind}"] += 1
        if kind == "replay":
            self._report(self._guard.replay(imei, host, now))
        elif kind == "bad_mac":
            self._report(self._guard.bad_record(imei, host, now))
        else:
            if keyed:
                self.refused(imei_text(imei), imei, RefusalStage.HANDSHAKE, "wrong_key", "", host)
            if self._identities.find(imei) is None:
                self._unknown.note(imei_text(imei), host, self._now_us())
            self._report(self._guard.wrong_key(imei, host, now))

    def named_sim(self, imei: int, imsi: str, iccid: str, host: str) -> None:
        """The meter said which SIM it has."""
        identity = self._identities.find(imei)
        if identity is not None:
            self._tell(sim_uplink(identity, imei, Sim(imsi, iccid), host, self._now_us()))

    def refused(self, name: str, imei: int | None, stage: RefusalStage, reason: str, detail: str, host: str) -> None:
        """Somebody was refused, by what it called itself: for the operator's list."""
        self._refusals.note(name, imei, stage, reason, detail, host, self._now_us())

    def unknown(self, claimed: str, host: str, *, proven: bool) -> None:
        """Somebody without a meter in the registry; ``claimed``: the identity as sent."""
        self._unknown.note(claimed, host, self._now_us(), proven=proven)

    def used(self, key: KeyName) -> None:
        """A terminal speaks on a session that was made with this key, and not only to be bootstrapped."""
        if key.replaces and (key.imei in self._used or len(self._used) < MOST_USED):
            self._keys.arrived(key)
            self._used[key.imei] = key

    def take_used(self) -> list[KeyName]:
        """New keys that were used since the last call."""
        used, self._used = list(self._used.values()), {}
        return used

    def _report(self, findings: list[Finding]) -> None:
        for finding in findings:
            self.counters[f"access.found.{finding.kind.value}"] += 1
            identity = self._identities.find(finding.imei)
            if identity is not None:
                self._tell(finding_uplink(identity, finding, self._now_us()))
