# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests. Who uses one of these gets the mark that keeps it out of `make check` (tests/support/tiers.py).

``engines``         one set of real engines for the whole run, PostgreSQL migrated; do not stop it, use your own tenant
``clickhouse``      its ClickHouse, owned by the test process, migrated; use meter ids of your own
``own_engines``     a set for one test, without schema, to kill and stop at will
``systems``         starts a whole supervised system: ``with systems(setting=…) as system``
``starts_engines``  for a test that starts them in a way of its own: the command line, an engine's own class
``foreign_programs``  for a test that speaks with programs which `make test` installs
``fuzzer``          for a test that lets a fuzz target run for seconds
``all_seeds``       for a thousand seeds, of which another test takes a hundred
``takes_seconds``   for what would make `make check` wait: a year of meters, a copy of the tree, a city after a power cut
``takes_minutes``   for `make test-slow` alone; a smaller test of the same is in `make test`
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from openmains.edges.clickhouse import migrate as clickhouse_migrate
from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.engines.engines import Engines
from tests.support.engines import migrate_postgres, running_engines
from tests.support.passwords import CHEAP, hashed_by
from tests.support.properties import CHECK
from tests.support.system import Systems, running_system
from tests.support.tiers import Watch, marks_of, turn_of

# Hypothesis judges a test by the clock unless told otherwise; how fast this machine is today is not what is tested.
settings.register_profile("openmains", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile(
    "check", settings.get_profile("openmains"), max_examples=CHECK
)  # `make check`: an answer while one waits
settings.load_profile("openmains")

WATCH = Watch()
READS_THE_TREE = Path(__file__).parent / "architecture"


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by mark
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    used: dict[Path, set[str]] = defaultdict(set)
    for item in items:
        if READS_THE_TREE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("tree"))  # `make check`: one worker parses the source, not both
        if isinstance(item, pytest.Function):
            used[item.path].update(item.fixturenames)
            for mark in sorted(marks_of(item.fixturenames)):
                item.add_marker(mark)
    if hasattr(config, "workerinput"):  # what takes long first, so that no worker is left with it at the end
        items.sort(key=lambda item: turn_of(used[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    WATCH.test = "" if item.get_closest_marker("engines") else item.nodeid
    try:
        return (yield)
    finally:
        WATCH.test = ""


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """A thousand people are made and let in by the tests; half a second of processor for each is most of what they would take."""
    with hashed_by(CHEAP):
        yield


@pytest.fixture(scope="session")
async def engines() -> AsyncIterator[Engines]:
    """Running engines; ``engines.urls`` tells where."""
    async with running_engines() as running:
        await migrate_postgres(running.urls)
        yield running


@pytest.fixture(scope="session")
async def clickhouse(engines: Engines) -> AsyncIterator[ClickHouse]:
    """The engine inside this process, with its tables."""
    client = ClickHouse(engines.urls.clickhouse)
    await clickhouse_migrate.migrate(client)
    yield client
    client.close()


@pytest.fixture
async def own_engines() -> AsyncIterator[Engines]:
    """Engines for one test alone."""
    async with running_engines() as running:
        yield running


@pytest.fixture(scope="session")
def systems() -> Systems:
    """``running_system`` of tests/support/system.py."""
    return running_system


@pytest.fixture(scope="session")
def starts_engines() -> None:
    """Says so, and lets it."""


@pytest.fixture(scope="session")
def foreign_programs() -> None:
    """Says that they are needed."""


@pytest.fixture(scope="session")
def fuzzer() -> None:
    """Says so."""


@pytest.fixture(scope="session")
def all_seeds() -> None:
    """Says so."""


@pytest.fixture(scope="session")
def takes_seconds() -> None:
    """Says so."""


@pytest.fixture(scope="session")
def takes_minutes() -> None:
    """Says so."""
