# SPDX-License-Identifier: Apache-2.0
"""Browsers in which persons take notices, from the subscription to what the browser opens: sealed, one's own only, gone with the push
service's word, the channel and the person."""

import json
import secrets

from tests.edges.http.test_notices import WHY, Clock, a_policy, alarm, desk_of, done, log, problem, turn
from tests.edges.http.world import Utility, World
from tests.support.push_browser import Browser, signed_claims
from tests.support.receiver import Answer, Got, receiver

OWN = "/notice-persons/me/browsers"


async def a_push_channel(world: World, utility: Utility) -> int:
    body = {"kind": "web_push", "name": "push", "settings": {"contact": "ops@water.example"}, "reason": "test"}
    async with world.client(utility.token) as client:
        made = done(await client.post("/notice-channels", json=body))
        assert made["secrets"] == ["private_key"] and set(made["settings"]) == {"contact", "public_key"}
        assert problem(await client.post("/notice-channels", json={**body, "name": "another"})) == "one-web-push"
        return int(made["channel_id"])


async def user_id_of(world: World, token: str) -> int:
    async with world.client(token) as client:
        return int(done(await client.get("/session"))["user_id"])


async def test_a_notice_reaches_the_browser_and_only_it_can_read_it(world: World) -> None:
    utility, clock, browser, phone = await world.utility(), Clock(), Browser(), Browser(auth=bytes(16))
    channel_id = await a_push_channel(world, utility)
    answers: dict[str, Answer] = {}

    def answer(got: Got) -> Answer:
        return answers.get(got.path, (201, b""))

    async with receiver(answer) as service, world.client(utility.token) as client, desk_of(world, clock) as desk:
        me = await user_id_of(world, utility.token)
        await a_policy(client, {"after_min": 0, "users": [me], "channels": [channel_id]})
        await alarm(world, utility)
        await turn(desk)
        assert [(one["state"], one["reason"]) for one in await log(client)] == [("failed", "no-contact")]

        offered = done(await client.get(OWN))
        first = done(await client.post(OWN, json=browser.subscription(f"{service.url}/b")))
        again = done(await client.post(OWN, json=browser.subscription(f"{service.url}/b", "the same")))
        assert [one["label"] for one in done(await client.get(OWN))["browsers"]] == ["the same"]
        assert first["fingerprint"] == again["fingerprint"] and first["browser_id"] != again["browser_id"]
        done(await client.post(OWN, json=phone.subscription(f"{service.url}/p", "phone")))
        row = await world.owner.fetchrow("SELECT * FROM push_browser WHERE browser_id = $1", again["browser_id"])
        assert row is not None and service.url.encode() not in b"".join(
            value for value in row.values() if isinstance(value, bytes)
        )

        burst = await alarm(world, utility, "critical", "burst")
        await turn(desk)
        by_path = {got.path: got for got in service.got}
        assert set(by_path) == {"/b", "/p"} and len(service.got) == 2
        assert browser.read(by_path["/b"])["url"] == phone.read(by_path["/p"])["url"] == f"/alarms/{burst}"
        assert signed_claims(by_path["/b"], offered["public_key"])["sub"] == "mailto:ops@water.example"
        assert (await log(client))[0]["state"] == "accepted"

        # One of two took it: it has arrived, and the one that is gone is forgotten.
        service.got.clear()
        answers |= {"/b": (410, b""), "/p": (201, b"")}
        await alarm(world, utility)
        await turn(desk)
        assert (await log(client))[0]["state"] == "accepted" and len(service.got) == 2
        assert [one["label"] for one in done(await client.get(OWN))["browsers"]] == ["phone"]

        # The push service is busy: it says when, and gets the same notice again under the same topic.
        service.got.clear()
        answers["/p"] = (429, b"")
        service.headers = {"Retry-After": "77"}
        await alarm(world, utility)
        await turn(desk)
        await turn(desk)
        told = (await log(client))[0]
        assert (told["state"], told["tries"], len(service.got)) == ("waiting", 1, 1)
        clock.us += 78_000_000
        answers["/p"] = (201, b"")
        await turn(desk)
        assert (await log(client))[0]["state"] == "accepted"
        assert service.got[0].headers["topic"] == service.got[1].headers["topic"]
        assert phone.read(service.got[0]) == phone.read(service.got[1])

        # The test button, then the channel's end: its key is no more, and so are those who subscribed by it.
        service.got.clear()
        done(await client.post(f"/notice-channels/{channel_id}/test", json={"key": secrets.token_hex(8)}))
        await turn(desk)
        assert phone.read(service.got[0])["url"] == "/inbox"
        policies = done(await client.get("/notice-policies"))
        done(await client.delete(f"/notice-policies/{policies[0]['policy_id']}", params=WHY))
        change = {"name": "p", "settings": {"contact": "b@c.de"}}
        kept = done(await client.put(f"/notice-channels/{channel_id}", params=WHY, json=change))
        assert kept["settings"] == {"contact": "b@c.de", "public_key": offered["public_key"]}
        done(await client.delete(f"/notice-channels/{channel_id}", params=WHY))
        assert done(await client.get(OWN)) == {"public_key": None, "browsers": []}
        assert problem(await client.post(OWN, json=phone.subscription(f"{service.url}/p"))) == "no-web-push"
        trail = json.dumps(done(await client.get("/audit", params={"limit": 100})))
        assert service.url not in trail and "add_push_browser" in trail


async def test_a_browser_is_one_persons_and_ends_with_the_person(world: World) -> None:
    utility, browser = await world.utility(), Browser()
    await a_push_channel(world, utility)
    area = utility.ids["area_id"]
    mine, theirs = await world.user(utility, "operator"), await world.user(utility, "viewer", places=[area])
    async with receiver() as service, world.client(mine) as one, world.client(theirs) as other:
        made = done(await one.post(OWN, json=browser.subscription(f"{service.url}/b")))
        assert done(await other.get(OWN))["browsers"] == []
        assert problem(await other.delete(f"{OWN}/{made['browser_id']}")) == "not-found"
        taken = done(
            await other.post(OWN, json=browser.subscription(f"{service.url}/b"))
        )  # signed in on the same machine
        assert done(await one.get(OWN))["browsers"] == []
        assert [found["browser_id"] for found in done(await other.get(OWN))["browsers"]] == [taken["browser_id"]]
        async with world.client(world.b.token) as stranger:
            assert done(await stranger.get(OWN)) == {"public_key": None, "browsers": []}

        done(await one.post(OWN, json=browser.subscription(f"{service.url}/1")))
        for number in range(2, 11):
            done(await one.post(OWN, json=browser.subscription(f"{service.url}/{number}")))
        assert problem(await one.post(OWN, json=browser.subscription(f"{service.url}/11"))) == "too-many-browsers"
        done(await one.delete(f"{OWN}/{done(await one.get(OWN))['browsers'][0]['browser_id']}"))
        assert len(done(await one.get(OWN))["browsers"]) == 9

        for refused in ("https://10.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest/meta-data"):
            answer = await one.post(OWN, json=browser.subscription(refused))
            assert problem(answer) == "push-address-refused" and "own-network" in answer.text
        assert problem(await one.post(OWN, json={**browser.subscription("https://x.y/z"), "p256dh": "A" * 87})) == "invalid-input"  # fmt: skip

    left = await user_id_of(world, mine)
    async with world.client(utility.token) as client:
        done(await client.patch(f"/users/{left}", json={"disabled": True, "reason": "test"}))
    rows = "SELECT count(*) FROM push_browser WHERE user_id = $1"
    assert await world.owner.fetchval(rows, left) == 0
    assert await world.owner.fetchval("SELECT count(*) FROM push_browser WHERE tenant_id = $1", utility.tenant_id) == 1
