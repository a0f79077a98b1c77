# SPDX-License-Identifier: Apache-2.0
"""Ports of alarms and the tables behind them."""

from openmains.app.alarm.ports import AlarmStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.alarm.tables import Alarms

ADAPTERS: Adapters = dict([Bind(AlarmStore).to(Alarms)])
