# SPDX-License-Identifier: Apache-2.0
"""Keys in a real PostgreSQL: import, generation, rotation, the edge's look-up, destruction, and who may read what."""

import os
import time
from pathlib import Path

import asyncpg
import pytest

from openmains.app.job.ports import ClaimedJob
from openmains.app.sealing.envelope import KeyUnreadableError, MasterKey, Masters
from openmains.app.sealing.vault import rewrap_all
from openmains.app.security.keys.cache import KeyCache
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.generate import KeyOrder, generate_keys
from openmains.app.security.keys.import_keys import import_keys
from openmains.app.security.keys.jobs import KEY_GENERATE, KEY_IMPORT, file_of, key_handlers
from openmains.app.security.keys.key_file import KeyRow, read_keys
from openmains.app.security.keys.ports import MeterChoice
from openmains.app.security.keys.vault import Vault
from openmains.domain.fleet.identifiers import imei_of
from openmains.edges.postgres.db import API_ROLE, Pool, connect, create_pool
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run.engines.engines import Engines
from openmains.wire.dtls.events import Weakness
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.engines import migrate_postgres

MASTER = MasterKey(os.urandom(32))


@pytest.fixture
def store(pipeline: Pool) -> PostgresKeys:
    return PostgresKeys(pipeline)


@pytest.fixture
def vault(store: PostgresKeys) -> Vault:
    return Vault(store, lambda: Masters.of(MASTER), os.urandom)


async def meters(owner: Pool, tenant: int, base: int, count: int) -> list[int]:
    imeis = [imei_of(35_0000_0000_0000 + base * 1_000_000 + i) for i in range(count)]
    await owner.execute(
        "INSERT INTO meter (tenant_id, number, imei, product_id, area_id, installed_on)"
        " SELECT $1::int, u.imei::text, u.imei, (SELECT product_id FROM product WHERE tenant_id = $1),"
        " (SELECT area_id FROM area WHERE tenant_id = $1), '2024-01-01' FROM unnest($2::bigint[]) AS u(imei)",
        tenant,
        imeis,
    )
    return imeis


def csv_of(keys: dict[int, bytes]) -> bytes:
    return b"imei,psk\n" + b"".join(f"{imei:015d},{psk.hex()}\n".encode() for imei, psk in keys.items())


async def psks(book: KeyCache, imeis: list[int]) -> dict[int, bytes]:
    """The one key of each."""
    return {imei: key.psk for imei, found in (await book.keys(imeis)).items() for (key,) in (found.keys,)}


def fresh(imeis: list[int]) -> dict[int, bytes]:
    return {imei: os.urandom(16) for imei in imeis}


async def test_imported_keys_are_what_the_edge_finds(owner: Pool, store: PostgresKeys, vault: Vault) -> None:
    tenant = await make_tenant(owner, "keys-import")
    keys = fresh(await meters(owner, tenant, 1, 50))
    first = await import_keys(csv_of(keys), tenant, store, vault)
    assert (first.inserted, first.updated, first.unchanged, first.applied) == (50, 0, 0, True)
    again = await import_keys(csv_of(keys), tenant, store, vault)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 50)
    book = KeyCache(store, Vault(store, lambda: Masters.of(MASTER), os.urandom))
    assert await psks(book, [*keys, 999]) == keys
    assert book.counters == {"keys.found": 50, "keys.unknown": 1, "keys.unreadable": 0}
    changed = dict(list(fresh(list(keys)).items())[:2])
    assert (await import_keys(csv_of(changed), tenant, store, vault)).updated == 2
    assert await psks(book, list(changed)) == changed  # the file says what is in the meter: no other key is valid


async def test_a_bad_row_keeps_the_whole_file_out_unless_told_otherwise(
    owner: Pool, store: PostgresKeys, vault: Vault
) -> None:
    tenant, other = await make_tenant(owner, "keys-bad"), await make_tenant(owner, "keys-bad-other")
    mine, theirs = await meters(owner, tenant, 2, 3), await meters(owner, other, 3, 1)
    keys = fresh([*mine, *theirs])
    refused = await import_keys(csv_of(keys), tenant, store, vault)
    assert (refused.applied, refused.inserted) == (False, 0)
    assert [(error.row, error.reason) for error in refused.errors] == [(5, "imei_taken")]
    book = KeyCache(store, vault)
    assert await book.keys(mine) == {}
    assert (await import_keys(csv_of(keys), tenant, store, vault, partial=True)).inserted == 3
    assert set(await book.keys([*mine, *theirs])) == set(mine)


async def test_another_tenants_key_for_an_imei_neither_counts_nor_hinders(
    owner: Pool, store: PostgresKeys, vault: Vault
) -> None:
    tenant, thief = await make_tenant(owner, "keys-own"), await make_tenant(owner, "keys-thief")
    imei = imei_of(35_0000_0000_0000 + 4_000_000)
    stolen, own = os.urandom(16), os.urandom(16)
    await import_keys(csv_of({imei: stolen}), thief, store, vault)  # before anybody has such a meter
    book = KeyCache(store, vault)
    assert await psks(book, [imei]) == {imei: stolen}
    await import_keys(csv_of({imei: own}), tenant, store, vault)
    assert await book.keys([imei]) == {}  # two claim it and nobody has the meter
    assert await meters(owner, tenant, 4, 1) == [imei]
    assert await psks(book, [imei]) == {imei: own}


async def test_what_a_product_lets_its_meters_lack_comes_with_their_keys(
    owner: Pool, store: PostgresKeys, vault: Vault
) -> None:
    tenant = await make_tenant(owner, "keys-weak")
    (imei,) = await meters(owner, tenant, 21, 1)
    stranger = imei_of(35_0000_0000_0000 + 22_000_000)  # has a key and is nobody's meter, so of no product
    await import_keys(csv_of(fresh([imei, stranger])), tenant, store, vault)
    book = KeyCache(store, vault)
    for cbc, no_ems in ((False, False), (True, False), (False, True), (True, True)):
        await owner.execute(
            "UPDATE product SET allow_cbc = $2, allow_no_ems = $3 WHERE tenant_id = $1", tenant, cbc, no_ems
        )
        found = await book.keys([imei, stranger])
        assert found[imei].allows == {w for w, yes in ((Weakness.CBC, cbc), (Weakness.NO_EMS, no_ems)) if yes}
        assert found[stranger].allows == frozenset()


async def test_a_new_key_waits_until_the_meter_came_with_it(owner: Pool, store: PostgresKeys, vault: Vault) -> None:
    """For the bootstrap: the store hears of the first use a moment after it."""
    tenant = await make_tenant(owner, "keys-waiting")
    imeis = await meters(owner, tenant, 20, 2)
    await import_keys(csv_of(fresh(imeis)), tenant, store, vault)
    edge = KeyCache(store, vault)
    assert await edge.waiting(imeis) == set()
    order = KeyOrder(MeterChoice(imeis=imeis[:1], with_key=True))
    made: list[bytes] = []
    assert await generate_keys(order, tenant, store, vault, os.urandom, made.append) == 1
    assert await edge.waiting(imeis) == {imeis[0]}  # on a session of long ago
    new, former = (await edge.keys(imeis))[imeis[0]].keys
    assert await edge.waiting(imeis) == {imeis[0]}  # that a handshake was given both says nothing
    edge.arrived(former.name)
    assert await edge.waiting(imeis) == {imeis[0]}
    edge.arrived(new.name)
    assert await edge.waiting(imeis) == set()


async def test_generated_keys_go_to_the_maker_and_rotation_ends_with_first_use(
    owner: Pool, store: PostgresKeys, vault: Vault
) -> None:
    tenant = await make_tenant(owner, "keys-made")
    imeis = await meters(owner, tenant, 5, 4)
    kept: list[bytes] = []
    order = KeyOrder(MeterChoice(imeis=imeis[:3]))
    assert await generate_keys(order, tenant, store, vault, os.urandom, kept.append) == 3
    made = {row.imei: row.psk for row in read_keys(kept[0]) if isinstance(row, KeyRow)}
    book = KeyCache(store, vault)
    assert await psks(book, imeis) == made
    assert not any(key.name.replaces for found in (await book.keys(imeis)).values() for key in found.keys)
    assert await generate_keys(order, tenant, store, vault, os.urandom, kept.append) == 0
    assert len(kept) == 1
    imei = imeis[0]
    rotate = KeyOrder(MeterChoice(imeis=[imei], with_key=True), rotate=True)
    assert await generate_keys(rotate, tenant, store, vault, os.urandom, kept.append) == 1
    new = next(row.psk for row in read_keys(kept[1]) if isinstance(row, KeyRow))
    assert await book.newest([imei]) == {imei: new}
    # The meter still has the old one: each handshake is given both, whatever came before it.
    for _ in range(3):
        newer, former = (await book.keys([imei]))[imei].keys
        assert (newer.psk, former.psk) == (new, made[imei])
        assert (newer.name.replaces, former.name.replaces) == (True, False)
    # Another rotation meanwhile would replace a key that the meter may have been written already.
    assert await generate_keys(rotate, tenant, store, vault, os.urandom, kept.append) == 0
    await book.used([former.name])  # it was the previous one that was used
    assert len((await book.keys([imei]))[imei].keys) == 2
    await book.used([newer.name])
    assert [key.psk for key in (await book.keys([imei]))[imei].keys] == [new]
    await book.used([newer.name])  # said again by another edge: nothing more
    assert await psks(book, [imei]) == {imei: new}
    row = await owner.fetchrow(
        "SELECT version, rotating, first_used_at, previous_sealed FROM device_key WHERE imei = $1", imei
    )
    assert (row["version"], row["rotating"], row["previous_sealed"]) == (2, False, None)
    assert row["first_used_at"] is not None


async def test_the_master_key_changes_under_running_processes(own_engines: Engines) -> None:
    """Every data key of an installation is wrapped anew, so this one has its own."""
    await migrate_postgres(own_engines.urls)
    async with (
        await create_pool(own_engines.urls.postgres_owner, max_size=2) as owner,
        await create_pool(own_engines.urls.postgres_pipeline, max_size=3) as pool,
    ):
        await _rotation(owner, PostgresKeys(pool))


async def _rotation(owner: Pool, store: PostgresKeys) -> None:
    tenant = await make_tenant(owner, "keys-rotate")
    imeis = await meters(owner, tenant, 6, 2)
    old, new = MASTER, MasterKey(os.urandom(32))
    given = Masters.of(old)
    running = Vault(store, lambda: given, os.urandom)
    keys = fresh(imeis)
    await import_keys(csv_of(keys), tenant, store, running)
    given = Masters.of(new, [old])
    told: list[tuple[int, int]] = []
    changed = await rewrap_all(store, given, os.urandom, lambda done, total: told.append((done, total)))
    assert changed >= 1
    assert told[-1][0] == told[-1][1] == changed
    assert await rewrap_all(store, given, os.urandom) == 0
    given = Masters.of(new)
    assert await psks(KeyCache(store, Vault(store, lambda: given, os.urandom)), imeis) == keys
    await import_keys(csv_of(fresh(imeis)), tenant, store, running)
    lost = KeyCache(store, Vault(store, lambda: Masters.of(old), os.urandom))
    assert await lost.keys(imeis) == {}
    assert lost.unreadable == 2
    with pytest.raises(KeyUnreadableError):
        await rewrap_all(store, Masters.of(MasterKey(os.urandom(32))), os.urandom)


async def test_destroyed_keys_are_gone_and_new_ones_can_be_made(owner: Pool, store: PostgresKeys, vault: Vault) -> None:
    tenant = await make_tenant(owner, "keys-gone")
    imeis = await meters(owner, tenant, 7, 3)
    keys = fresh(imeis)
    await import_keys(csv_of(keys), tenant, store, vault)
    book = KeyCache(store, vault)
    assert await store.destroy_device(tenant, imeis[0])
    assert not await store.destroy_device(tenant, imeis[0])
    assert set(await book.keys(imeis)) == set(imeis[1:])
    assert await store.destroy_tenant(tenant) == 2
    assert await book.keys(imeis) == {}
    await import_keys(csv_of(keys), tenant, store, vault)
    assert await psks(book, imeis) == keys


async def test_the_api_role_can_see_that_there_is_a_key_and_nothing_of_it(
    engines: Engines, owner: Pool, store: PostgresKeys, vault: Vault
) -> None:
    tenant, other = await make_tenant(owner, "keys-role"), await make_tenant(owner, "keys-role-other")
    for one, base in ((tenant, 8), (other, 9)):
        await import_keys(csv_of(fresh(await meters(owner, one, base, 1))), one, store, vault)
    connection = await connect(engines.urls.postgres_api, role=API_ROLE)
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('openmains.tenant', $1, true)", str(tenant))
            assert await connection.fetchval("SELECT count(version) FROM device_key") == 1
            for table, column in (("device_key", "sealed"), ("device_key", "nonce"), ("device_key", "previous_sealed"),
                                  ("tenant_key", "wrapped"), ("tenant_key", "nonce"), ("device_key", "*")):  # fmt: skip
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.fetch(f"SELECT {column} FROM {table}")  # noqa: S608 - names above
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute("UPDATE device_key SET version = 9")
            assert await connection.execute("DELETE FROM device_key WHERE imei IS NOT NULL") == "DELETE 1"
        assert await owner.fetchval("SELECT count(*) FROM device_key WHERE tenant_id = $1", other) == 1
    finally:
        await connection.close()


class Context:
    """A job's runner as a handler sees it."""

    def __init__(self, job: ClaimedJob) -> None:
        self.job = job
        self.told: list[tuple[int, int]] = []

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def should_stop(self) -> bool:
        return False


async def test_jobs_leave_no_key_behind_and_can_be_repeated(
    owner: Pool, store: PostgresKeys, vault: Vault, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "keys-jobs")
    imeis = await meters(owner, tenant, 10, 3)
    files = SealedFiles(tmp_path / "sealed", lambda: Masters.of(MASTER), os.urandom)
    handlers = key_handlers(store, vault, files, tmp_path, os.urandom)
    name = files.name()
    files.put(name, csv_of(fresh(imeis[:2])) + b"1,2\n")
    job = Context(ClaimedJob(1, tenant, KEY_IMPORT, {"sealed": name, "partial": True}, "", 0))
    result = await handlers[KEY_IMPORT](job)
    assert (result["inserted"], result["errors"]) == (2, 1)
    assert files.read(name) is None
    assert "bad_imei" in Path(result["error_file_en"]).read_text("utf-8")  # noqa: ASYNC240 - a small file
    job = Context(ClaimedJob(2, tenant, KEY_GENERATE, {}, "", 0))
    assert await handlers[KEY_GENERATE](job) == {"made": 1}
    # The runner dies before it can say so; another one takes the job over.
    assert await handlers[KEY_GENERATE](job) == {"made": 1}
    taken = files.fetch(file_of(2))
    assert taken is not None
    psk = {row.imei: row.psk for row in read_keys(taken) if isinstance(row, KeyRow)}
    assert await psks(KeyCache(store, vault), [imeis[2]]) == psk
    assert files.fetch(file_of(2)) is None


async def test_a_power_cut_asks_for_keys_in_batches(owner: Pool, store: PostgresKeys, vault: Vault) -> None:
    """20,000 meters at once; how many keys a second that are is what `openmains bench handshake` measures."""
    tenant = await make_tenant(owner, "keys-speed")
    keys = fresh([imei_of(35_0000_0000_0000 + 11_000_000 + i) for i in range(20_000)])
    await import_keys(csv_of(keys), tenant, store, vault)
    book = KeyCache(store, vault)
    imeis = list(keys)
    started = time.perf_counter()
    for place in range(0, len(imeis), 500):
        batch = imeis[place : place + 500]
        assert await psks(book, batch) == {imei: keys[imei] for imei in batch}
    print(f"\n{len(imeis) / (time.perf_counter() - started):,.0f} keys/s")
