# SPDX-License-Identifier: Apache-2.0
"""``openmains emulate``: a fleet of meters on real sockets."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openmains.domain import csv_rows
from openmains.domain.csv_rows import Broken, Rows, lines_of
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.period import DAY_S
from openmains.emulator.device.endpoint import Network, parse_target
from openmains.emulator.device.secure_device import OFFERS, ReportTransport
from openmains.emulator.fleet import Fleet
from openmains.emulator.fleet_model import Commanded, Faults, FleetSummary, MeterSpec, Radio, Secure
from openmains.emulator.meter.consumption import Consumption
from openmains.emulator.meter.frames import DriverFrames, immediate_events, medium_of
from openmains.emulator.meter.meter import Frames, Profile
from openmains.emulator.meter.profile import chongqing
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.emulator.meter.standard_frames import StandardFrames, immediate_standard
from openmains.wire.coap.reliability import Timing

_MODES = {
    "daily": (Period.DAY, DAY_S, 1800),
    "dense": (Period.EVERY, 3600, 300),  # R1.3: freeze every 5 min, report hourly
    "large": (Period.EVERY, 43_200, 1800),  # large meters: twice a day
    "large-dense": (Period.EVERY, 7200, 300),
    "week": (Period.WEEK, DAY_S, 1800),
    "ten-days": (Period.TEN_DAYS, DAY_S, 1800),
    "month": (Period.MONTH, DAY_S, 1800),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--target", default="127.0.0.1:5683", metavar="HOST:PORT", help="the platform's port")
    which = parser.add_argument_group("meters")
    which.add_argument(
        "--meters", type=Path, metavar="FILE", help="CSV: imei, number; driver, psk, imsi, command_key if any"
    )
    which.add_argument("--first-imei", type=int, help="without a file: IMEI and number count from here")
    which.add_argument("--count", type=int, default=100, help="without a file: how many (default 100)")
    which.add_argument("--driver", default="openmains/water-1", help="driver where the file names none")
    which.add_argument("--enhanced", action="store_true", help="send the enhanced report (R1.2)")
    which.add_argument(
        "--series", action="store_true", help="send the enhanced report with series of all quantities (R1.2)"
    )
    which.add_argument("--seed", type=int, default=0, help="the town: consumption, faults, jitter")
    when = parser.add_argument_group("time")
    when.add_argument(
        "--cadence", type=int, metavar="S", help="demo: every meter reports every S seconds, today so far"
    )
    when.add_argument("--mode", choices=sorted(_MODES), default="daily", help="report mode (R1.3)")
    when.add_argument("--report-time", type=int, default=0, metavar="S", help="seconds after the period's start")
    when.add_argument(
        "--wake-time",
        type=int,
        default=0,
        metavar="S",
        help="Chongqing: wake time; closes 2 min after the last command",
    )
    when.add_argument("--spread", choices=[scheme.value for scheme in Scheme], default="a", help="scheme of R2.1")
    when.add_argument("--spread-factor", type=int, default=120, metavar="S", help="T3, coefficient or delay, seconds")
    when.add_argument("--speed", type=float, default=1.0, help="virtual seconds a real second")
    when.add_argument("--start", type=int, metavar="UTC_S", help="virtual beginning; default: now")
    when.add_argument("--seconds", type=float, help="stop after so many real seconds; default: Ctrl-C")
    when.add_argument("--utc-offset", type=int, default=480, metavar="MIN", help="the meters' local time")
    when.add_argument("--attach-spread", type=int, metavar="S", help="first attaches spread over S virtual seconds")
    how = parser.add_argument_group("network")
    how.add_argument("--transport", choices=("coap", "dtls"), default="coap", help="dtls: with connection id and LwM2M")
    how.add_argument(
        "--way",
        choices=[way.value for way in ReportTransport],
        default=ReportTransport.OBJECT19.value,
        help="of reports over dtls",
    )
    how.add_argument("--dtls-offer", choices=list(OFFERS), default="all", help="what the modules' DTLS stacks have")
    how.add_argument(
        "--address-changes", type=float, default=0.0, help="share of messages before which the address changed"
    )
    how.add_argument("--rate", type=float, default=0.0, help="at most so many messages a second; 0 = no limit")
    how.add_argument("--sockets", type=int, default=0, help="UDP sockets; 0 = enough; as many as meters = one each")
    how.add_argument("--ack-timeout", type=float, default=2.0, metavar="S", help="CoAP's ACK_TIMEOUT, real seconds")
    how.add_argument("--loss", type=float, default=0.0, help="share of datagrams lost")
    how.add_argument("--duplicates", type=float, default=0.0, help="share of datagrams doubled")
    how.add_argument("--reordering", type=float, default=0.0, help="share of datagrams that overtake others")
    wrong = parser.add_argument_group("faults")
    wrong.add_argument("--drift-ppm", type=int, default=0, help="clocks drift by up to ± this")
    wrong.add_argument(
        "--register-resets", type=float, default=0.0, help="share of reports after which it restarts at 0"
    )
    wrong.add_argument("--alarms", type=float, default=0.0, help="causes of events a meter and virtual day")
    wrong.add_argument("--busy", type=float, default=0.0, help="share of messages that meet error 513")
    wrong.add_argument("--wrong-crc", type=float, default=0.0, help="share of messages with a broken bit")
    wrong.add_argument("--unknown", type=float, default=0.0, help="share of meters registered nowhere")
    wrong.add_argument("--attach-failures", type=float, default=0.0, help="share of attaches that fail")
    parser.add_argument("--quiet", action="store_true", help="no line a second")


def profile_of(args: argparse.Namespace, driver: str) -> Profile:
    """The meters' habits from the options."""
    standard = args.way == ReportTransport.SEND
    immediate = immediate_standard(medium_of(driver)) if standard else immediate_events(driver)
    common = {"utc_offset_s": args.utc_offset * 60, "immediate": immediate}
    if args.cadence:
        return Profile(
            Period.EVERY,
            args.cadence,
            today=True,
            scheme=Scheme.MOD200,
            heartbeats_s=(),
            window_s=1,
            log_days=10,
            **common,
        )
    period, every_s, freeze_s = _MODES[args.mode]
    profile = Profile(
        period,
        every_s,
        args.report_time,
        freeze_s,
        scheme=Scheme(args.spread),
        spread_factor_s=args.spread_factor,
        log_days=30 if args.count <= 2000 else 10,
        **common,
    )
    return chongqing(profile, args.wake_time) if args.wake_time else profile


@dataclass(slots=True)
class Secrets:
    """By IMEI: what ``--meters`` says besides the meters themselves."""

    psks: dict[str, bytes] = field(default_factory=dict)
    imsis: dict[str, str] = field(default_factory=dict)
    command_keys: dict[str, bytes] = field(default_factory=dict)

    def take(self, imei: str, row: Mapping[str, str | None], where: str) -> None:
        """From one line; raises ``ValueError`` for a key that is no hexadecimal number."""
        try:
            if row.get("psk"):
                self.psks[imei] = bytes.fromhex(row["psk"] or "")
            if row.get("command_key"):
                self.command_keys[imei] = bytes.fromhex(row["command_key"] or "")
        except ValueError:
            raise ValueError(f"{where}: psk and command_key are hexadecimal") from None
        if row.get("imsi"):
            self.imsis[imei] = row["imsi"] or ""


def _table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by heading; raises ``ValueError`` with the line for one that is no row, or not as wide as the first."""
    rows = iter(Rows(lines_of(path.read_bytes())))
    header: list[str] = []
    for row in rows:
        if isinstance(row, Broken):
            raise ValueError(f"{path}:{row.line}: {csv_rows.REASONS[row.reason][1]}")
        line, cells = row
        if header and len(cells) > len(header):
            raise ValueError(f"{path}:{line}: more cells than the header has")
        if header:
            yield line, dict(zip(header, cells, strict=False))
        else:
            header = cells


def read_meters(args: argparse.Namespace, secrets: Secrets | None = None) -> list[MeterSpec]:
    """The fleet; raises ``ValueError`` with the line for a bad file. Keys go into ``secrets``."""
    rows: list[tuple[str, int, str]] = []
    secrets = secrets or Secrets()
    if args.meters is not None:
        for line, row in _table(args.meters):
            imei, number = row.get("imei") or "", row.get("number") or ""
            if len(imei) != 15 or not imei.isdigit() or not number.isdigit():
                raise ValueError(f"{args.meters}:{line}: imei needs 15 digits and number digits only")
            rows.append((imei, int(number), row.get("driver") or args.driver))
            secrets.take(imei, row, f"{args.meters}:{line}")
    elif args.first_imei is not None:
        rows = [(imei_text(args.first_imei + k), args.first_imei + k, args.driver) for k in range(args.count)]
    else:
        raise ValueError("name the meters: --meters FILE or --first-imei N")
    if args.transport == "dtls" and (missing := [imei for imei, _, _ in rows if imei not in secrets.psks]):
        raise ValueError(f"--transport dtls needs a psk for each meter; {missing[0]} has none")
    profiles = {driver: profile_of(args, driver) for driver in {driver for _, _, driver in rows}}
    return [
        MeterSpec(imei, number, medium_of(driver), _frames(args, driver, number), profiles[driver])
        for imei, number, driver in rows
    ]


def _frames(args: argparse.Namespace, driver: str, number: int) -> Frames:
    if args.way == ReportTransport.SEND:
        return StandardFrames(medium_of(driver), number)
    return DriverFrames(driver, number, enhanced=args.enhanced, series=args.series)


async def _run(args: argparse.Namespace, specs: list[MeterSpec], known: Secrets | None = None) -> FleetSummary:
    known = known or Secrets()
    secure = None
    if args.transport == "dtls":
        secure = Secure(
            known.psks, known.imsis, transport=ReportTransport(args.way), address_changes=args.address_changes,
            offer=OFFERS[args.dtls_offer],
        )  # fmt: skip
    fleet = Fleet(
        specs,
        parse_target(args.target),
        start=int(time.time()) if args.start is None else args.start,
        speed=args.speed,
        town=Consumption(args.seed, args.utc_offset * 60),
        faults=Faults(
            drift_ppm=args.drift_ppm,
            register_resets=args.register_resets,
            wrong_crc=args.wrong_crc,
            unknown=args.unknown,
            attach_failures=args.attach_failures,
            alarms_per_day=args.alarms,
            busy=args.busy,
        ),
        radio=Radio(
            Network(args.loss, args.duplicates, args.reordering),
            Timing(ack_timeout_s=args.ack_timeout),
            args.sockets,
            args.rate,
        ),
        attach_spread_s=args.cadence if args.attach_spread is None else args.attach_spread,
        seed=args.seed,
        secure=secure,
        commanded=Commanded(known.command_keys),
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, fleet.stop)
    progress = None if args.quiet else lambda summary: print(summary.line(), file=sys.stderr, flush=True)
    return await fleet.run(args.seconds, progress)


def main(args: argparse.Namespace) -> int:
    """Run until stopped; one JSON summary on standard output. 0; 2 for bad input."""
    try:
        known = Secrets()
        specs = read_meters(args, known)
        summary = asyncio.run(_run(args, specs, known))
    except (ValueError, OSError) as error:
        print(f"openmains emulate: {error}", file=sys.stderr)
        return 2
    print(summary.json(), flush=True)
    return 0
