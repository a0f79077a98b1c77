# SPDX-License-Identifier: Apache-2.0
"""The edge's memory of terminals that are not simply allowed: few among millions, so all of them are here.

``edges/postgres/security/access_cache.py`` loads it and follows the changes; while PostgreSQL is away the last word holds.
"""

from collections.abc import Mapping

from openmains.domain.security.findings import State


class AccessCache:
    """IMEI → step of the ladder; what is not in it is allowed."""

    def __init__(self) -> None:
        self._states: dict[int, State] = {}

    def __len__(self) -> int:
        return len(self._states)

    def load(self, states: Mapping[int, State]) -> None:
        """Replace everything."""
        self._states = {imei: state for imei, state in states.items() if state is not State.ALLOWED}

    def change(self, imei: int, state: State) -> None:
        """One terminal's step."""
        if state is State.ALLOWED:
            self._states.pop(imei, None)
        else:
            self._states[imei] = state

    def state(self, imei: int) -> State:
        """Its step now."""
        return self._states.get(imei, State.ALLOWED)

    def is_blocked(self, imei: int) -> bool:
        """Nothing of it is taken; a handshake is answered as an unknown identity's."""
        return self._states.get(imei) is State.BLOCKED

    def may_command(self, imei: int) -> bool:
        """Commands go to terminals below quarantine only."""
        return self._states.get(imei, State.ALLOWED) < State.QUARANTINE
