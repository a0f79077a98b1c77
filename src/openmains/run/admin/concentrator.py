# SPDX-License-Identifier: Apache-2.0
"""``openmains concentrator add`` and ``remove``: a concentrator or DTU and the meters that it may speak for. All of it happens, or nothing."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from openmains.domain.fleet.frame_number import twins, wire_number
from openmains.domain.plain_text import name_fault
from openmains.edges.postgres.fleet.concentrators import (
    ConcentratorTrail,
    numbers_behind,
    put_concentrator,
    remove_concentrator,
    take_meters,
)
from openmains.edges.postgres.identity.machine import Tenants
from openmains.run import messages
from openmains.run.admin.place import connect_as_owner, the_tenant
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded

SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``NUMBER METER… [--meters FILE] [--name …] [--poll-s …] [--tenant CODE]``."""
    text = messages.text
    _add_who(parser)
    parser.add_argument("--name", default="", help=text("名称", "name"))
    parser.add_argument(
        "--poll-s",
        type=int,
        default=3600,
        help=text("轮询间隔(秒),默认 3600", "seconds between two readings; default 3600"),
    )


def add_remove_arguments(parser: argparse.ArgumentParser) -> None:
    """``NUMBER [METER…] [--meters FILE] [--tenant CODE]``: these meters are taken off; without any, the terminal itself."""
    _add_who(parser)


def _add_who(parser: argparse.ArgumentParser) -> None:
    text = messages.text
    parser.add_argument("number", help=text("终端号,16 位数字,注册时使用", "number of 16 digits by which it registers"))
    parser.add_argument("meter", nargs="*", help=text("其下表号", "numbers of the meters behind it"))
    parser.add_argument(
        "--meters", type=Path, metavar="FILE", help=text("表号文件,每行一个", "a file with a number a line")
    )
    parser.add_argument(
        "--tenant", metavar="CODE", help=text("租户代码(只有一个时可省略)", "tenant (may be left out if there is one)")
    )


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Raises StartError with the reason when it cannot be done."""
    count = asyncio.run(_add(args, loaded))
    messages.show(f"已登记 {args.number},其下 {count} 只表。", f"{args.number} is registered, with {count} meters.")
    return 0


def remove(args: argparse.Namespace, loaded: Loaded) -> int:
    """Raises StartError with the reason when it cannot be done."""
    meters = asyncio.run(_remove(args, loaded))
    if meters:
        messages.show(
            f"{len(meters)} 只表不再由 {args.number} 代报。", f"{len(meters)} meters are behind {args.number} no more."
        )
    else:
        messages.show(f"{args.number} 已移除,不能再注册。", f"{args.number} is removed and may register no more.")
    return 0


async def _remove(args: argparse.Namespace, loaded: Loaded) -> list[str]:
    meters = _meters(args)
    if args.meters is not None and not meters:
        raise StartError(
            f"{args.meters} 中没有表号,未作任何更改。", f"{args.meters} names no meter; nothing was changed."
        )
    connection = await connect_as_owner(loaded)
    try:
        tenant = the_tenant(await Tenants(connection).all(), args.tenant)
        async with connection.transaction():
            told: dict[str, object] = {
                "meters": meters or await numbers_behind(connection, tenant.tenant_id, args.number)
            }
            left: list[str] | None
            if meters:
                left = await take_meters(connection, tenant.tenant_id, args.number, meters)
            else:
                left = [] if await remove_concentrator(connection, tenant.tenant_id, args.number) else None
            if left is None:
                raise StartError(f"没有登记终端 {args.number}。", f"no terminal {args.number} is registered.")
            if left:
                named = ", ".join(left[:SHOWN])
                raise StartError(
                    f"{len(left)} 个表号不在 {args.number} 之下,未作任何更改:{named}",
                    f"{len(left)} numbers are not behind {args.number}; nothing was changed: {named}",
                )
            await ConcentratorTrail(connection).note(
                tenant.tenant_id,
                "take_from_concentrator" if meters else "remove_concentrator",
                "concentrator",
                args.number,
                told,
            )
    finally:
        await connection.close()
    return meters


async def _add(args: argparse.Namespace, loaded: Loaded) -> int:
    meters = _meters(args)
    _refuse_twins(meters)
    if len(args.number) != 16 or wire_number(args.number) != args.number:
        raise StartError(f"终端号应为 16 位数字:{args.number}", f"a terminal's number has 16 digits: {args.number}")
    if not 10 <= args.poll_s <= 2_678_400:
        raise StartError("--poll-s 应为 10…2678400。", "--poll-s should be 10…2678400.")
    if args.name and (name_fault(args.name) or len(args.name) > 200):
        raise StartError(
            "名称不可用:过长、以 = + - @ 开头或含不可见字符。",
            "this name will not do: too long, = + - @ in front, or hidden signs.",
        )
    connection = await connect_as_owner(loaded)
    try:
        tenant = the_tenant(await Tenants(connection).all(), args.tenant)
        async with connection.transaction():
            left = await put_concentrator(connection, tenant.tenant_id, args.number, args.name, args.poll_s, meters)
            if left is None:
                raise StartError("该终端号属于另一租户。", "this number is another utility's.")
            if left:
                named = ", ".join(left[:SHOWN])
                raise StartError(
                    f"{len(left)} 个表号不在台账中、已拆除,或已属于其他集中器,未作任何更改:{named}",
                    f"{len(left)} numbers are no meters in use, or are behind another concentrator; nothing was changed: {named}",
                )
            _refuse_twins(await numbers_behind(connection, tenant.tenant_id, args.number))
            told: dict[str, object] = {"meters": meters, "poll_s": args.poll_s, "name": args.name}
            await ConcentratorTrail(connection).note(
                tenant.tenant_id, "add_concentrator", "concentrator", args.number, told
            )
    finally:
        await connection.close()
    return len(meters)


def _refuse_twins(numbers: Sequence[str]) -> None:
    for one, other in twins(numbers):
        raise StartError(
            f"表号 {one} 与 {other} 在报文中相同,未作任何更改。",
            f"the numbers {one} and {other} are the same in a frame; nothing was changed.",
        )


def _meters(args: argparse.Namespace) -> list[str]:
    """In their order, each once; raises StartError for those that no frame can hold."""
    found: list[str] = list(args.meter)
    if args.meters is not None:
        try:
            found += [line.strip() for line in args.meters.read_text("utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"无法读取 {args.meters}:{error}", f"{args.meters} cannot be read: {error}") from error
    for number in found:
        if not wire_number(number):
            raise StartError(
                f"表号 {number} 无法写入报文:应为至多 16 位数字。",
                f"no frame can hold the number {number}: it should be at most 16 digits.",
            )
    return list(dict.fromkeys(found))
