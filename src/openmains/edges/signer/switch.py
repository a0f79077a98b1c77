# SPDX-License-Identifier: Apache-2.0
"""``StopSwitch`` as files: one for the platform, one a tenant. A file that is there stops; no engine is asked."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from openmains.app.command.model import Stop
from openmains.domain.period import utc

CACHE_S = 0.2  # small against the 5 s in which a stop must hold


class FileSwitch:
    """``folder`` is shared by all processes of a machine; a look is one system call for each file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all = folder / "all"

    def stopped(self, tenant_id: int) -> bool:
        return self._all.exists() or self._of(tenant_id).exists()

    def standing(self, tenant_id: int) -> Stop | None:
        for path, everywhere in ((self._all, True), (self._of(tenant_id), False)):
            try:
                text = path.read_text("utf-8")
            except FileNotFoundError:
                continue
            return _read(text, everywhere)
        return None

    def stop(self, tenant_id: int | None, who: str, reason: str = "") -> None:
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        path = self._all if tenant_id is None else self._of(tenant_id)
        if not path.exists():
            path.write_text(json.dumps({"who": who, "at": int(time.time()), "reason": reason}) + "\n", "utf-8")

    def resume(self, tenant_id: int | None) -> bool:
        """End a stop; False when there was none."""
        path = self._all if tenant_id is None else self._of(tenant_id)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def _of(self, tenant_id: int) -> Path:
        return self._folder / f"tenant-{tenant_id}"


class CachedStopSwitch:
    """``stopped`` of a switch, looked at again after CACHE_S: for whoever asks for every frame. ``clock``: seconds, monotonic."""

    def __init__(self, switch: FileSwitch, clock: Callable[[], float]) -> None:
        self._switch = switch
        self._clock = clock
        self._seen: dict[int, tuple[float, bool]] = {}

    def stopped(self, tenant_id: int) -> bool:
        now = self._clock()
        seen = self._seen.get(tenant_id)
        if seen is None or now - seen[0] > CACHE_S:
            seen = self._seen[tenant_id] = now, self._switch.stopped(tenant_id)
        return seen[1]


def _read(text: str, everywhere: bool) -> Stop:
    """A file that is there stops, whatever is in it: it may have been made by hand."""
    try:
        said = json.loads(text)
        at = utc(int(said["at"]))
        return Stop(everywhere, str(said["who"]), at, str(said.get("reason", "")))
    except (ValueError, KeyError, TypeError, OverflowError):
        return Stop(everywhere, "", None, "")
