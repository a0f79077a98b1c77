# SPDX-License-Identifier: Apache-2.0
"""Ports of tariffs and the tables behind them."""

from openmains.app.tariff.ports import MeterPriceStore, TariffStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.tariff.prices import MeterPrices
from openmains.edges.postgres.tariff.tables import Tariffs

ADAPTERS: Adapters = dict([Bind(TariffStore).to(Tariffs), Bind(MeterPriceStore).to(MeterPrices)])
