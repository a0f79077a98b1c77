# SPDX-License-Identifier: Apache-2.0
"""Ports of billing and the tables behind them."""

from openmains.app.billing.invoice_ports import InvoiceStore
from openmains.app.billing.mirror_ports import MirrorStore
from openmains.app.billing.paper_ports import PaperStore
from openmains.app.billing.ports import BillStore, CorrectionStore, LinkStore, RunStore, SettlementStore
from openmains.app.billing.server_ports import ServerAccountStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.billing.bills import Bills, Corrections
from openmains.edges.postgres.billing.invoices import Invoices
from openmains.edges.postgres.billing.mirror import MirrorTables
from openmains.edges.postgres.billing.papers import Papers
from openmains.edges.postgres.billing.runs import Links, Runs
from openmains.edges.postgres.billing.server import ServerAccounts
from openmains.edges.postgres.billing.settlements import Settlements

ADAPTERS: Adapters = dict(
    [
        Bind(LinkStore).to(Links),
        Bind(RunStore).to(Runs),
        Bind(BillStore).to(Bills),
        Bind(SettlementStore).to(Settlements),
        Bind(CorrectionStore).to(Corrections),
        Bind(PaperStore).to(Papers),
        Bind(InvoiceStore).to(Invoices),
        Bind(ServerAccountStore).to(ServerAccounts),
        Bind(MirrorStore).to(MirrorTables),
    ]
)
