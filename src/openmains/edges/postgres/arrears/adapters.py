# SPDX-License-Identifier: Apache-2.0
"""The port of arrears and the tables behind it."""

from openmains.app.arrears.ports import ArrearsStore, WarningStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.arrears.tables import ArrearsTables, Warnings

ADAPTERS: Adapters = dict([Bind(ArrearsStore).to(ArrearsTables), Bind(WarningStore).to(Warnings)])
