# SPDX-License-Identifier: Apache-2.0
"""Readings that persons take at the meter: one by one, and as files."""
