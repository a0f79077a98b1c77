# SPDX-License-Identifier: Apache-2.0
"""Alarms from a meter's event flags (R1.5, R1.6, R7.1)."""

from openmains.domain.alarm.events import Action, Change, EventKind, EventState, Heard, hear, transitions

__all__ = ["Action", "Change", "EventKind", "EventState", "Heard", "hear", "transitions"]
