# SPDX-License-Identifier: Apache-2.0
"""Whoever is sent is told by all that reaches a person, whoever sends: a dispatcher whose rights are limited sees neither channels nor how
others are reached (ADR 0050), and tells them as anybody would (ADR 0071)."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from openmains.edges.postgres.db import API_ROLE, LIMITED_ROLE, connect
from tests.edges.http.test_notices import WHY, done
from tests.edges.http.test_own_browsers import a_push_channel
from tests.edges.http.test_work_orders import Town, town
from tests.edges.http.world import World
from tests.support.push_browser import Browser
from tests.support.receiver import receiver

__all__ = ["town"]  # a fixture

REACHED = {"email": "ann@water.example", "phone": "13812345678", "quiet_from": 0, "quiet_until": 1439}
MAIL = {
    "host": "mail.water.example",
    "port": "587",
    "safety": "starttls",
    "sender": "desk@water.example",
    "user": "",
    "password": "x",
}


async def sent_by(town: Town, who: Any) -> list[tuple[str, int, str]]:
    """An order that ``who`` gives to Ann: by which channels whom it was told, and whether it waits."""
    order = (await town.make(area_id=town.utility.ids["area_id"]))["order_id"]
    await town.act(who, order, "assign", assignee_id=town.ann_id, reason="she is near")
    rows = await town.world.owner.fetch(
        "SELECT c.kind, n.user_id, n.held FROM notice n JOIN notice_channel c USING (channel_id)"
        " WHERE n.key LIKE 'order:' || $1 || ':%' ORDER BY c.kind",
        str(order),
    )
    return [tuple(row) for row in rows]


async def test_a_limited_dispatcher_tells_as_anybody_does(town: Town) -> None:
    world, utility = town.world, town.utility
    await a_push_channel(world, utility)
    mail = {"kind": "email", "name": "mail", "settings": MAIL, "reason": "test"}
    done(await town.boss.post("/notice-channels", json=mail))
    done(await town.boss.put(f"/notice-persons/{town.ann_id}", json=REACHED, params=WHY))
    ann, browser = town.ann, Browser()
    token = await world.user(utility, "operator", places=[utility.ids["area_id"]])
    async with receiver() as service, world.client(token) as limited:
        done(await ann.post("/notice-persons/me/browsers", json=browser.subscription(f"{service.url}/ann")))
        by_all = await sent_by(town, town.boss)
        assert {kind for kind, _, _ in by_all} == {"inbox", "email", "web_push"}
        assert await sent_by(town, limited) == by_all

        # Who stands in is told in place of who is away, and nobody offers who is away.
        now = datetime.now(UTC)
        away = {
            "since": (now - timedelta(hours=1)).isoformat(),
            "until": (now + timedelta(hours=1)).isoformat(),
            "stand_in": town.ben_id,
        }
        done(await town.boss.put(f"/notice-persons/{town.ann_id}", json={**REACHED, "absences": [away]}, params=WHY))
        assert {user_id for _, user_id, _ in await sent_by(town, limited)} == {town.ben_id}


async def test_who_is_limited_is_told_and_reads_it(town: Town) -> None:
    """The words of notices are the whole utility's; whoever is sent reads the own inbox, and nobody else's."""
    area = town.utility.ids["area_id"]
    token = await town.world.user(town.utility, "operator", login := f"cat{secrets.token_hex(3)}", places=[area])
    town.ann_id = await town.world.owner.fetchval("SELECT user_id FROM app_user WHERE login = $1", login)
    done(await town.boss.put(f"/technicians/{town.ann_id}", json={"skills": ["gas"], "area_ids": [area]}))
    words = {"subject": "Go and mend {title}", "body": "{title} {number}"}
    done(await town.boss.put("/notice-templates/order/en", json=words, params=WHY))
    assert {kind for kind, _, _ in await sent_by(town, town.boss)} == {"inbox"}
    async with town.world.client(token) as limited:
        told = done(await limited.post("/inbox", json={}))["items"]
        assert len(told) == 1 and told[0]["subject"].startswith("Go and mend ")


async def test_what_may_be_booked_past_the_reach_is_work_for_a_person_there(world: World) -> None:
    """The function by itself: another utility's person or channel, another kind and another key book nothing; no address comes out."""
    one, other = world.a, world.b
    mine = await world.owner.fetchval("SELECT user_id FROM app_user WHERE tenant_id = $1 LIMIT 1", one.tenant_id)
    theirs = await world.owner.fetchval("SELECT user_id FROM app_user WHERE tenant_id = $1 LIMIT 1", other.tenant_id)
    inbox = "SELECT channel_id FROM notice_channel WHERE tenant_id = $1 AND kind = 'inbox'"
    own, foreign = [await world.owner.fetchval(inbox, which.tenant_id) for which in (one, other)]
    key = f"order:{secrets.token_hex(6)}"
    connection = await connect(world.urls.postgres_api, role=API_ROLE)
    try:

        async def booked(key: str, kind: str, user_id: int, channel_id: int) -> bool:
            async with connection.transaction():
                await connection.execute(
                    "SELECT set_config('openmains.tenant', $1, true), set_config('role', $2, true)",
                    str(one.tenant_id), LIMITED_ROLE,
                )  # fmt: skip
                found = await connection.fetchval(
                    "SELECT book_personal($1, $2, 'minor', $3, $4, '{}', 1, 1, '')", key, kind, user_id, channel_id
                )
                for row in await connection.fetch("SELECT * FROM persons_told()"):
                    assert not {"email", "phone", "openid"} & set(row["settings"] or {})
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.execute("SELECT sealed FROM push_browser")
                return bool(found)

        assert not await booked(key, "order", theirs, own) and not await booked(key, "order", mine, foreign)
        assert not await booked(key, "raised", mine, own) and not await booked("alarm:1", "order", mine, own)
        assert await booked(key, "order", mine, own) and not await booked(key, "order", mine, own)
    finally:
        await connection.close()
