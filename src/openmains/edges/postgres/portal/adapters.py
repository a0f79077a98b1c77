# SPDX-License-Identifier: Apache-2.0
"""Ports of customers' own pages and the tables behind them."""

from openmains.app.portal.ports import PortalStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.portal.tables import Portal

ADAPTERS: Adapters = dict([Bind(PortalStore).to(Portal)])
