# SPDX-License-Identifier: Apache-2.0
"""The port of the first page and what stands behind it."""

from openmains.app.home.diagnosis import EvidenceStore
from openmains.app.home.ports import HomeStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.home.diagnosis import MeterEvidence
from openmains.edges.postgres.home.tables import Home

ADAPTERS: Adapters = dict([Bind(HomeStore).to(Home), Bind(EvidenceStore).to(MeterEvidence)])
