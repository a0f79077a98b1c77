# SPDX-License-Identifier: Apache-2.0
"""The demo signs what its own meters are, as two persons of a real utility would after their first import.

Only at the beginning: while nothing of the demo utility is signed. What somebody changes later is for people to sign. The two are
enrolled for this one act with passwords that nobody sees, and dismissed again; a signer with an account of its own enrols its
own people.
"""

import asyncio
import secrets

from openmains.app.command.signing_ports import Credential, SignerAwayError
from openmains.app.identity.hashing import hash_password
from openmains.domain.ids import TenantId
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.ledger import SqliteLedger
from openmains.run.care.ledger import LEDGER
from openmains.run.logs import say
from openmains.run.settings import Settings

PATIENCE_S = 60.0
LOGINS = ("demo-first", "demo-second")


async def sign_facts(settings: Settings, tenant_id: TenantId) -> None:
    """Once; a signer that does not answer in time is told of, and the demo goes on."""
    path = settings.signer_home / LEDGER
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while not settings.signer_socket and not path.exists() and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.1)  # it is starting
    if settings.signer_socket or not path.exists():
        say("签名进程不在此处，演示表的依据未签名 / the signer is elsewhere: what the demo's meters are is not signed")
        return
    signer, ledger = SocketSigner(settings.signer_path), SqliteLedger(path)
    try:
        if ledger.utility(tenant_id) is not None:
            return
        people = [Credential(login, secrets.token_urlsafe(24), "demo") for login in LOGINS]
        for person in people:
            hashed = await asyncio.to_thread(hash_password, person.password)
            ledger.enrol(tenant_id, person.login, hashed, "approver")
        count = await _signed(signer, tenant_id, people)
        say(f"演示表的依据已签名：{count} 项 / what the demo's meters are is signed: {count}")
    except SignerAwayError:
        say(
            "签名进程没有应答，演示表的依据未签名 / the signer does not answer: what the demo's meters are is not signed"
        )
    finally:
        for login in LOGINS:
            ledger.dismiss(tenant_id, login)
        ledger.close()
        await signer.close()


async def _signed(signer: SocketSigner, tenant_id: TenantId, people: list[Credential]) -> int:
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            found = await signer.facts(tenant_id)
            return await signer.sign_facts(tenant_id, found.list_hash, "demo", people[0], people[1])
        except SignerAwayError:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(0.2)
