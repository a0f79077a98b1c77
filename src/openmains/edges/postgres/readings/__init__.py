# SPDX-License-Identifier: Apache-2.0
"""Exceptions and what the collection report counts."""
