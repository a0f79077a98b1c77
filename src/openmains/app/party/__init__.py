# SPDX-License-Identifier: Apache-2.0
"""Customers and their accounts (户号): use cases and ports (R8, ADR 0025)."""
