# SPDX-License-Identifier: Apache-2.0
"""Adapters to whoever issues invoices. There is one, and it emulates."""
