# SPDX-License-Identifier: Apache-2.0
"""Ports of readings and the tables behind them."""

from openmains.app.readings.accounts import AccountRegisters
from openmains.app.readings.bulk.saved import SavedQueries
from openmains.app.readings.changes import ChangeFacts
from openmains.app.readings.manual.ports import ManualStore
from openmains.app.readings.ports import EditStore, ExceptionStore
from openmains.app.readings.tasks.ports import TaskStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.readings.accounts import HangingsOfAccount
from openmains.edges.postgres.readings.changes import ChangeFactsOfTenant
from openmains.edges.postgres.readings.edits import Edits
from openmains.edges.postgres.readings.exceptions import Exceptions
from openmains.edges.postgres.readings.manual import ManualReadings
from openmains.edges.postgres.readings.saved import Saved
from openmains.edges.postgres.readings.tasks import Tasks

ADAPTERS: Adapters = dict(
    [
        Bind(AccountRegisters).to(HangingsOfAccount),
        Bind(ExceptionStore).to(Exceptions),
        Bind(EditStore).to(Edits),
        Bind(ManualStore).to(ManualReadings),
        Bind(ChangeFacts).to(ChangeFactsOfTenant),
        Bind(SavedQueries).to(Saved),
        Bind(TaskStore).to(Tasks),
    ]
)
