# SPDX-License-Identifier: Apache-2.0
"""Memory is given back after an idle minute, and not in the middle of work."""

import gc
import weakref

from openmains.run.roles.tidy import IdleTidy, give_back


class Ring:
    """Something that only the collector ends."""

    def __init__(self) -> None:
        self.self = self


def test_cycles_are_gone_afterwards() -> None:
    gc.disable()
    try:
        ring = Ring()
        alive = weakref.ref(ring)
        del ring
        assert alive() is not None
        give_back()
        assert alive() is None
    finally:
        gc.enable()


def test_only_an_idle_minute_counts() -> None:
    tidy = IdleTidy()
    tidy.was_idle(1000.0, 10.0)
    assert not tidy.was_idle(1060.0, 40.0)  # half a core
    assert tidy.was_idle(1120.0, 43.0)  # a twentieth
    assert not tidy.was_idle(1120.0, 43.0)  # no time passed: nothing is known
