# SPDX-License-Identifier: Apache-2.0
"""The port of the first page and what stands behind it."""

from openmains.app.home.ports import HomeStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.home.tables import Home

ADAPTERS: Adapters = dict([Bind(HomeStore).to(Home)])
