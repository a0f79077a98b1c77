# SPDX-License-Identifier: Apache-2.0
"""How many examples a property test takes: a fifth of them in `make check`, where somebody waits for the answer."""

from hypothesis import settings

FULL = 100  # Hypothesis' own count: what `make test` takes of a test that names none
CHECK = 20


def counted(count: int) -> int:
    """``count`` examples or seeds in `make test`, a fifth of them (at least one) under the profile of `make check`."""
    return max(1, count * min(settings().max_examples, FULL) // FULL)
