# SPDX-License-Identifier: Apache-2.0
"""The TCP side of an edge put together: concentrators, DTUs and always-on meters (ADR 0029)."""

import logging
import resource
import ssl
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from openmains.app.fleet.identities import Identity
from openmains.app.link.station.directory import ADDRESS_DIGITS, Concentrator, LinePlace, line_meter, twins, wire_number
from openmains.app.link.station.main_station import MainStation
from openmains.app.link.station.session import StationSession
from openmains.app.security.refusals import RefusalStage
from openmains.drivers.catalog import Driver
from openmains.edges.tcp.server import TcpLimits, TcpServer, open_tcp_socket, tls_context
from openmains.run.engines.child import StartError
from openmains.run.roles.edge_context import EdgeContext
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")
OTHER_FILES = 1_000  # open besides connections


class ConcentratorTable:
    """A ``Directory`` made of the registry's rows."""

    def __init__(self) -> None:
        self._rows: Sequence[Any] = ()
        self._drivers: Mapping[int, Driver] = {}
        self._found: dict[str, Concentrator] = {}
        self._imeis: dict[int, int] = {}

    def find(self, number: str) -> Concentrator | None:
        return self._found.get(number)

    def imei_of(self, meter_id: int) -> int | None:
        """Of a meter behind a concentrator that has a module of its own."""
        return self._imeis.get(meter_id)

    def take(self, rows: Sequence[Any]) -> None:
        """Rows as ``edges.postgres.fleet.concentrators`` has them."""
        self._rows = rows
        self._make()

    def set_drivers(self, drivers: Mapping[int, Driver]) -> None:
        """By product."""
        if drivers != self._drivers:
            self._drivers = dict(drivers)
            self._make()

    def _make(self) -> None:
        found: dict[str, Concentrator] = {}
        meters: defaultdict[str, dict[str, Identity]] = defaultdict(dict)
        line: defaultdict[str, dict[str, LinePlace]] = defaultdict(dict)
        numbers: defaultdict[str, list[str]] = defaultdict(list)
        imeis: dict[int, int] = {}
        for row in self._rows:
            name, tenant_id = row["number"], row["tenant_id"]
            found[name] = Concentrator(name, tenant_id, meters[name], line[name], row["poll_s"])
            if row["meter_id"] is None:
                continue
            numbers[name].append(row["meter_number"])
            if row["imei"] is not None:
                imeis[row["meter_id"]] = row["imei"]
            identity = Identity(row["meter_id"], tenant_id, row["product_id"])
            if number := wire_number(row["meter_number"]):
                meters[name][number] = identity
            driver = self._drivers.get(row["product_id"])
            if driver is not None and (meter := line_meter(row["meter_number"], driver)) is not None:
                line[name][meter.address] = LinePlace(meter, identity)
        for name, behind in numbers.items():
            for one, other in twins(
                behind
            ):  # a number was changed since they were put there: never guess which of them speaks
                log.error("meters %s and %s behind %s are the same in a frame; neither is served", one, other, name)
                meters[name].pop(wire_number(one), None)
                line[name].pop(wire_number(one, ADDRESS_DIGITS), None)
        self._found, self._imeis = found, imeis


def tcp_side(context: EdgeContext, table: ConcentratorTable) -> tuple[TcpServer, MainStation]:
    """Bound, not started. Raises ``OSError`` for a port that is taken, StartError for TLS files that do not fit."""
    settings, access = context.settings, context.access
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.tcp_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )
    main = MainStation(
        node=settings.node,
        directory=table,
        admission=context.admission,
        batcher=context.batcher,
        shedding=context.shedding,
        clock=context.clock,
        is_blocked=lambda meter_id: (imei := table.imei_of(meter_id)) is not None and access.cache.is_blocked(imei),
        note=lambda name, reason, host: access.refusals.note(
            name, None, RefusalStage.REGISTRATION, reason, "TCP", host, now_us()
        ),
    )
    server = TcpServer(
        open_tcp_socket(settings.coap_host, settings.tcp_port),
        lambda host, certified, now, wake: StationSession(main, host, now, wake, certified),
        context.limiter,
        TcpLimits(settings.tcp_connections, settings.tcp_address_connections),
        _tls(settings),
    )
    return server, main


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
