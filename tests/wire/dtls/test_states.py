# SPDX-License-Identifier: Apache-2.0
"""The tables of ``states.py``: complete, closed, and the same as in the documentation."""

from pathlib import Path

from openmains.wire.dtls import states
from openmains.wire.dtls.states import ASKING, SERVING, Asking, AskingInput, Serving, ServingInput

PAGE = Path(__file__).resolve().parents[3] / "docs" / "protocols" / "dtls.md"


def test_every_pair_has_a_row() -> None:
    assert len(SERVING) == len(Serving) * len(ServingInput)
    assert len(ASKING) == len(Asking) * len(AskingInput)


def test_every_state_can_be_reached() -> None:
    for table, start, members in ((SERVING, Serving.HELLO, Serving), (ASKING, Asking.IDLE, Asking)):
        reached: set[int] = {start}
        while True:
            more = {after for (state, _), (after, _) in table.items() if state in reached} - reached  # type: ignore[attr-defined]
            if not more:
                break
            reached |= more
        # CLOSED by close_notify is no step of a handshake, but failing is.
        assert reached == set(members)


def test_nothing_leads_out_of_the_end() -> None:
    assert {after for (state, _), (after, _) in SERVING.items() if state is Serving.FAILED} == {Serving.FAILED}
    assert {after for (state, _), (after, _) in ASKING.items() if state is Asking.CLOSED} == {Asking.CLOSED}


def test_only_a_verified_finished_leads_to_storing() -> None:
    to_storing = {
        (state, what) for (state, what), (after, _) in SERVING.items()
        if after in (Serving.STORING, Serving.SHORT_STORING) and state is not after
    }  # fmt: skip
    assert to_storing == {
        (Serving.FINISHED, ServingInput.FINISHED),
        (Serving.SHORT_FINISHED, ServingInput.FINISHED),
    }


def test_the_page_shows_the_tables() -> None:
    assert states.markdown() in PAGE.read_text("utf-8")
