# SPDX-License-Identifier: Apache-2.0
"""Meters that speak LwM2M on their sessions: registrations, reports, commands, an operator's operations, new keys."""
