# SPDX-License-Identifier: Apache-2.0
"""Partners over real engines: a payment once for its number; what is not signed, new and theirs changes nothing, is named and counted."""

import asyncio
import json
import secrets
from typing import Any

import httpx

from openmains.domain.payment.partner import signature, signed_text
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World


class Partner:
    """A partner with its key, as its own system would be written after the document."""

    def __init__(self, world: World, tenant_id: int, told: dict[str, Any]) -> None:
        self.world, self.tenant_id = world, tenant_id
        self.partner_id, self.secret, self.path = told["partner"]["partner_id"], told["secret"], told["partner"]["path"]

    def signed(self, body: bytes, *, late_s: int = 0, nonce: str = "") -> dict[str, str]:
        instant, nonce = str(self.world.deps.now_s() + late_s), nonce or secrets.token_hex(8)
        told = signature(self.secret, signed_text(self.tenant_id, self.partner_id, instant, nonce, body))
        return {
            "OpenMains-Timestamp": instant, "OpenMains-Nonce": nonce, "OpenMains-Signature": told, "Content-Type": "application/json",
        }  # fmt: skip

    async def send(self, body: bytes, headers: dict[str, str] | None = None, path: str = "") -> httpx.Response:
        async with self.world.client() as outside:
            return await outside.post(path or self.path, content=body, headers=headers or self.signed(body))


def paying(number: str = "", fen: int = 5000, account: int = 7, **more: Any) -> bytes:
    return json.dumps({"number": number or secrets.token_hex(6), "account_id": account, "fen": fen} | more).encode()


async def test_a_partner_pays_once_and_what_is_not_believed_is_counted(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as chief, world.client(await world.user(utility, "operator")) as clerk:
        wanted = {"name": "Corner shop", "reason": "contract of 2026"}
        assert problem(await clerk.post("/payment-partners", json=wanted)) == "not-allowed"
        told = await made(chief, "/payment-partners", wanted)
        shop = Partner(world, utility.tenant_id, told)
        assert problem(await chief.post("/payment-partners", json=wanted)) == "partner-taken"
        other = Partner(
            world, utility.tenant_id, await made(chief, "/payment-partners", wanted | {"name": "Bank of corners"})
        )
        for table in ("payment_partner", "audit"):
            rows = f"SELECT string_agg(to_jsonb(x)::text, ' ') FROM {table} x WHERE tenant_id = $1"  # noqa: S608
            assert shop.secret not in await world.owner.fetchval(rows, utility.tenant_id)
        assert len(shop.secret) >= 64 and shop.secret not in (await clerk.get("/payment-partners")).text

        # once for its number, also by many at once and asked again with another nonce
        body = paying("N-0001")
        answers = await asyncio.gather(*(shop.send(body) for _ in range(4)))
        assert {one.status_code for one in answers} == {200}, answers[0].text
        assert len({one.json()["order_id"] for one in answers}) == 1
        order = answers[0].json()
        assert (order["state"], order["source"], order["fen"]) == ("paid", "third_party", 5000)
        assert problem(await shop.send(paying("N-0001", fen=1))) == "payment-key-used"
        assert (await other.send(body)).json()["order_id"] != order["order_id"], "another's number is another payment"
        before = await balanced(world, utility)
        assert before["clearing"] == 10_000

        # nothing for what is not signed, not new, not theirs
        again = shop.signed(body)
        assert (await shop.send(body, again)).status_code == 200
        fresh = paying()
        bad = {
            "partner-replay": (body, again, ""),
            "partner-stale": (fresh, shop.signed(fresh, late_s=-301), ""),
            "partner-signature": (paying(fen=9999), shop.signed(fresh), ""),
            "partner-other": (fresh, _by(shop, other, fresh), ""),
            "partner-unreadable": (fresh, {"Content-Type": "application/json"}, ""),
        }
        for why, (data, headers, path) in bad.items():
            refused = await shop.send(data, headers, path)
            assert (refused.status_code, problem(refused)) == (401, "partner-refused"), (why, refused.text)
        assert problem(await shop.send(fresh, shop.signed(fresh, late_s=302))) == "partner-refused"
        assert problem(await other.send(fresh, shop.signed(fresh))) == "partner-refused", (
            "its own key at another's path"
        )
        elsewhere = shop.path.replace(f"/{utility.tenant_id}/", f"/{world.b.tenant_id}/")
        assert problem(await shop.send(fresh, shop.signed(fresh), elsewhere)) == "not-found"
        listed = {
            one["name"]: {fault["fault"]: fault["count"] for fault in one["refused"]}
            for one in (await clerk.get("/payment-partners")).json()
        }
        assert listed["Corner shop"] == {why: 2 if why == "partner-stale" else 1 for why in bad}
        assert listed["Bank of corners"] == {"partner-signature": 1}
        assert await balanced(world, utility) == before

        # a new key ends the one before; one that is off is refused
        path = f"/payment-partners/{shop.partner_id}"
        renewed = await made(chief, f"{path}/key", {"reason": "it was mailed in clear"})
        assert problem(await shop.send(paying())) == "partner-refused"
        shop.secret = renewed["secret"]
        assert (await shop.send(paying())).status_code == 200
        off = await chief.put(path, json={"name": "Corner shop", "is_on": False, "reason": "contract ended"})
        assert off.json()["is_on"] is False
        assert problem(await shop.send(paying())) == "partner-refused"
        taken = {"name": "Bank of corners", "is_on": True, "reason": "renamed"}
        assert problem(await chief.put(path, json=taken)) == "partner-taken"
        await balanced(world, utility)


def _by(shop: Partner, other: Partner, body: bytes) -> dict[str, str]:
    """Signed for one partner with the key of another."""
    mixed = Partner.__new__(Partner)
    mixed.world, mixed.tenant_id, mixed.partner_id, mixed.secret = (
        shop.world,
        shop.tenant_id,
        shop.partner_id,
        other.secret,
    )
    return mixed.signed(body)
