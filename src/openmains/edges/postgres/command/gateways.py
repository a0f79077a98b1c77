# SPDX-License-Identifier: Apache-2.0
"""``GatewayCommandStore`` on one tenant's transaction, as role openmains_api, and the work at open commands as role openmains_pipeline: decided
by ``app/command/gateways/step.py``, written here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openmains.app.command.gateways.model import GatewayCommandDetail, GatewayCommandInfo, NewGatewayCommand
from openmains.app.command.gateways.ports import GatewayStanding
from openmains.app.command.gateways.step import CONTRADICTION, IN_LANE, OpenCommand, Step, answered, due
from openmains.app.command.model import CommandEvent
from openmains.app.identity.model import Actor
from openmains.app.link.mqtt.gateway_parameters import Answer, GatewayParameterLink
from openmains.domain.command.life import ENDS, Event, State
from openmains.domain.ids import TenantId
from openmains.domain.period import utc, utc_of_us
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load
from openmains.wire.gateway.messages import ParametersCommand

SQL = load(__package__, "gateways.sql")


class GatewayCommands:
    """On one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection, self._tenant_id = connection, tenant_id

    async def gateway(self, concentrator_id: int) -> GatewayStanding | None:
        row = await SQL["gateway"].fetchrow(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id
        )
        if row is None:
            return None
        reported = None if row["reported_us"] is None else utc_of_us(row["reported_us"])
        return GatewayStanding(row["number"], row["parameters"], reported, row["opened"])

    async def draft(
        self, concentrator_id: int, wanted: NewGatewayCommand, note: str, not_after: int, actor: Actor, now_us: int
    ) -> int | None:
        made: int | None = await SQL["draft"].fetchval(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id, kind=wanted.kind, parameters=wanted.parameters,
            unique_key=wanted.unique_key, note=note, created_by=actor.user_id, given_by=actor.login, now_us=now_us, not_after=not_after,
        )  # fmt: skip
        return made

    async def by_key(self, unique_key: str) -> int | None:
        found: int | None = await SQL["by_key"].fetchval(
            self._connection, tenant_id=self._tenant_id, unique_key=unique_key
        )
        return found

    async def lock(self, command_id: int) -> State | None:
        state = await SQL["lock"].fetchval(self._connection, tenant_id=self._tenant_id, command_id=command_id)
        return None if state is None else State(state)

    async def step(self, command_id: int, step: Step, actor: str, now_us: int) -> None:
        await SQL["move"].execute(
            self._connection, tenant_id=self._tenant_id, command_id=command_id, state=step.state, reason=step.reason,
            ended_us=now_us if step.state in ENDS else None,
        )  # fmt: skip
        await SQL["note"].execute(
            self._connection, tenant_id=self._tenant_id, command_id=command_id, at_us=now_us, event=step.event, state=step.state,
            actor=actor, detail=step.detail,
        )  # fmt: skip

    async def get(self, command_id: int) -> GatewayCommandDetail | None:
        one = extended(SQL["commands"], "AND g.command_id = :command_id")
        row = await one.fetchrow(self._connection, tenant_id=self._tenant_id, command_id=command_id)
        if row is None:
            return None
        lines = await SQL["history"].fetch(self._connection, tenant_id=self._tenant_id, command_id=command_id)
        history = [
            CommandEvent(utc_of_us(line["at_us"]), line["event"], line["state"], line["actor"], line["detail"])
            for line in lines
        ]
        return GatewayCommandDetail(**_values(row), history=history)

    async def page(
        self, limit: int, before: int | None, concentrator_id: int | None, *, waiting: bool
    ) -> list[GatewayCommandInfo]:
        fragments = ["AND g.state = 'quarantined'"] if waiting else []
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": limit}
        if concentrator_id is not None:
            fragments.append("AND g.concentrator_id = :concentrator_id")
            values["concentrator_id"] = concentrator_id
        if before is not None:
            values["after"] = before
        fragments += in_order("g.command_id", is_down=True, is_further=before is not None)
        rows = await extended(SQL["commands"], *fragments).fetch(self._connection, **values)
        return [GatewayCommandInfo(**_values(row)) for row in rows]


class GatewayCommandWork:
    """Of all utilities."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def sweep(self, now_us: int) -> None:
        """What time brings where no edge hears a gateway: nothing is sent."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._move(connection, None, (), now_us)

    async def turn(self, link: GatewayParameterLink, now_us: int) -> None:
        """What gateways said is written, then they are told so; what is due is written as sent, then it goes."""
        taken = link.take()
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                sent = await self._move(connection, link, [answer for answer, _ in taken], now_us)
        except Exception:
            link.again(taken)
            raise
        for _, done in taken:
            done()
        for gateway, command in sent:
            link.send(gateway, command)

    async def _move(
        self, connection: Connection, link: GatewayParameterLink | None, answers: Sequence[Answer], now_us: int
    ) -> list[tuple[str, ParametersCommand]]:
        """What is to be sent, with whom it is for."""
        rows = await SQL["locked_commands"].fetch(connection, answered=[answer.word.command for answer in answers])
        by_id = {row["command_id"]: row for row in rows}
        commands = {command_id: _open(row) for command_id, row in by_id.items()}
        for gateway, word in ((answer.gateway, answer.word) for answer in answers):
            command = commands.get(word.command)
            if command is None or by_id[word.command]["number"] != gateway:
                continue  # of another gateway's command nobody's word counts
            step = answered(command, word)
            if step is not None:
                await self._write(connection, by_id[word.command], step, now_us, dict(word.values) or None)
                if step.detail != CONTRADICTION:
                    commands[word.command] = replace(command, state=step.state)
        sent, seen = [], set()
        heard = () if link is None else link.connected()
        for command in commands.values():
            if command.state in ENDS:
                continue
            row = by_id[command.command_id]
            is_first = command.state in IN_LANE and command.concentrator_id not in seen
            if command.state in IN_LANE:
                seen.add(command.concentrator_id)
            is_stopped = link is not None and link.stopped(row["tenant_id"])
            steps = due(command, now_us, is_first=is_first, is_heard=row["number"] in heard, is_stopped=is_stopped)
            for step in steps:
                await self._write(connection, row, step, now_us)
                if step.event is Event.SEND:
                    told = ParametersCommand(command.command_id, command.parameters, command.not_after)
                    sent.append((row["number"], told))
        return sent

    async def _write(
        self, connection: Connection, row: Row, step: Step, now_us: int, answer: dict[str, Any] | None = None
    ) -> None:
        if step.detail != CONTRADICTION:
            await SQL["step"].execute(
                connection, command_id=row["command_id"], state=step.state, reason=step.reason, named=step.named, answer=answer,
                tries=step.event is Event.SEND, ends=step.state in ENDS, now_us=now_us,
            )  # fmt: skip
        await SQL["note"].execute(
            connection, tenant_id=row["tenant_id"], command_id=row["command_id"], at_us=now_us, event=step.event, state=step.state, actor="",
            detail=step.detail,
        )  # fmt: skip


def _open(row: Row) -> OpenCommand:
    return OpenCommand(
        row["command_id"], row["concentrator_id"], State(row["state"]), row["kind"], row["parameters"], row["not_after"], row["tried_us"]
    )  # fmt: skip


def _values(row: Row) -> dict[str, Any]:
    values = dict(row)
    for name in ("created", "sent", "ended"):
        us = values.pop(f"{name}_us")
        values[f"{name}_at"] = None if us is None else utc_of_us(us)
    values["not_after"], values["state"] = utc(values["not_after"]), State(values["state"])
    return values
