# SPDX-License-Identifier: Apache-2.0
"""Ports of work outside and the tables behind them."""

from openmains.app.field.ports import PhotoStore, RouteStore, VisitStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.field.tables import Photos, Routes, VisitTable

ADAPTERS: Adapters = dict([Bind(RouteStore).to(Routes), Bind(VisitStore).to(VisitTable), Bind(PhotoStore).to(Photos)])
