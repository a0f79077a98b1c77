# SPDX-License-Identifier: Apache-2.0
"""Ports of readings and the tables behind them."""

from openmains.app.readings.ports import EditStore, ExceptionStore
from openmains.app.readings.tasks.ports import TaskStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.readings.edits import Edits
from openmains.edges.postgres.readings.exceptions import Exceptions
from openmains.edges.postgres.readings.tasks import Tasks

ADAPTERS: Adapters = dict([Bind(ExceptionStore).to(Exceptions), Bind(EditStore).to(Edits), Bind(TaskStore).to(Tasks)])
