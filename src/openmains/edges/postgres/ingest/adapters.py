# SPDX-License-Identifier: Apache-2.0
"""Ports of ingest and the tables behind them."""

from openmains.app.ingest.ports import DeadLetterStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.ingest.dead_letters import DeadLetters

ADAPTERS: Adapters = dict([Bind(DeadLetterStore).to(DeadLetters)])
