# SPDX-License-Identifier: Apache-2.0
"""Customers and their accounts in PostgreSQL."""
