# SPDX-License-Identifier: Apache-2.0
"""Meters that report to an operator's platform: what it pushes, what it is asked, and commands that it keeps for them (R3.5, ADR 0064)."""
