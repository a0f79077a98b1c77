# SPDX-License-Identifier: Apache-2.0
"""``openmains replay FILE``: meters that carry given registers."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

from openmains.emulator.device.endpoint import Network, parse_target
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.replay import ReplayError, ReplaySummary, State, map_imeis, read_series, replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or CSV.gz: meter, local_time, register")
    parser.add_argument("--target", default="127.0.0.1:5683", metavar="HOST:PORT", help="the platform's CoAP port")
    parser.add_argument(
        "--map", action="append", default=[], metavar="METER=IMEI", help="IMEI of one meter; repeatable"
    )
    parser.add_argument("--imei-base", type=int, help="IMEI of the file's first meter; the others follow, one by one")
    parser.add_argument("--zone", default="Asia/Shanghai", help="IANA zone of local_time")
    parser.add_argument(
        "--same-time",
        choices=("repeat", "second"),
        default="repeat",
        help="an equal time in the hour that comes twice: a repeated reading (default) or the second pass",
    )
    parser.add_argument("--driver", default="openmains/water-1", help="driver whose register-log message is sent")
    parser.add_argument("--batch", type=int, default=24, help="registers a message (at most 60)")
    parser.add_argument("--only", action="append", default=[], metavar="METER", help="send this meter only; repeatable")
    parser.add_argument("--sockets", type=int, default=4, help="UDP sockets")
    parser.add_argument("--state", type=Path, help="remember progress here and go on from it")
    parser.add_argument("--retries", type=int, default=20, help="attempts after silence, 4.29 or 5.xx")
    parser.add_argument("--loss", type=float, default=0.0, help="share of datagrams lost")
    parser.add_argument("--duplicates", type=float, default=0.0, help="share of datagrams doubled")
    parser.add_argument("--reordering", type=float, default=0.0, help="share of datagrams that overtake others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true", help="no progress lines")


def main(args: argparse.Namespace) -> int:
    """Run; one JSON summary on standard output. 0 when every register was acknowledged, else 1; 2 for bad input."""
    try:
        series = read_series(args.file, args.zone, same_is_second=args.same_time == "second")
        imeis = map_imeis([carried.meter for carried in series], args.map, args.imei_base)
        if args.only:
            series = [carried for carried in series if carried.meter in args.only]
        state = State(args.state, args.file.name)
        total = sum(len(carried.registers) for carried in series)

        def progress(summary: ReplaySummary) -> None:
            done = summary.registers_before + summary.registers
            line = f"{summary.seconds:6.0f} s  {done}/{total} registers  {summary.messages} messages"
            print(f"{line}  {summary.attempts - summary.messages} unanswered or refused", file=sys.stderr, flush=True)

        summary = asyncio.run(
            replay(
                series,
                imeis,
                parse_target(args.target),
                DriverFrames(args.driver),
                state,
                batch=args.batch,
                sockets=args.sockets,
                retries=args.retries,
                network=Network(args.loss, args.duplicates, args.reordering),
                seed=args.seed,
                progress=None if args.quiet else progress,
            )
        )
    except (ReplayError, ValueError, OSError, ZoneInfoNotFoundError) as error:
        print(f"openmains replay: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command with --state goes on", file=sys.stderr)
        return 130
    print(json.dumps({**summary.json(), "total": total}))
    return 0 if summary.registers_before + summary.registers == total else 1
