# SPDX-License-Identifier: Apache-2.0
"""The port of rules and the tables behind it."""

from openmains.app.rule.ports import RuleStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.rule.tables import Rules

ADAPTERS: Adapters = dict([Bind(RuleStore).to(Rules)])
