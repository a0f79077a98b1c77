# SPDX-License-Identifier: Apache-2.0
"""Ports of commands and the tables behind them."""

from openmains.app.command.gateways.ports import GatewayCommandStore
from openmains.app.command.plan_ports import PlanStore
from openmains.app.command.ports import CommandStore
from openmains.app.command.reread_ports import EffectStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.command.gaps import Gaps
from openmains.edges.postgres.command.gateways import GatewayCommands
from openmains.edges.postgres.command.plans import Plans
from openmains.edges.postgres.command.tables import Commands

ADAPTERS: Adapters = dict(
    [
        Bind(CommandStore).to(Commands),
        Bind(PlanStore).to(Plans),
        Bind(EffectStore).to(Gaps),
        Bind(GatewayCommandStore).to(GatewayCommands),
    ]
)
