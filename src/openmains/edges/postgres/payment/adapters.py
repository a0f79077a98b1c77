# SPDX-License-Identifier: Apache-2.0
"""Ports of payments and the tables behind them."""

from openmains.app.payment.ports import ReceiptStore, ReturnStore, ShiftStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.payment.tables import Receipts, Returns, Shifts

ADAPTERS: Adapters = dict([Bind(ShiftStore).to(Shifts), Bind(ReceiptStore).to(Receipts), Bind(ReturnStore).to(Returns)])
