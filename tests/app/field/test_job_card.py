# SPDX-License-Identifier: Apache-2.0
"""The card of an installation: of a meter that waits it has lines to write on, of one that hangs what was found; the template sets both."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from openmains.app.field.job_card import job_card
from openmains.app.field.model import SiteVisit
from openmains.app.fleet.lives.model import Installation, LifeRecord, MeterFacts, MeterLife
from openmains.domain.field.checklist import items_of
from openmains.domain.fleet.hanging import MeterRole
from openmains.domain.fleet.meter_life import Life
from openmains.domain.ids import AccountId, InstallationId, MeterId, UserId, VisitId
from openmains.domain.period import zone
from openmains.edges.typeset.bills import TypstBills

AT = datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
FACTS = MeterFacts(MeterRole.HOUSEHOLD, None, None, 0, "", date(2026, 3, 1), None, None, None)


def life(*, hangs: bool, medium: Any = "gas") -> MeterLife:
    hung = AT + timedelta(hours=3)
    issue = LifeRecord(
        1, "issue", AT, Life.ISSUED, None, None, None, "王师傅", "城建二队", "job", "k", UserId(1), "仓库", AT
    )
    install = LifeRecord(
        2, "install", hung, Life.INSTALLED, AccountId(3), "100023", "2016000077", "王师傅", "城建二队", "job", "k2", UserId(1), "e", hung
    )  # fmt: skip
    installed = Installation(
        InstallationId(1), MeterId(7), "2026000123", AccountId(3), "100023", "人民路 12 号 3-402", MeterRole.HOUSEHOLD, hung,
        None, 12, "0.012", "read", None, None, None, -3, "王师傅", "城建二队", UserId(1), "e", UserId(2), "李工", AT + timedelta(hours=9), None,
    )  # fmt: skip
    return MeterLife(
        MeterId(7), "2026000123", "BC-0001", False, medium, Life.IN_USE if hangs else Life.ISSUED, AT, [], 1, FACTS, None, None,
        [installed] if hangs else [], [install, issue] if hangs else [issue],
    )  # fmt: skip


def visit(kind: Any, facts: dict[str, Any], at: datetime) -> SiteVisit:
    return SiteVisit(VisitId(1), "k", kind, MeterId(7), at, "", "", facts, UserId(1), "王师傅", at)


CHECKED = visit("installation", {"fire_distance_cm": 180, "no_leak": True}, AT + timedelta(hours=4))
TESTED = visit("test", {}, AT + timedelta(hours=5))
BEFORE = visit("installation", {"fire_distance_cm": 999}, AT - timedelta(days=400))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_card_is_set_with_what_is_known(language: Any, hangs: bool) -> None:
    visits = [TESTED, CHECKED, BEFORE] if hangs else [BEFORE]
    card = job_card(life(hangs=hangs), "G2.5", visits, "江城燃气", zone("Asia/Shanghai"), language)
    text = json.dumps(card, ensure_ascii=False)
    for known in ("2026000123", "BC-0001", "G2.5", "王师傅", "城建二队", "2026-11-28 10:30", "≥ 150 cm", "≤ 80 N·m"):
        assert known in text, known
    for found in ("人民路 12 号 3-402", "100023", "0.012", "180 cm", "李工", "2026-11-28 15:30", "2016000077"):
        assert (found in text) == hangs, found
    assert "999" not in text  # of another job
    assert len(card["checks"]["rows"]) == len(items_of("gas")) + 1
    typeset = TypstBills()
    assert typeset.set(text, 0).startswith(b"%PDF-")
    typeset.close()


def test_a_water_meter_is_asked_what_concerns_water() -> None:
    card = job_card(life(hangs=False, medium="water"), "DN20", [], "u", zone("UTC"), "en")
    assert [row[0] for row in card["checks"]["rows"]][:-1] == [item.en for item in items_of("water")]
    assert all(row[2] == "" for row in card["checks"]["rows"]) and card["accepted"] == ""
