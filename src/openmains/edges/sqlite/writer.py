# SPDX-License-Identifier: Apache-2.0
"""Writes what happens to sessions: many changes a transaction, in a thread, each confirmed when it is on disk.

What must be durable before the next word goes out (a new session, reserved sequence numbers) is written at once, and registrations, with
everything else that waits; what may lag (``heard``) waits up to a second and is written once however often it changed.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from openmains.edges.sqlite.sessions import Changes, Heard, SessionFile, StoredSession

log = logging.getLogger("openmains.edge")
Done = Callable[[bool], None]
HEARD_S = 1.0


def _nothing() -> Changes:
    return Changes([], [], {}, {}, [])


class SessionWriter:
    """One for each edge; lives in one event loop. ``find`` sees what is not written yet."""

    def __init__(self, file: SessionFile) -> None:
        self._file = file
        self._next = _nothing()
        self._writing = _nothing()
        self._done: list[Done] = []
        self._urgent = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.failed = 0
        self.last_fault = ""
        self.damaged = ""  # what the engine said of the file; nothing will mend it but a new one

    def establish(self, session: StoredSession, done: Done) -> None:
        """A new session; of the meter's earlier ones only the newest stays."""
        self._next.established.append(session)
        self._soon(done)

    def add(
        self,
        cid: bytes,
        imei: int,
        secrets: bytes,
        reserved: int,
        peer: str,
        now_us: int,
        done: Done,
        *,
        by_address: bool,
    ) -> None:
        """The same by its parts: a session that has received nothing yet."""
        address = peer if by_address else None
        self.establish(StoredSession(cid, imei, secrets, reserved, -1, peer, now_us, address=address), done)

    def note(self, cid: bytes, newest: int, peer: str, now_us: int, sent: int, run: int) -> None:
        """``heard`` by its parts."""
        self.heard(cid, Heard(newest, peer, now_us, sent, run))

    def reserve(self, cid: bytes, reserved: int, done: Done) -> None:
        """Sequence numbers up to ``reserved`` may be used once ``done(True)`` came."""
        self._next.reserved.append((reserved, cid))
        self._soon(done)

    def register(self, cid: bytes, registration: bytes | None) -> None:
        """The LwM2M registration changed, or what is observed with it: written at once, though nobody waits. Without the registration the
        device hears 4.04 at its next Update, which may be a day away; a notification of an observation that was lost is rejected, and
        the device takes it for cancelled."""
        self._next.registered[cid] = registration
        self._urgent = True
        self._start()

    def remove(self, cid: bytes) -> None:
        """The session is over."""
        self._next.removed.append(cid)
        self._next.heard.pop(cid, None)
        self._next.registered.pop(cid, None)
        self._later()

    def heard(self, cid: bytes, heard: Heard) -> None:
        """Something new was received."""
        self._next.heard[cid] = heard
        self._later()

    @property
    def waiting(self) -> int:
        """New sessions and reservations not on disk yet."""
        return len(self._done)

    def find(self, cid: bytes) -> StoredSession | None:
        """The session as it is now."""
        try:
            found = self._file.find(cid)
        except sqlite3.DatabaseError as error:
            self._note_damage(error)
            return None  # as if it were unknown: the meter handshakes
        if found is None:
            return None
        if cid in self._next.removed or cid in self._writing.removed:
            return None
        for changes in (self._next, self._writing):
            if cid in changes.registered:
                found = replace(found, registration=changes.registered[cid])
                break
        newer = self._next.heard.get(cid) or self._writing.heard.get(cid)
        if newer is None:
            return found
        return replace(
            found, newest=newer.newest, peer=newer.peer, heard_us=newer.heard_us, sent=newer.sent, run=newer.run
        )

    def cid_at(self, peer: str) -> bytes | None:
        """Connection ID of the session that is found by this address; ``find`` knows whether it is over."""
        return self._file.cid_at(peer)

    def cid_of(self, imei: int) -> bytes | None:
        """Connection ID of a meter's newest session."""
        try:
            return self._file.cid_of(imei)
        except sqlite3.DatabaseError as error:
            self._note_damage(error)
            return None

    def _note_damage(self, error: sqlite3.DatabaseError) -> None:
        """Busy, full or not reachable may pass; what is left is damage."""
        if not isinstance(error, sqlite3.OperationalError) and not self.damaged:
            self.damaged = str(error)
            log.error("the session file is damaged: %s", error)

    @property
    def _lags(self) -> bool:
        return bool(self._next.heard or self._next.registered or self._next.removed)

    def _soon(self, done: Done) -> None:
        self._done.append(done)
        self._urgent = True
        if self._task is None:
            self._start()

    def _later(self) -> None:
        if self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(HEARD_S, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Write until nothing urgent waits. Starts a turn later, so that one wake-up's changes go together."""
        await asyncio.sleep(0)
        first = True
        while first or self._urgent:
            first = False
            await self._write()
        self._task = None
        if self._lags:
            self._later()

    async def _write(self) -> None:
        changes, self._next = self._next, _nothing()
        waiting, self._done = self._done, []
        self._writing, self._urgent = changes, False
        confirmed = False
        try:
            await asyncio.to_thread(self._file.write, changes)
            confirmed = True
        except sqlite3.Error as error:
            self.failed += 1
            self.last_fault = str(error)
            log.warning("sessions are not being stored: %s", error)
            if isinstance(error, sqlite3.DatabaseError):
                self._note_damage(error)
        finally:
            self._writing = _nothing()
            if not confirmed:
                self._keep(changes)
            for done in waiting:
                done(confirmed)

    def _keep(self, changes: Changes) -> None:
        """After a failure: what nobody waits for is tried again with the next transaction."""
        self._next.heard = changes.heard | self._next.heard
        self._next.registered = changes.registered | self._next.registered
        self._next.removed = changes.removed + self._next.removed

    async def drain(self) -> None:
        """Write everything now (at shutdown)."""
        self._start()
        while self._task is not None:
            await asyncio.shield(self._task)
            if self._lags:
                before = self.failed
                self._start()
                if self._task is not None:
                    await asyncio.shield(self._task)
                if self.failed > before:
                    return
