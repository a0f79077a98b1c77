# SPDX-License-Identifier: Apache-2.0
"""The ledger's copies of what persons signed: kept over an upgrade, a restart and a backup, counted by tenant and place."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from openmains.app.command.signer.ports import FactsAct
from openmains.domain.command.held_facts import HeldFacts, UtilityFacts
from openmains.domain.command.safety import OfficeHours
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.edges.signer.ledger import SqliteLedger
from openmains.run.backup.files import copy_sqlite

ONE, TWO = TenantId(1), TenantId(2)
NOW = 1_790_128_800
UTILITY = UtilityFacts("Asia/Urumqi", OfficeHours(9 * 60, 17 * 60, frozenset({0, 4})), remote_closing=False)
METER = HeldFacts(
    MeterId(7), "440000000007", AreaId(3), "openmains/gas-1", prepaid=True, is_protected=False, is_critical=True,
    closing_forbidden=False, qmax_l_h=6_000, dial=99_999_000,
)  # fmt: skip
OTHER = replace(METER, meter_id=MeterId(8), number="440000000008", area_id=AreaId(4), prepaid=False)


def act(tenant: TenantId, *, approver: str = "", added: int = 0, at: int = NOW) -> FactsAct:
    return FactsAct(tenant, "0" * 64, "ann", approver, "a test", at, added)


def test_copies_are_read_as_they_were_signed_also_from_a_backup_of_an_upgraded_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    SqliteLedger(path).close()
    db = sqlite3.connect(path)  # as it was before there were copies
    db.executescript("DROP TABLE facts_act; DROP TABLE utility_facts; DROP TABLE meter_facts; DROP TABLE known")
    db.execute("DELETE FROM about WHERE name LIKE 'sum.%facts%' OR name = 'sum.known'")
    db.commit()
    db.close()
    ledger = SqliteLedger(path)
    ledger.sign_facts(act(ONE, added=2), UTILITY, {METER.meter_id: METER, OTHER.meter_id: OTHER})
    copy_sqlite(path, tmp_path / "copy.sqlite")
    ledger.close()
    for where in (path, tmp_path / "copy.sqlite"):
        found = SqliteLedger(where)
        found.raise_counters(NOW)  # what a restore does to it
        assert found.utility(ONE) == UTILITY and found.utility(TWO) is None
        assert found.held(ONE, [MeterId(7), MeterId(8), MeterId(9)]) == {7: METER, 8: OTHER}
        assert found.held_between(ONE, MeterId(7), None) == {8: OTHER}
        found.close()


def test_counts_follow_what_is_signed(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    assert ledger.sizes(ONE) == (0, 0, {})
    ledger.sign_facts(act(ONE, added=2), None, {METER.meter_id: METER, OTHER.meter_id: OTHER})
    ledger.sign_facts(act(TWO, approver="ben", added=1), None, {MeterId(9): replace(METER, meter_id=MeterId(9))})
    assert ledger.sizes(ONE) == (3, 2, {3: 1, 4: 1})
    assert ledger.held_elsewhere(TWO, [MeterId(7), MeterId(9), MeterId(10)]) == {7}
    assert [ledger.added_alone(ONE, NOW - 1), ledger.added_alone(ONE, NOW), ledger.added_alone(TWO, NOW - 1)] == [
        2,
        0,
        0,
    ]
    ledger.sign_facts(act(ONE), None, {METER.meter_id: None})
    assert ledger.sizes(ONE) == (2, 1, {4: 1})
    assert ledger.held_elsewhere(TWO, [MeterId(7)]) == set()
    ledger.close()
