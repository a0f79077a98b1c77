# SPDX-License-Identifier: Apache-2.0
"""Ports of payments and the tables behind them."""

from openmains.app.payment.compare_ports import ComparisonStore
from openmains.app.payment.debit_ports import DebitStore
from openmains.app.payment.order_ports import PaymentChannelStore, PaymentOrderStore, PaymentRefundStore
from openmains.app.payment.partner_ports import PartnerStore
from openmains.app.payment.ports import ReceiptStore, ReturnStore, ShiftStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.payment.comparison import Comparisons
from openmains.edges.postgres.payment.debits import Debits
from openmains.edges.postgres.payment.orders import PaymentChannels, PaymentOrders, PaymentRefunds
from openmains.edges.postgres.payment.partners import Partners
from openmains.edges.postgres.payment.tables import Receipts, Returns, Shifts

ADAPTERS: Adapters = dict(
    [
        Bind(ShiftStore).to(Shifts),
        Bind(ReceiptStore).to(Receipts),
        Bind(ReturnStore).to(Returns),
        Bind(PaymentChannelStore).to(PaymentChannels),
        Bind(PaymentOrderStore).to(PaymentOrders),
        Bind(PaymentRefundStore).to(PaymentRefunds),
        Bind(ComparisonStore).to(Comparisons),
        Bind(DebitStore).to(Debits),
        Bind(PartnerStore).to(Partners),
    ]
)
