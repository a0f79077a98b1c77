# SPDX-License-Identifier: Apache-2.0
"""Settings of the property tests: the same few examples at every run (fewer in `make check`), more and other ones on request.

``OPENMAINS_EXAMPLES=20 pytest tests/domain --hypothesis-seed=3`` takes twenty times as many, from that seed.
"""

import os

from hypothesis import settings

from tests.support.properties import counted

FACTOR = int(os.environ.get("OPENMAINS_EXAMPLES", "1"))


def examples(count: int) -> settings:
    """Decorator: ``count`` examples, always the same ones unless more are asked for."""
    return settings(max_examples=counted(count) * FACTOR, derandomize=FACTOR == 1, database=None, deadline=None)
