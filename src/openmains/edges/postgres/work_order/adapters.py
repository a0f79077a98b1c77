# SPDX-License-Identifier: Apache-2.0
"""Ports of work orders and the tables behind them."""

from openmains.app.work_order.ports import InspectionStore, KindStore, OrderStore, RuleOrderStore, TechnicianStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.work_order.by_rules import RuleOrders
from openmains.edges.postgres.work_order.inspections import Inspections
from openmains.edges.postgres.work_order.tables import Kinds, Orders, Technicians

ADAPTERS: Adapters = dict(
    [
        Bind(OrderStore).to(Orders),
        Bind(KindStore).to(Kinds),
        Bind(TechnicianStore).to(Technicians),
        Bind(RuleOrderStore).to(RuleOrders),
        Bind(InspectionStore).to(Inspections),
    ]
)
