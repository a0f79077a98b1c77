# SPDX-License-Identifier: Apache-2.0
"""Settings of the commands that are typed here."""

import pytest

from openmains.run.engines.engines import Engines


@pytest.fixture
def outside(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """Settings name the engines by their URLs, as for outside ones."""
    for role in ("owner", "api", "pipeline"):
        monkeypatch.setenv(f"OPENMAINS_POSTGRES_{role.upper()}_URL", getattr(engines.urls, f"postgres_{role}"))
    monkeypatch.setenv("OPENMAINS_NATS_URL", engines.urls.nats)
    return engines
