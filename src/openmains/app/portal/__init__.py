# SPDX-License-Identifier: Apache-2.0
"""Customers' own pages: who holds a phone signs in by a code, sees the accounts that its customers hold, pays, and asks (ADR 0059)."""
