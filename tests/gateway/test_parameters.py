# SPDX-License-Identifier: Apache-2.0
"""Commands to the gateway itself: done once, told as what it then goes by, over kills; what will not do changes nothing; meters follow a new
plan of slices."""

from collections.abc import Mapping
from typing import Any

import pytest

from openmains.gateway.config import GatewayConfig
from openmains.wire.gateway.messages import ParametersCommand, ParametersWord
from openmains.wire.gateway.parameters import PARAMETERS, fault, together
from openmains.wire.gbt36330.peer import Confirmed
from openmains.wire.gbt36330.receipt import decode_receipt_untrusted
from tests.gateway.test_core import CARRIED, KEY, MONO_MS, NOW_MS, Box, Meter

NOW_S = NOW_MS // 1000


def give(box: Box, command: int, values: Mapping[str, Any], not_after_s: int = 0) -> list[tuple[str, str, str]]:
    """State, reason and name of each word since, in order."""
    before = len(box.words(ParametersWord))
    box.core.north_received(ParametersCommand(command, values, not_after_s), box.now)
    box.core.to_radio()
    return [(word.state, word.reason, word.name) for word in box.words(ParametersWord)[before:]]


def begun_anew(box: Box) -> Box:
    box.core.to_radio()
    return Box(box.store)


def test_what_was_set_is_told_as_done_once_the_gateway_goes_by_it() -> None:
    box = Box()
    assert give(box, 1, {"tries": 5, "log_level": "debug"}) == [("taken", "", "")]
    assert box.core.is_to_restart and box.core.config.tries == 3
    box = begun_anew(box)
    assert (box.core.config.tries, box.core.config.log_level, box.core.is_to_restart) == (5, "debug", False)
    done = box.words(ParametersWord)[-1]
    assert (done.command, done.state, done.values) == (1, "done", box.core.config.parameters)
    assert box.core.state(box.now).parameters == box.core.config.parameters
    assert give(begun_anew(box), 1, {"tries": 5}) == [("done", "", "")]  # said again, told again, and nothing done
    assert not box.core.is_to_restart


def test_a_kill_at_any_instant_leaves_it_done_once_or_not_at_all() -> None:
    box = Box()
    box.core.north_received(ParametersCommand(1, {"tries": 5}), box.now)
    box.store.roll_back()  # before anybody was told
    box = Box(box.store)
    assert box.core.config.tries == 3 and not box.words(ParametersWord)
    assert give(box, 1, {"tries": 5}) == [("taken", "", "")]
    again = Box(box.store)  # killed when it had begun anew, before it could say so
    again.store.roll_back()
    again = begun_anew(Box(again.store))
    assert [word.state for word in again.words(ParametersWord)] == ["taken", "done"]
    assert begun_anew(again).core.config.tries == 5


def test_what_it_goes_by_is_said_without_being_changed() -> None:
    box = Box()
    assert give(box, 4, {}) == [("done", "", "")]
    assert box.words(ParametersWord)[-1].values == box.core.config.parameters
    assert not box.core.is_to_restart


@pytest.mark.parametrize(
    ("values", "reason", "name"),
    [
        ({"tries": 11}, "range", "tries"),
        ({"tries": "3"}, "type", "tries"),
        ({"tries": True}, "type", "tries"),
        ({"channels": [1, 1]}, "repeated", "channels"),
        ({"channels": []}, "count", "channels"),
        ({"channels": [0]}, "range", "channels"),
        ({"log_level": "loud"}, "range", "log_level"),
        ({"number": 5}, "unknown", "number"),
        ({"slice_s": 300, "cycle_s": 300}, "together", "cycle_s"),
        ({"cycle_s": 7_000}, "together", "cycle_s"),
        ({"tries": 4, "report_s": 61}, "range", "report_s"),
    ],
)  # fmt: skip
def test_a_value_that_will_not_do_changes_nothing_and_is_named(values: dict[str, Any], reason: str, name: str) -> None:
    box = Box()
    assert give(box, 1, values) == [("refused", reason, name)]
    assert not box.core.is_to_restart
    assert begun_anew(box).core.config == box.core.config
    assert give(box, 1, values) == [("refused", reason, name)]  # said again
    assert give(box, 2, {"tries": 4}) == [("taken", "", "")]


def test_a_gateway_keeps_room_for_the_meters_it_has_and_the_relays_they_use() -> None:
    box = Box()
    for count in range(54):
        Meter(box, f"{460_000_000_000_000_0 + count:016d}")
    few = {"cycle_s": 300, "slice_s": 5, "channels": [1]}  # sixty slices, seven of them the gateway's
    assert give(box, 1, few) == [("refused", "too_few_slices", "channels")]
    assert not box.core.is_to_restart
    member = next(iter(box.core.members))
    member.kept = member.kept._replace(via=2)
    assert give(box, 3, {"relays": [1], "channels": [1, 2]}) == [("refused", "in_use", "relays")]


def test_what_is_over_or_overtaken_is_not_done() -> None:
    box = Box()
    over, coming = NOW_S + (box.now - MONO_MS) // 1000, NOW_S + 3600
    assert give(box, 5, {"tries": 5}, over) == [("too_late", "", "")]
    assert give(box, 7, {"tries": 7}, coming) == [("taken", "", "")]
    box = begun_anew(box)
    assert give(box, 6, {"tries": 6}, coming) == [("refused", "overtaken", "")]
    assert begun_anew(box).core.config.tries == 7


def test_without_the_time_what_has_an_end_waits_to_be_said_again() -> None:
    box = Box(box_ms=0)
    assert give(box, 1, {"tries": 5}, NOW_S + 3600) == []
    assert give(box, 1, {"tries": 5}) == [("taken", "", "")]


def test_a_file_that_was_changed_since_goes_before_what_was_set() -> None:
    box = Box()
    give(box, 1, {"slice_s": 300, "cycle_s": 21_600})
    box.core.to_radio()
    config = GatewayConfig(box.core.config.number, 7, KEY, channels=(1, 2))
    box.store.put_parameters({"slice_s": 300, "no_such": 1})
    box.store.commit()
    again = Box(box.store)
    assert again.core.config.slice_s == config.slice_s
    assert "parameters_given_up" in {item.word.event for item in box.store.items(0, 100) if hasattr(item.word, "event")}
    assert begun_anew(again).core.config.slice_s == config.slice_s


def test_meters_follow_a_new_plan_of_slices() -> None:
    box = Box()
    meter = Meter(box)
    give(box, 1, {"slice_s": 60})
    meter.box = box = begun_anew(box)
    for more in (True, True):  # until it has joined it is asked again
        (told,) = meter.say(CARRIED, b"report" + bytes((more,)))
        assert isinstance(told, Confirmed) and decode_receipt_untrusted(told.data).join_anew is more
    again = Meter(box)
    assert (again.welcome.logical, again.welcome.slice_s) == (meter.welcome.logical, 60)
    (told,) = again.say(CARRIED, b"another")
    assert isinstance(told, Confirmed) and not decode_receipt_untrusted(told.data).join_anew
    assert not begun_anew(box).core.members.misplaced


def test_the_table_says_which_values_there_are() -> None:
    whole = GatewayConfig("9" * 16, 7, KEY).parameters
    assert set(whole) == set(PARAMETERS)
    assert not together(whole)
    for name, known in PARAMETERS.items():
        assert not fault(name, whole[name])
        if known.kind == "int":
            assert [fault(name, value) for value in (known.low - 1, known.low, known.high, known.high + 1)] == [
                "range",
                "",
                "",
                "range",
            ]
