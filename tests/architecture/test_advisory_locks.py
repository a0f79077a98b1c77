# SPDX-License-Identifier: Apache-2.0
"""Numbers of advisory locks are the whole database's: who takes another's waits for it, or believes that it is at work already."""

import re
from pathlib import Path

EDGE = Path(__file__).resolve().parents[2] / "src/openmains/edges/postgres"
# number: who takes it: folders of the edge, files of it, migrations by name. A new lock takes the next number, and a row here.
OWNERS: dict[int, set[str]] = {
    37: {"readings"},  # tasks of a tenant change
    41: {"party"},  # an act on an account under its key
    45: {"tariff"},  # a tariff changes
    46: {"tariff"},  # price changes of a tenant
    47: {"ledger", "bulk_bills"},  # who books, and who closes a month
    52: {"billing"},  # a tenant's bills
    78: {"payment"},  # an order under its key
    79: {"payment"},  # a day of a channel is compared
    57: {"fleet"},  # the book of concentrators of a tenant
    80: {"payment"},  # direct-debit files of a tenant are made and voided
    107: {"fleet"},  # tags of a tenant
    121: {"billing"},  # whoever deducts for a tenant
    123: {"billing"},  # whoever mirrors meters of a tenant
    112: {"portal"},  # codes for a phone
    113: {"portal"},  # requests of a customer
    128: {"portal"},  # a WeChat is bound
    83: {"arrears"},  # steps of a tenant's arrears are made
    0x6F6D_0001: {"fleet"},  # an import of a tenant
    0x6F6D_0002: {"fleet", "places", "newest_first"},  # the tree of a tenant's areas
    0x6F6D_0003: {"alarm"},  # the loop that tells alarms
    0x6F6D_0004: {
        "installations",
        "hanging_together",
        "fleet",
    },  # meters are hung at accounts, or an import that hung them is undone
    0x6F6D_0005: {"readings"},  # an import of readings of a tenant
    0x6F6D_6967: {"migrate"},
    0x6F6D_6B65: {"security", "party"},  # keys
    0x6F6D_6E6F: {"notice"},
    0x6F6D_6F70: {"fleet"},  # the edge that works for operators' platforms
    0x6F6D_7075: {"notice"},
    0x6F6D_7275: {"rule"},  # the clock of rules
}
IN_SQL = re.compile(r"advisory_(?:xact_)?lock(?:_shared)?\((\d+)")
IN_CODE = re.compile(r"^_?(?:KEY_)?LOCK = (0x[0-9A-F_]+|\d+)", re.MULTILINE)


def test_no_two_take_the_same_number() -> None:
    found: dict[int, set[str]] = {}
    for path in [*EDGE.rglob("*.sql"), *EDGE.rglob("*.py")]:
        place = path.relative_to(EDGE).parts[0]
        if place == "migrations":
            place = path.stem.partition("_")[2]
        for number in (IN_SQL if path.suffix == ".sql" else IN_CODE).findall(path.read_text("utf-8")):
            found.setdefault(int(number, 0), set()).add(place.removesuffix(".py"))
    assert (
        found and {number: places for number, places in found.items() if not places <= OWNERS.get(number, set())} == {}
    )
