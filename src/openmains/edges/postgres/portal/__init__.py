# SPDX-License-Identifier: Apache-2.0
"""Customers' own pages in PostgreSQL."""
