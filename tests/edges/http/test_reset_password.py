# SPDX-License-Identifier: Apache-2.0
"""A password is reset because somebody else may know it: nothing made with the old one goes on working."""

from tests.edges.http.world import World


async def test_a_reset_password_ends_tokens_too(world: World) -> None:
    secret = await world.user(world.a, "operator")
    async with world.client(secret) as theirs, world.client(world.a.token) as admin:
        me = await theirs.get("/session")
        assert me.status_code == 200, me.text
        reset = await admin.post(f"/users/{me.json()['user_id']}/password", json={"reason": "phone lost"})
        assert reset.status_code < 300, reset.text
        assert (await theirs.get("/session")).status_code == 401
