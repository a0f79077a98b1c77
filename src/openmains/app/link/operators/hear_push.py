# SPDX-License-Identifier: Apache-2.0
"""A push of an operator's platform. It is proven, read as far as what it is about, and written into the spool; then it is acknowledged. What
becomes of it is done after that, by an edge (``receiver.py``): platforms judge a receiver by how fast it answers, and one that was slow or
refused too often is pushed nothing for a while.

Refused are only pushes that are not proven, or of a platform that is switched off: counted by platform, day and reason. What is proven and
cannot be read is taken, as a dead letter: the platform would only say the same again.
"""

import hashlib
from collections.abc import Mapping, Sequence

from openmains.app.identity.ports import AuditTrail
from openmains.app.link.operators.codecs import codec_of
from openmains.app.link.operators.ports import OperatorPlatformStore, PlatformKeys, ToSpool
from openmains.app.notice.sealing import KeyUnreadableError, Sealer
from openmains.app.payment.booking import machine
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId
from openmains.domain.payment.callback import is_in_trail
from openmains.domain.period import DAY_S
from openmains.wire.errors import WireError
from openmains.wire.operators.model import (
    MOST_BODY,
    MOST_PAYLOAD,
    BadSignatureError,
    OperatorCodec,
    Pushed,
)

SILENCE_US = 600 * 1_000_000  # after so long without a push, some may be missing
US = 1_000_000


def purpose(platform_id: int) -> str:
    """Of a connection's secrets."""
    return f"operator platform {platform_id}"


def mark_of(*said: object) -> bytes:
    """16 bytes that stand for what was said."""
    digest = hashlib.sha256()
    for each in said:
        data = each if isinstance(each, bytes) else str(each).encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()[:16]


def spooled(pushed: Pushed) -> ToSpool:
    """As it is kept until it is done. The same said twice has the same mark, whether it was pushed or asked for."""
    device, state = pushed.device, "" if pushed.state is None else pushed.state.value
    name = device.device_id or device.imei
    mark = mark_of(pushed.kind.value, name, pushed.at_ms, pushed.payload, pushed.item, state)
    return ToSpool(
        mark, pushed.kind.value, device.device_id, int(device.imei or 0), pushed.at_ms, pushed.payload, pushed.item, state
    )  # fmt: skip


def unreadable(body: bytes, fault: str) -> ToSpool:
    """A push that cannot be used, with its beginning."""
    return ToSpool(mark_of("fault", body), "fault", "", 0, 0, body[:MOST_PAYLOAD], "", "", fault)


async def hear_push(
    store: Store,
    sealer: Sealer,
    tenant_id: TenantId,
    platform_id: int,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    address: str,
    now_us: int,
) -> int:
    """How many messages it had; when this returns they are on disk. Raises ``not-found``, ``secrets-unreadable``, ``push-refused``."""
    if len(body) > MOST_BODY:
        raise Problem("too-large")
    door, codec = await _opened(store, sealer, tenant_id, platform_id)
    fault = ""
    rows: Sequence[ToSpool] = ()
    if not door.is_on:
        fault = "off"
    else:
        try:
            rows = [spooled(each) for each in codec.heard_untrusted(headers, query, body, now_us // 1000)]
        except BadSignatureError as bad:
            fault = str(bad)
        except WireError as bad:
            rows = [unreadable(body, f"bad_event_{bad.reason}"[:60].replace(" ", "_").lower())]
    async with store.tenant(tenant_id) as work:
        if fault:
            await _refuse(work, tenant_id, platform_id, fault, body, address, now_us)
        else:
            await work[OperatorPlatformStore].spool(platform_id, rows, now_us)
            await work[OperatorPlatformStore].note_heard(platform_id, now_us, SILENCE_US)
    if fault:
        raise Problem("push-refused", why=fault)
    return len(rows)


async def answer_check(
    store: Store, sealer: Sealer, tenant_id: TenantId, platform_id: int, query: Mapping[str, str]
) -> bytes:
    """What a platform that tries our address wants to hear. Raises ``not-found``, ``secrets-unreadable``, ``push-refused``."""
    _, codec = await _opened(store, sealer, tenant_id, platform_id)
    try:
        return codec.checked_untrusted(query)
    except (BadSignatureError, WireError) as bad:
        raise Problem("push-refused", why=str(bad)) from None


async def _opened(
    store: Store, sealer: Sealer, tenant_id: TenantId, platform_id: int
) -> tuple[PlatformKeys, OperatorCodec]:
    async with store.tenant(tenant_id) as work:
        door = await work[OperatorPlatformStore].door(platform_id)
    if door is None:
        raise Problem("not-found")
    try:
        secrets = {} if door.sealed is None else await sealer.open(tenant_id, purpose(platform_id), door.sealed)
        return door, codec_of(door.kind, door.settings, secrets)
    except (KeyUnreadableError, KeyError):
        raise Problem("secrets-unreadable") from None


async def _refuse(
    work: Work, tenant_id: TenantId, platform_id: int, fault: str, body: bytes, address: str, now_us: int
) -> None:
    """Counted; the first of an hour is kept as a dead letter, and the 1st, 10th, 100th of a day stand in the audit trail."""
    platforms = work[OperatorPlatformStore]
    count = await platforms.note_fault(platform_id, now_us // US // DAY_S, fault, address, now_us)
    hour = now_us // US // 3600
    letter = ToSpool(
        mark_of("refused", fault, hour), "fault", "", 0, 0, body[:MOST_PAYLOAD], address, "", f"push_{fault}"
    )
    await platforms.spool(platform_id, [letter], now_us)
    if is_in_trail(count):
        told = {"fault": fault, "address": address, "count": count}
        actor = machine(tenant_id, 0, "UTC", "operator platform")
        await work[AuditTrail].record(actor, "refuse_push", "operator_platform", platform_id, None, told)
