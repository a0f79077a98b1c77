# SPDX-License-Identifier: Apache-2.0
"""Ports of the ledger and the tables behind them."""

from openmains.app.ledger.ports import ActStore, LedgerStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.ledger.acts import Acts
from openmains.edges.postgres.ledger.tables import Ledger

ADAPTERS: Adapters = dict([Bind(LedgerStore).to(Ledger), Bind(ActStore).to(Acts)])
