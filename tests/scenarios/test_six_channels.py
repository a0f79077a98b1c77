# SPDX-License-Identifier: Apache-2.0
"""The same valve-and-top-up story over six channels – LwM2M, CoAP, a gateway of GB/T 36330, CJ/T 188 over TCP, LoRaWAN over MQTT, an operator's
platform – of one utility, through the one command life cycle: exactly once each, also while edges, the pipeline, the dispatcher and the gateway
are killed (issue 14, "to show" 7)."""

import asyncio
import os
import random
import signal
import socket
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.chaos import pids
from tests.support.commanded import ANN, CommandedTown, commanded_town
from tests.support.ports import free_port
from tests.support.six_channels import (
    FIRST,
    LINE,
    ON_SESSIONS,
    TOP_UP,
    Acts,
    Channel,
    GatewayChannel,
    channels,
    register,
)
from tests.support.system import System, Systems, until, until_async

KILLED = ("edge", "dispatch", "core")
SPEAK_S = 1.0
KILLS = 12


async def story(systems: Systems, folder: Path, kills: int) -> None:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(mosquitto(folder))
        user, password = ACCOUNT
        tcp = free_port(socket.SOCK_STREAM)
        system = stack.enter_context(systems(
            mqtt_broker=f"mqtt://127.0.0.1:{broker}", mqtt_user=user, mqtt_password=password, mqtt_gateways=True, tcp_port=tcp,
            tcp_unproven_commands="true", notify_networks="127.0.0.0/8", meter_rate_per_min=10_000,
        ))  # fmt: skip

        async def also(tenant_id: int) -> None:
            register(system)

        town = await stack.enter_async_context(commanded_town(system, ON_SESSIONS, first_number=FIRST, also=also))
        six = await stack.enter_async_context(channels(town, folder, broker, tcp))
        for channel in six:
            path = f"/meters/{town.id_of(channel.first)}"
            assert await until(partial(state_of, system, path, "register_m3")), channel.name

        given: dict[int, str] = {}
        for channel in six:
            given[town.give(channel.first, "valve_close", f"six-{channel.first}-close", signed=True)] = (
                f"{channel.name} valve"
            )
            if channel.acts().credit_fen is not None:
                top_up = town.give(
                    channel.first + 1, "top_up", f"six-{channel.first}-top-up", signed=True, params=TOP_UP
                )
                given[top_up] = f"{channel.name} top-up"
        line = {"kind": "top_up", "unique_key": "line-top-up-none", "params": TOP_UP, "signer": ANN}
        refused = system.api.post(
            f"/meters/{town.id_of(LINE)}/commands", json=line
        )  # CJ/T 188 has none that can be read back
        assert refused.json()["type"].endswith("no-such-command"), refused.text
        speaking = [asyncio.create_task(speaks(channel)) for channel in six]
        stack.push_async_callback(stopped, speaking)
        if kills:
            await killing(town, six, kills)
        for command_id, name in given.items():
            done = await reaches_its_end(town, command_id)
            assert (done["state"], done["reason"]) in (("confirmed", "done"), ("confirmed", "already_done")), (
                name,
                done,
            )
        for channel in six:
            acts = channel.acts()
            wanted = None if acts.credit_fen is None else TOP_UP["amount"]
            assert acts == Acts(1, True, wanted), channel.name
            valve = f"/meters/{town.id_of(channel.first)}"
            assert await until(partial(is_shut, system, valve)), channel.name


def state_of(system: System, path: str, name: str) -> object:
    """What the registry's page of a meter says of its state; None before anything came."""
    return (system.get(path)["state"] or {}).get(name)


def is_shut(system: System, path: str) -> bool:
    return state_of(system, path, "valve") == 1


async def speaks(channel: Channel) -> None:
    """Again and again; nobody is there at times."""
    while True:
        with suppress(OSError, AssertionError, httpx.HTTPError, TimeoutError):
            await asyncio.wait_for(channel.speak(), 30)
        await asyncio.sleep(SPEAK_S)


async def stopped(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def killing(town: CommandedTown, six: list[Channel], kills: int) -> None:
    """While commands are under way at all channels."""
    seed = int(os.environ.get("OPENMAINS_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}")
    chance = random.Random(seed)  # noqa: S311 - an order that can be repeated
    (gateway,) = [channel.gateway for channel in six if isinstance(channel, GatewayChannel)]
    for count in range(kills):
        await asyncio.sleep(chance.uniform(0.5, 4))
        which = chance.choice((*KILLED, "gateway"))
        if which == "gateway":
            await gateway.kill()
            await gateway.begin()
        else:
            for pid in pids(town.system, which):
                os.kill(pid, signal.SIGKILL)
        if count % 3 == 2:
            await until(lambda: is_back(town))


def is_back(town: CommandedTown) -> bool:
    """The API answers again."""
    with suppress(httpx.TransportError):
        return town.system.api.get("/ready").is_success
    return False


async def reaches_its_end(town: CommandedTown, command_id: int) -> dict[str, object]:
    """The pauses between attempts pass at once."""

    async def ended() -> dict[str, object] | None:
        await town.sql("UPDATE command_waiting SET due_at = 0 WHERE command_id = $1", command_id)
        with suppress(httpx.TransportError):
            found: dict[str, object] = town.command(command_id)
            return found if found["state"] in ("confirmed", "failed", "expired", "cancelled") else None
        return None

    found = await until_async(ended)
    assert found is not None
    return found


@pytest.mark.usefixtures("foreign_programs")
async def test_a_valve_and_a_top_up_over_six_channels(systems: Systems, tmp_path: Path) -> None:
    await story(systems, tmp_path, 0)


@pytest.mark.usefixtures("foreign_programs", "takes_minutes")
async def test_a_valve_and_a_top_up_over_six_channels_through_kills(systems: Systems, tmp_path: Path) -> None:
    await story(systems, tmp_path, KILLS)
