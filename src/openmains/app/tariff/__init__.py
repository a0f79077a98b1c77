# SPDX-License-Identifier: Apache-2.0
"""Tariffs as versioned data: drafted, simulated, approved by another person, in force from a day on; never changed in place."""
