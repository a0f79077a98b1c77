# SPDX-License-Identifier: Apache-2.0
"""Alarms: acknowledge and clear (R7.2)."""
