# SPDX-License-Identifier: Apache-2.0
"""Ports of security and the tables behind them."""

from openmains.app.security.ports import AccessStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.security.terminals import Access

ADAPTERS: Adapters = dict([Bind(AccessStore).to(Access)])
