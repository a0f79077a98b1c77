# SPDX-License-Identifier: Apache-2.0
"""Customers and accounts: rules without I/O (R8, ADR 0025)."""
