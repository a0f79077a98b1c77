# SPDX-License-Identifier: Apache-2.0
"""The recipes of CONTRIBUTING name files that there are, few of them, and lead where they say: followed in a copy of the tree.

Followed elsewhere, because they need more than the source: a driver (``tests/drivers/test_recipe.py``), a state point
(``tests/edges/postgres/ingest/test_pipeline_store.py``), the constraints of a kind (``tests/edges/postgres/command/test_kinds.py``),
a page of the console (``console/src/app/collected.dom.test.ts``).
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.architecture.test_imports import without_tier
from tests.support.tree_copy import ROOT, add, copy_source, edit, lint_imports, run_in

HEAD = "# SPDX-License-Identifier: Apache-2.0\n"
STEPS = {  # recipe: most steps that are always taken, as far as one must write by hand (a page's: in docs/console.md)
    "A driver for a meter": 4, "A state point": 4, "A quantity": 2, "An operation": 5, "A kind of command": 4, "A page of the console": 0,
    "A context": 6, "A channel": 4,
}  # fmt: skip
PLACEHOLDER = re.compile(r"<[a-z]+>|NNNN_….sql")


def _recipes() -> dict[str, str]:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("\n# Recipes\n")[1]
    return {name.strip(): body for name, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, re.M)}


def _exists(name: str) -> bool:
    """Of a name with a placeholder: whether there is already something of that form."""
    pattern = PLACEHOLDER.sub("*", name).rstrip("/")
    return any(next(place.glob(pattern), None) is not None for place in (ROOT, ROOT / "src" / "openmains"))


def test_each_recipe_is_there_and_short() -> None:
    recipes = _recipes()
    assert set(recipes) == set(STEPS)
    for name, most in STEPS.items():
        steps = [step for step in re.findall(r"^\d\. (.*)", recipes[name], re.M) if not step.startswith("Only if")]
        assert len(steps) <= most, name
    (table,) = re.findall(
        r"### 新增页面[\s\S]*?\n\|---\|---\|\n((?:\|.*\n)+)", (ROOT / "docs/console.md").read_text("utf-8")
    )
    assert table.count("\n") == 3


@pytest.mark.parametrize("name", STEPS)
def test_what_a_recipe_names_is_there(name: str) -> None:
    body = _recipes()[name]
    named = [word for word in re.findall(r"`([^`\s]+/[^`\s]*)`", body) if not word.startswith((".venv", '"'))]
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", body)]
    assert [word for word in named + links if not _exists(word)] == []
    assert named + links


ALARMS = """

@get("/alarms/oldest", operation_id="read_oldest_alarm", tags=["alarms"]{opt})
async def read_oldest_alarm(request: Request[Any, Any, Any]) -> Alarm:
    \"\"\"The oldest that is open.\"\"\"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AlarmStore].oldest()
    if found is None:
        raise Problem("not-found")
    return found


HANDLERS.append(read_oldest_alarm)
"""
QUERY = """
-- name: oldest_alarm
-- The open one that was raised first.
SELECT alarm_id FROM alarm WHERE tenant_id = :tenant_id AND cleared_us IS NULL ORDER BY raised_at LIMIT 1
"""
METHOD = """
    async def oldest(self) -> Alarm | None:
        row = await _QUERIES["oldest_alarm"].fetchrow(self._connection, tenant_id=self._tenant_id)
        return None if row is None else await self.get(row["alarm_id"])
"""
OPERATIONS = """
from openmains.edges.http.app import operations
from openmains.edges.http.permissions import operation_of
from openmains.edges.postgres.alarm import tables
print([operation_of(handler) for handler, _ in operations()], tables._QUERIES["oldest_alarm"])
"""


@pytest.mark.usefixtures("takes_seconds")
def test_an_operation(tmp_path: Path) -> None:
    tree = copy_source(tmp_path)
    add(tree / "app/alarm/ports.py", "    async def oldest(self) -> Alarm | None: ...\n")
    add(tree / "edges/postgres/alarm/queries.sql", QUERY)
    add(tree / "edges/postgres/alarm/tables.py", METHOD)
    handlers = (tree / "edges/http/alarm.py").read_text("utf-8")
    (tree / "edges/http/alarm.py").write_text(handlers + ALARMS.replace("{opt}", ""), "utf-8")
    refused = run_in(tmp_path, "python", "-c", OPERATIONS)
    assert refused.returncode != 0 and "no access declared: read_oldest_alarm" in refused.stderr
    (tree / "edges/http/alarm.py").write_text(
        handlers + ALARMS.replace("{opt}", ", opt=may(Permission.SEE_ALARMS)"), "utf-8"
    )
    done = run_in(tmp_path, "python", "-c", OPERATIONS)
    assert done.returncode == 0 and "'read_oldest_alarm'" in done.stdout, done.stderr


COMPARE = """
from tests.architecture import test_commands_page as compared
for name, test in (("page", compared.test_the_life_of_a_command_is_drawn_from_the_table),
                   ("titles", compared.test_the_consoles_table_of_kinds_says_what_the_servers_does)):
    try:
        test()
    except AssertionError:
        print(name)
"""
MAKE_PAGE = """
import pathlib, sys
sys.path.insert(0, "scripts")
import reference
page = pathlib.Path("docs/commands.md")
page.write_text(reference.with_life(page.read_text("utf-8")), "utf-8")
"""


@pytest.mark.usefixtures("takes_seconds")
def test_a_kind_of_command(tmp_path: Path) -> None:
    """The row alone is refused by what compares; with the console's title, and the page made anew, it is taken."""
    tree = copy_source(tmp_path)
    for name in ("scripts", "docs/commands.md", "console/src/features/command/kinds.ts",
                 "tests/architecture/test_commands_page.py"):  # fmt: skip
        source, place = ROOT / name, tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, place) if source.is_dir() else shutil.copy(source, place)
    kinds, titles = tree / "domain/command/kinds.py", tmp_path / "console/src/features/command/kinds.ts"
    edit(kinds, '    FACTORY_RESET = "factory_reset"\n', '    FACTORY_RESET = "factory_reset"\n    BLINK = "blink"\n')
    edit(
        kinds,
        "    )\n}  # fmt: skip",
        '        _rule(Kind.BLINK, "闪灯", "Blink", _SETTING, _NORMAL, DAY_S),\n    )\n}  # fmt: skip',
    )
    assert run_in(tmp_path, "python", "-c", COMPARE).stdout.split() == ["page", "titles"]
    edit(
        titles, "  read_now: {", '  blink: { title: ["闪灯", "Blink"], does: ["{number}", "{number}"] },\n  read_now: {'
    )
    page = tmp_path / "docs/commands.md"
    done = run_in(tmp_path, "python", "-c", MAKE_PAGE + COMPARE)
    assert (done.stdout, done.returncode) == ("", 0), done
    assert "| `blink` | 闪灯 | Blink | setting |" in page.read_text("utf-8")


ANALYTICS_PORT = """
from typing import Protocol


class ForecastStore(Protocol):
    async def forget(self, forecast_id: int) -> None: ...
"""
ANALYTICS_TABLE = """
from openmains.app.analytics.ports import ForecastStore
from openmains.domain.ids import TenantId
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.db import Connection


class Forecasts:
    def __init__(self, connection: Connection, tenant_id: TenantId) -> None: ...
    async def forget(self, forecast_id: int) -> None: ...


ADAPTERS: Adapters = dict([Bind(ForecastStore).to(Forecasts)])
"""
ASK_PORT = """
from openmains.app.analytics.ports import ForecastStore
from openmains.edges.postgres.unit_of_work import PostgresStore
assert ForecastStore in PostgresStore(None).ports
"""


@pytest.mark.usefixtures("takes_seconds")
def test_a_context(tmp_path: Path) -> None:
    tree = copy_source(tmp_path)
    for place in ("app/analytics", "edges/postgres/analytics"):
        add(tree / place / "__init__.py", HEAD)
    add(tree / "app/analytics/ports.py", HEAD + ANALYTICS_PORT)
    add(tree / "edges/postgres/analytics/adapters.py", HEAD + ANALYTICS_TABLE)
    unit = tree / "edges/postgres/unit_of_work.py"
    edit(unit, "    identity, job,", "    analytics, identity, job,")
    edit(unit, "from openmains.edges.postgres.readings import",
         "from openmains.edges.postgres.analytics import adapters as analytics\nfrom openmains.edges.postgres.readings import")  # fmt: skip
    accepted = lint_imports(tmp_path)
    assert accepted.returncode == 0, accepted.stdout[-2000:]
    assert without_tier(tree / "app") == set()
    asked = run_in(tmp_path, "python", "-c", ASK_PORT)
    assert asked.returncode == 0, asked.stderr
    for place in ("app/bills", "edges/postgres/bills", "domain/bills"):
        add(tree / place / "__init__.py", HEAD)
    refused = lint_imports(tmp_path).stdout
    assert without_tier(tree / "app") == {"bills"}
    for place in ("edges.postgres.bills", "domain.bills"):
        assert f"openmains.{place}" in refused, place


CHANNEL = """
from collections.abc import Callable

from openmains.app.link.ports import Link, LinkUser, Terminal


class LineTerminal:
    imei = 1
    text = "000000000000001"
    cid = b"1"
    host = "192.0.2.1"
    address: object = None
    proven = True
    heard_us = 0


class LineLink:
    def terminal(self, imei: int) -> LineTerminal | None:
        return None

    def terminal_of(self, cid: bytes) -> LineTerminal | None:
        return None

    def send(self, cid: bytes, message: bytes, now: float) -> None: ...
    def transmit_soon(self) -> None: ...
    def confirm(self, terminal: Terminal, address: object) -> None: ...
    def in_service(self, terminal: Terminal) -> None: ...
    def close_session(self, imei: int) -> None: ...


def opened(make: Callable[[Link], LinkUser]) -> LinkUser:
    user = make(LineLink())
    user.session_up(LineTerminal(), None, 0.0)
    user.message_received(LineTerminal(), b"", 0.0)
    return user
"""


@pytest.mark.usefixtures("takes_seconds")
def test_a_channel(tmp_path: Path) -> None:
    """A folder of ``edges`` needs no leave; what does not do all that a link must is found by its type, and the edges stand alone."""
    tree = copy_source(tmp_path)
    folder = tree / "edges/line"
    add(folder / "__init__.py", HEAD)
    add(folder / "link.py", HEAD + CHANNEL)
    types = ("mypy", "--cache-dir", str(tmp_path / "types"), "--follow-imports", "silent", str(folder / "link.py"))
    assert (done := run_in(tmp_path, *types)).returncode == 0, done.stdout
    edit(folder / "link.py", "    def close_session(self, imei: int) -> None: ...\n", "")
    assert '"LineLink" is missing following "Link" protocol member' in run_in(tmp_path, *types).stdout.replace(
        "\n", " "
    )
    assert lint_imports(tmp_path).returncode == 0
    add(folder / "link.py", "\nfrom openmains.edges.udp.shell import open_socket\n")
    assert "openmains.edges.line.link" in lint_imports(tmp_path).stdout
