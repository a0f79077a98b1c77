# SPDX-License-Identifier: Apache-2.0
"""Ports of identity and the tables behind them."""

from openmains.app.identity.application_ports import ApplicationStore
from openmains.app.identity.list_views import ListViews
from openmains.app.identity.ports import AuditTrail, CredentialStore, ReachStore, RoleStore, UserStore
from openmains.app.identity.preferences import PreferenceStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.identity.applications import Applications
from openmains.edges.postgres.identity.audit import Audit
from openmains.edges.postgres.identity.own import ListViewTable, OwnPreferences
from openmains.edges.postgres.identity.reach import Reaches
from openmains.edges.postgres.identity.roles import Roles
from openmains.edges.postgres.identity.tables import Credentials, Users

ADAPTERS: Adapters = dict(
    [
        Bind(UserStore).to(Users),
        Bind(RoleStore).to(Roles),
        Bind(ReachStore).to(Reaches),
        Bind(CredentialStore).to(Credentials),
        Bind(ApplicationStore).to(Applications),
        Bind(AuditTrail).to(Audit),
        Bind(PreferenceStore).to(OwnPreferences),
        Bind(ListViews).to(ListViewTable),
    ]
)
