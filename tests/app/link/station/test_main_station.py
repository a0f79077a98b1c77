# SPDX-License-Identifier: Apache-2.0
"""Whose numbers a frame confuses, and who is not heard though its concentrator is."""

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Refusal
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.station.main_station import MainStation
from openmains.domain.fleet.frame_number import twins
from openmains.domain.ids import MeterId
from tests.support.station import AT, GAS, TENANT, LoopTime, Town, readings


def test_numbers_that_stand_in_a_frame_the_same() -> None:
    assert twins(["12", "0012", "7", "7", "007", "A12"]) == [("12", "0012"), ("7", "007")]
    assert twins(["1" * 17, "01", "10"]) == []


async def test_a_meter_whose_terminal_is_blocked_is_not_heard_behind_a_concentrator_either() -> None:
    town = Town()
    main = MainStation(
        node=1, directory=town, admission=town.main.admission, batcher=town.batcher, shedding=Shedding(Pace()), clock=LoopTime(),
        note=lambda *told: None, is_blocked=lambda meter_id: meter_id == 1,
    )  # fmt: skip
    frame = readings(340_000_000_001, 5, AT)
    one, other = (main.admit(Identity(MeterId(n), TENANT, GAS), frame, "3043", lambda found, ok: None) for n in (1, 2))
    assert (one, other) == (Refusal.UNKNOWN_METER, None)
    assert main.admission.counters["blocked"] == 1
