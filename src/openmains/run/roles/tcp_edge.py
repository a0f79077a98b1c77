# SPDX-License-Identifier: Apache-2.0
"""The TCP side of an edge put together: concentrators, DTUs and always-on meters (ADR 0029)."""

import logging
import resource
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.app.fleet.identities import Identity
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.station.commands import LineCommands
from openmains.app.link.station.directory import ADDRESS_DIGITS, Concentrator, LinePlace, is_asked, line_place
from openmains.app.link.station.main_station import MainStation
from openmains.app.link.station.session import StationSession
from openmains.app.security.refusals import RefusalStage
from openmains.domain.fleet.frame_number import twins, wire_number
from openmains.domain.ids import TenantId
from openmains.drivers.catalog import Driver
from openmains.edges.signer.switch import CachedStopSwitch, FileSwitch
from openmains.edges.tcp.server import TcpLimits, TcpServer, open_tcp_socket, tls_context
from openmains.run.engines.child import StartError
from openmains.run.roles.edge_context import EdgeContext
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings
from openmains.wire.cjt188.acts import LineMeter
from openmains.wire.modbus.acts import Device

log = logging.getLogger("openmains.run")
OTHER_FILES = 1_000  # open besides connections


class ConcentratorTable:
    """A ``Directory`` made of the registry's rows."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Any]] = {}
        self._drivers: Mapping[int, Driver] = {}
        self._found: dict[str, Concentrator] = {}
        self._imeis: dict[int, int] = {}
        self.on_change: Callable[[], None] = lambda: None  # open connections follow it

    def find(self, number: str) -> Concentrator | None:
        return self._found.get(number)

    def imei_of(self, meter_id: int) -> int | None:
        """Of a meter behind a concentrator that has a module of its own."""
        return self._imeis.get(meter_id)

    def take(self, rows: Sequence[Any], numbers: Sequence[str] | None = None, gone: Sequence[str] = ()) -> None:
        """Rows as ``edges.postgres.fleet.concentrators`` has them: of these concentrators, or of all; the ``gone`` ones are no more."""
        by_number: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_number[row["number"]].append(row)
        if numbers is None:
            self._rows, self._found, self._imeis = dict(by_number), {}, {}
            changed = list(by_number)
        else:
            changed = [*numbers, *gone]
            for name in changed:
                self._forget(name)
            self._rows |= by_number
        for name in changed:
            self._make(name)
        self.on_change()

    def set_drivers(self, drivers: Mapping[int, Driver]) -> None:
        """By product."""
        if drivers != self._drivers:
            before, self._drivers = self._drivers, dict(drivers)
            odd = {key for key in (*before, *drivers) if before.get(key) is not drivers.get(key)}
            for name, rows in self._rows.items():
                if any(row["product_id"] in odd for row in rows):
                    self._make(name)
            self.on_change()

    def _forget(self, name: str) -> None:
        for row in self._rows.pop(name, ()):
            if row["meter_id"] is not None:
                self._imeis.pop(row["meter_id"], None)
        self._found.pop(name, None)

    def _make(self, name: str) -> None:
        rows = self._rows.get(name)
        if not rows:
            return
        meters: dict[str, Identity] = {}
        line: dict[str, LinePlace] = {}
        tenant_id, numbers = rows[0]["tenant_id"], []
        by_address: defaultdict[str, list[str]] = defaultdict(list)
        unasked: dict[str, str] = {}
        for row in rows:
            if row["meter_id"] is None:
                continue
            numbers.append(row["meter_number"])
            if row["imei"] is not None:
                self._imeis[row["meter_id"]] = row["imei"]
            identity = Identity(row["meter_id"], tenant_id, row["product_id"])
            if number := wire_number(row["meter_number"]):
                meters[number] = identity
            driver = self._drivers.get(row["product_id"])
            if driver is None or not is_asked(driver):
                continue
            if (place := line_place(row["meter_number"], driver, identity)) is None:
                unasked[row["meter_number"]] = "its number gives no address on the line"
                continue
            by_address[place.meter.address].append(row["meter_number"])
            line[place.meter.address] = place
        for address, sharing in by_address.items():
            if len(sharing) > 1 and isinstance(line[address].meter, Device):
                # two devices of one unit: neither is asked, for nobody knows which one answers
                log.error("two devices behind %s are %s; neither is asked", name, address)
                line.pop(address)
                unasked |= dict.fromkeys(sharing, f"another device of the line is {address} too")
        kinds = {isinstance(place.meter, Device) for place in line.values()}
        if len(kinds) > 1:
            log.error(
                "meters behind %s speak CJ/T 188 and Modbus; a line speaks one protocol, and the Modbus devices are not asked",
                name,
            )
            for address, place in line.items():
                if isinstance(place.meter, Device):
                    unasked |= dict.fromkeys(by_address[address], "its line speaks CJ/T 188, and it speaks Modbus")
        if len({place.carrier for place in line.values() if isinstance(place.meter, LineMeter)}) > 1:
            log.error("meters behind %s name different carriers; none is asked", name)
            for address in [address for address, place in line.items() if isinstance(place.meter, LineMeter)]:
                unasked |= dict.fromkeys(by_address[address], "meters of its line name different carriers")
                line.pop(address)
        for one, other in twins(numbers):  # a number was changed since they were put there: never guess which speaks
            log.error("meters %s and %s behind %s are the same in a frame; neither is served", one, other, name)
            meters.pop(wire_number(one), None)
            line.pop(wire_number(one, ADDRESS_DIGITS), None)
        self._found[name] = Concentrator(name, tenant_id, meters, line, rows[0]["poll_s"], unasked)


@dataclass(slots=True)
class TcpSide:
    """The TCP side of an edge."""

    server: TcpServer
    main: MainStation
    commands: LineCommands

    @property
    def counters(self) -> dict[str, int]:
        """By name."""
        return self.server.measures | self.main.counters | {"station.connected": len(self.main)}


def tcp_side(context: EdgeContext, table: ConcentratorTable) -> TcpSide:
    """Bound, not started. Raises ``OSError`` for a port that is taken, StartError for TLS files that do not fit."""
    settings, access, clock = context.settings, context.access, context.clock
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.tcp_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )

    def note(name: str, reason: str, host: str, tenant_id: TenantId | None, detail: str) -> None:
        access.refusals.note(
            name, None, RefusalStage.REGISTRATION, reason, f"TCP {detail}".strip(), host, now_us(), tenant_id
        )

    main = MainStation(
        node=settings.node,
        directory=table,
        admission=context.admission,
        batcher=context.batcher,
        shedding=context.shedding,
        clock=clock,
        is_blocked=lambda meter_id: (imei := table.imei_of(meter_id)) is not None and access.cache.is_blocked(imei),
        note=note,
    )
    table.on_change = main.directory_changed
    commands = LineCommands(
        main=main,
        clock=clock,
        words=LinkReports(settings.node, clock, context.batcher.add),
        stopped=CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped,
        takes_unproven=settings.tcp_unproven_commands,
    )
    server = TcpServer(
        open_tcp_socket(settings.coap_host, settings.tcp_port),
        lambda host, certified, now, wake: StationSession(main, host, now, wake, certified),
        context.limiter,
        TcpLimits(settings.tcp_connections, settings.tcp_address_connections),
        _tls(settings),
    )
    return TcpSide(server, main, commands)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tcp_certificate:
        if settings.tcp_key or settings.tcp_client_ca:
            raise StartError(
                "设置了 tcp_key 或 tcp_client_ca,但没有 tcp_certificate:TCP 端口将不加密。请补全或一并删去。",
                "tcp_key or tcp_client_ca is set and tcp_certificate is not: the TCP port would be in clear. Set it, or leave all three out.",
            )
        return None
    try:
        return tls_context(
            settings.tcp_certificate, settings.tcp_key or settings.tcp_certificate, settings.tcp_client_ca
        )
    except (OSError, ssl.SSLError) as error:
        raise StartError(
            f"TCP 端口的 TLS 证书、私钥或机构证书不可用:{error}",
            f"certificate, key or authority of the TCP port will not do: {error}",
        ) from error
