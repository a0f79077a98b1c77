# SPDX-License-Identifier: Apache-2.0
"""Ports of network management and the tables behind them."""

from openmains.app.network.ports import NetworkStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.network.tables import Network

ADAPTERS: Adapters = dict([Bind(NetworkStore).to(Network)])
