# SPDX-License-Identifier: Apache-2.0
"""The demo works as one of its people, who may change the first password meanwhile: that ends the token, and another one is taken."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import CredentialStore
from openmains.domain.identity.role import Role
from openmains.domain.ids import UserId
from openmains.run.demo.over_api import OverApi
from tests.edges.http.world import World
from tests.support.receiver import Answer, Got, receiver


async def test_a_password_that_is_changed_meanwhile_ends_nothing(world: World) -> None:
    utility, store = await world.utility(), world.deps.store
    user = await world.owner.fetchval("SELECT user_id FROM app_user WHERE tenant_id = $1 LIMIT 1", utility.tenant_id)
    actor = Actor(utility.tenant_id, UserId(user), "a", "a", Role.ADMINISTRATOR, "zh", "Asia/Shanghai", "session")
    ended: set[str] = set()

    def answer(got: Got) -> Answer:
        return (401, b"{}") if got.headers["authorization"] in ended else (200, b'{"items": []}')

    async with receiver(answer) as core, OverApi(store, actor, core.port, "demo") as api:
        assert await api.get("/rules") == {"items": []}
        ended.add(core.got[0].headers["authorization"])
        async with store.tenant(actor.tenant_id) as work:  # as a change of the password does
            await work[CredentialStore].revoke_tokens_of(actor.user_id)
        assert await api.post("/rules/trial", {}) == {"items": []}
        first, refused, again = [got.headers["authorization"] for got in core.got]
        assert first == refused != again
        async with store.tenant(actor.tenant_id) as work:
            await work[CredentialStore].revoke_tokens_of(actor.user_id)  # and once more, with nothing left to do
    left = "SELECT count(*) FROM api_token WHERE user_id = $1 AND name = 'demo' AND revoked_at IS NULL"
    assert await world.owner.fetchval(left, user) == 0
