# SPDX-License-Identifier: Apache-2.0
"""Arrears in PostgreSQL."""
