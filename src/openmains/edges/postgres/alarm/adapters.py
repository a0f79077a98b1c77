# SPDX-License-Identifier: Apache-2.0
"""Ports of alarms and the tables behind them."""

from openmains.app.alarm.ports import AlarmStore, LimitStore, MuteStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.alarm.limits import Limits
from openmains.edges.postgres.alarm.tables import Alarms, Mutes

ADAPTERS: Adapters = dict([Bind(AlarmStore).to(Alarms), Bind(LimitStore).to(Limits), Bind(MuteStore).to(Mutes)])
