# SPDX-License-Identifier: Apache-2.0
"""Ports of customers and accounts and the tables behind them."""

from openmains.app.party.ports import AccountStore, CustomerStore, PersonalStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.party.accounts import Accounts
from openmains.edges.postgres.party.customers import Customers, Personal

ADAPTERS: Adapters = dict(
    [Bind(AccountStore).to(Accounts), Bind(CustomerStore).to(Customers), Bind(PersonalStore).to(Personal)]
)
