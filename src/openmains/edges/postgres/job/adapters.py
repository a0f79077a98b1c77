# SPDX-License-Identifier: Apache-2.0
"""Ports of jobs and the tables behind them."""

from openmains.app.job.ports import JobStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.job.tables import Jobs

ADAPTERS: Adapters = dict([Bind(JobStore).to(Jobs)])
