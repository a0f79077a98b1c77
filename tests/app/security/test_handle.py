# SPDX-License-Identifier: Apache-2.0
"""What people do about terminals: the ladder's steps by hand, unknown ones taken in, keys asked for and handed over once."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from openmains.app.fleet.areas import Area
from openmains.app.fleet.model import NewMeter
from openmains.app.fleet.ports import AreaStore, MeterStore, ProductStore
from openmains.app.job.ports import JobStore
from openmains.app.security.handle import (
    Now,
    accept_unknown,
    ask_for_import,
    ask_for_keys,
    destroy_key,
    dismiss_unknown,
    hold_terminal,
    release_terminal,
    take_key_file,
)
from openmains.app.security.keys.jobs import KEY_GENERATE, KEY_IMPORT, file_of
from openmains.app.security.model import KeyWish, LadderSteps, MeterSecurity, UnknownTerminal
from openmains.app.security.ports import AccessStore
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import AreaId, MeterId
from openmains.domain.security.findings import EVENTS, State
from openmains.domain.security.ladder import Standing, Thresholds
from tests.support.doubles import THEN, Areas, Dims, Jobs, Meters, Products, job, meter, product
from tests.support.work import ACTOR, GivenStore, refused

FIVE = MeterId(5)
IMEI, ANOTHER = (f"{imei_of(86_100_000_000_000 + k)}" for k in range(2))
NOW = Now(1_790_000_000_500_000, Thresholds())


class Access:
    """``AccessStore`` of one meter with the IMEI above; ``cleared``: events whose alarms were cleared."""

    def __init__(self, standing: Standing | None = None, unknown: UnknownTerminal | None = None) -> None:
        self.now_at, self.unknown_now = standing, unknown
        self.forgot: list[bool] = []
        self.cleared: list[str] = []
        self.has_key = True

    async def standing(self, meter_id: int) -> tuple[int, Standing] | None:
        return None if self.now_at is None or meter_id != FIVE else (int(IMEI), self.now_at)

    async def put(self, imei: int, meter_id: int, standing: Standing, user_id: int, note: str, *, forget: bool) -> None:
        assert (imei, meter_id, user_id) == (int(IMEI), FIVE, ACTOR.user_id)
        self.now_at = standing
        self.forgot.append(forget)

    async def clear_alarms(self, meter_id: int, events: list[str], now_us: int) -> None:
        assert now_us == NOW.us
        self.cleared += events

    async def security(self, meter_id: int, thresholds: Thresholds, now_s: int) -> MeterSecurity:
        assert self.now_at is not None and now_s == NOW.s
        return MeterSecurity(
            meter_id, "5", IMEI, self.now_at.state.word, self.now_at.held, self.now_at.score // 1000,  # type: ignore[arg-type]
            LadderSteps(10, 50, 100), {}, None, None, "", "", "", "", "", "", None, None, 0, None,
        )  # fmt: skip

    async def unknown_one(self, imei: int) -> UnknownTerminal | None:
        return self.unknown_now if imei == int(IMEI) else None

    async def handle_unknown(self, imei: int, status: Any, user_id: int, meter_id: int | None) -> None:
        assert self.unknown_now is not None
        self.unknown_now = structs.replace(self.unknown_now, status=status, handled_by=user_id, meter_id=meter_id)

    async def destroy_key(self, meter_id: int) -> bool:
        had, self.has_key = self.has_key, False
        return had


class Files:
    """``KeyFiles`` in a dictionary."""

    def __init__(self, **files: bytes) -> None:
        self.files = dict(files)

    def name(self) -> str:
        return f"sealed-{len(self.files)}"

    def put(self, name: str, data: bytes) -> Path:
        self.files[name] = data
        return Path(name)

    def fetch(self, name: str) -> bytes | None:
        return self.files.pop(name, None)


def given(access: Access, *, jobs: Jobs | None = None, meters: Meters | None = None) -> GivenStore:
    return GivenStore(
        {
            AccessStore: access,
            JobStore: jobs or Jobs(),
            MeterStore: meters or Meters(meter(5)),
            AreaStore: Areas(Area(AreaId(2), None, "n", "North")),
            ProductStore: Products(product(3)),
        }
    )


def stranger(status: Any = "open") -> UnknownTerminal:
    return UnknownTerminal(IMEI, THEN, THEN, 3, "192.0.2.1", True, status, None, None, None)


async def test_a_released_terminal_has_nothing_against_it_and_its_alarms_are_over() -> None:
    access = Access(Standing(State.QUARANTINE, 60_000, 100, held=True))
    store = given(access)
    after = await release_terminal(store, ACTOR, FIVE, "looked at", NOW)
    assert access.now_at == Standing(State.ALLOWED, 0, NOW.s)
    assert (after.state, after.score, access.forgot, access.cleared) == ("allowed", 0, [True], EVENTS)
    (line,) = store.trail
    assert line.before == {"state": "quarantine", "score": 60}
    assert line.after == {"state": "allowed", "note": "looked at"}


async def test_an_observed_one_may_be_released_and_a_spotless_one_need_not() -> None:
    access = Access(Standing(State.ALLOWED, 3_000, 100))
    await release_terminal(given(access), ACTOR, FIVE, "looked at", NOW)
    store = given(access)
    assert (await refused(release_terminal(store, ACTOR, FIVE, "", NOW), store)).code == "already-done"


@pytest.mark.parametrize("state", ["quarantine", "blocked"])
async def test_a_person_puts_a_terminal_on_a_step_and_its_score_stays(state: Any) -> None:
    access = Access(Standing(State.OBSERVE, 20_000, 100))
    store = given(access)
    after = await hold_terminal(store, ACTOR, FIVE, state, "stolen", NOW)
    assert (after.state, after.held, after.score, access.forgot, access.cleared) == (state, True, 20, [False], [])
    assert (await refused(hold_terminal(store, ACTOR, FIVE, state, "again", NOW), store)).code == "already-done"


async def test_a_step_the_platform_chose_is_made_a_persons_own() -> None:
    access = Access(Standing(State.BLOCKED, 120_000, 100))
    after = await hold_terminal(given(access), ACTOR, FIVE, "blocked", "stolen", NOW)
    assert after.held


async def test_a_meter_without_a_terminal() -> None:
    store = given(Access())
    for asked in (release_terminal(store, ACTOR, FIVE, "", NOW), hold_terminal(store, ACTOR, FIVE, "blocked", "", NOW)):
        assert (await refused(asked, store)).code == "not-found"


def wanted(**more: Any) -> NewMeter:
    return NewMeter(**({"number": "A1", "product_id": 3, "area_id": 2, "installed_on": date(2026, 9, 1)} | more))


async def test_an_unknown_terminal_becomes_a_meter_with_its_imei() -> None:
    access, dims = Access(unknown=stranger()), Dims()
    store = given(access)
    made = await accept_unknown(store, dims, ACTOR, IMEI, wanted(), date(2026, 9, 1))
    assert (made.imei, len(dims.rows)) == (IMEI, 1)
    assert access.unknown_now is not None
    assert (access.unknown_now.status, access.unknown_now.meter_id) == ("accepted", made.meter_id)
    assert store.actions == ["add_meter", "accept_unknown"]


@pytest.mark.parametrize(
    ("imei", "meter_imei", "unknown", "code"),
    [
        ("12", None, stranger(), "not-found"),
        (ANOTHER, None, stranger(), "not-found"),
        (IMEI, None, None, "not-found"),
        (IMEI, None, stranger("accepted"), "already-done"),
    ],
)
async def test_what_is_no_open_terminal_is_not_taken_in(
    imei: str, meter_imei: str | None, unknown: UnknownTerminal | None, code: str
) -> None:
    access, dims, meters = Access(unknown=unknown), Dims(), Meters()
    with pytest.raises(Exception, match=code):
        await accept_unknown(given(access, meters=meters), dims, ACTOR, imei, wanted(imei=meter_imei), date(2026, 9, 1))
    assert (meters.rows, dims.rows) == ({}, [])


async def test_the_meter_may_not_name_another_imei() -> None:
    meters = Meters()
    with pytest.raises(Exception, match="invalid-input"):
        await accept_unknown(
            given(Access(unknown=stranger()), meters=meters),
            Dims(),
            ACTOR,
            IMEI,
            wanted(imei=ANOTHER),
            date(2026, 9, 1),
        )
    assert meters.rows == {}


async def test_a_dismissed_terminal_stays_in_its_list_and_may_be_taken_in_later() -> None:
    access = Access(unknown=stranger())
    store = given(access)
    assert (await dismiss_unknown(store, ACTOR, IMEI)).status == "dismissed"
    await accept_unknown(store, Dims(), ACTOR, IMEI, wanted(), date(2026, 9, 1))
    assert store.actions == ["dismiss_unknown", "add_meter", "accept_unknown"]
    assert (await refused(dismiss_unknown(store, ACTOR, IMEI), store)).code == "already-done"


async def test_uploaded_keys_are_sealed_before_their_job_is_queued_and_stand_in_no_trail() -> None:
    files, jobs = Files(), Jobs()
    store = given(Access(), jobs=jobs)
    await ask_for_import(store, files, ACTOR, b"imei,psk\n1,00ff", "k.csv", partial=True, reason="new")  # type: ignore[arg-type]
    assert files.files == {"sealed-0": b"imei,psk\n1,00ff"}
    assert jobs.asked[0][:2] == (KEY_IMPORT, {"file_name": "k.csv", "sealed": "sealed-0", "partial": True})
    assert "00ff" not in repr(store.trail)


@pytest.mark.parametrize(
    ("wish", "pointers"),
    [
        (KeyWish(meter_ids=[5, 5], reason="new"), []),
        (KeyWish(product_id=3, area_id=2, reason="new"), []),
        (KeyWish(product_id=9), ["/product_id"]),
        (KeyWish(area_id=9), ["/area_id"]),
        (KeyWish(meter_ids=[5, 6]), ["/meter_ids"]),
    ],
)
async def test_keys_are_made_for_meters_of_the_tenant_only(wish: KeyWish, pointers: list[str]) -> None:
    jobs = Jobs()
    store = given(Access(), jobs=jobs)
    if pointers:
        told = await refused(ask_for_keys(store, ACTOR, wish), store)
        assert [pointer for pointer, _ in told.fields] == pointers
    else:
        await ask_for_keys(store, ACTOR, wish)
    assert [asked[0] for asked in jobs.asked] == ([] if pointers else [KEY_GENERATE])


async def test_a_key_file_is_handed_over_once() -> None:
    files = Files(**{file_of(1): b"keys"})
    store = given(Access(), jobs=Jobs(job(1, kind=KEY_GENERATE, status="done", result={"made": 2})))
    assert await take_key_file(store, files, ACTOR, 1, "for the maker") == b"keys"  # type: ignore[arg-type]
    assert [(line.action, line.after) for line in store.trail] == [("take_key_file", {"made": 2})]
    assert (await refused(take_key_file(store, files, ACTOR, 1, "for the maker"), store)).code == "key-file-gone"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "known", [[], [job(1, kind=KEY_GENERATE, status="running")], [job(1, kind=KEY_IMPORT, status="done")]]
)
async def test_only_a_job_that_has_made_keys_has_a_file(known: list[Any]) -> None:
    files = Files(**{file_of(1): b"keys"})
    store = given(Access(), jobs=Jobs(*known))
    assert (await refused(take_key_file(store, files, ACTOR, 1, "for the maker"), store)).code == "not-found"  # type: ignore[arg-type]
    assert files.files


async def test_a_key_is_destroyed_once() -> None:
    store = given(Access())
    await destroy_key(store, ACTOR, FIVE, "lost")
    assert store.actions == ["destroy_key"]
    assert (await refused(destroy_key(store, ACTOR, FIVE, "lost"), store)).code == "not-found"


async def test_the_date_of_installation_is_judged_here_as_everywhere() -> None:
    meters = Meters()
    store = given(Access(unknown=stranger()), meters=meters)
    asked = accept_unknown(store, Dims(), ACTOR, IMEI, wanted(installed_on=date(2200, 1, 1)), date(2026, 9, 1))
    assert (await refused(asked, store)).fields == (("/installed_on", "in-the-future"),)
    assert meters.rows == {}
