# SPDX-License-Identifier: Apache-2.0
"""Notices to persons, and events pushed to other systems (R7.3, R14.7, ADR 0034)."""
