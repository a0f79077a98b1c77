# SPDX-License-Identifier: Apache-2.0
"""What an edge reports of terminals, as uplinks of the channel ``access``: in the stream, in order, durable, once.

The path says what it is: ``online`` (a handshake with the meter's key), ``sim`` (what the meter said of its SIM), or the kind
of a finding. An edge waits for no confirmation: a lost report is made good by the next observation.
"""

from dataclasses import dataclass

import msgspec

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import Finding, Kind

CHANNEL = "access"
ONLINE, SIM = "online", "sim"


class AccessNote(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The payload. ``count``: observations a finding stands for."""

    imei: int
    address: str = ""
    count: int = 1
    detail: str = ""
    imsi: str = ""
    iccid: str = ""


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One report on its way through the pipeline."""

    tenant_id: TenantId
    meter_id: MeterId
    what: str  # "online", "sim" or a Kind
    received_us: int
    note: AccessNote


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(AccessNote)


_PATHS = frozenset({ONLINE, SIM, *(kind.value for kind in Kind)})


def entry_of(uplink: Uplink) -> AccessEntry:
    """The report in an uplink of this channel; raises ``ValueError`` for one that no edge of ours has written."""
    if uplink.path not in _PATHS:
        raise ValueError(f"no report is called {uplink.path[:40]!r}")
    try:
        note = _decoder.decode(uplink.payload)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return AccessEntry(uplink.tenant_id, uplink.meter_id, uplink.path, uplink.received_us, note)


def online_uplink(identity: Identity, imei: int, address: str, now_us: int) -> Uplink:
    """A session was made with the meter's key, from ``address``."""
    return _uplink(identity, ONLINE, AccessNote(imei, address), now_us)


def sim_uplink(identity: Identity, imei: int, sim: Sim, address: str, now_us: int) -> Uplink:
    """The meter named its SIM, within its session."""
    return _uplink(identity, SIM, AccessNote(imei, address, imsi=sim.imsi, iccid=sim.iccid), now_us)


def finding_uplink(identity: Identity, finding: Finding, now_us: int) -> Uplink:
    """The guard found something."""
    note = AccessNote(finding.imei, finding.address, finding.count, finding.detail)
    return _uplink(identity, finding.kind.value, note, now_us)


def _uplink(identity: Identity, path: str, note: AccessNote, now_us: int) -> Uplink:
    return Uplink(identity.meter_id, identity.tenant_id, identity.product_id, CHANNEL, path, now_us, _encode(note))
