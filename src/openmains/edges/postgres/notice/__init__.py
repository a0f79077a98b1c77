# SPDX-License-Identifier: Apache-2.0
"""Notices and subscriptions in PostgreSQL: ``queries.sql`` of the API, ``work.sql`` of the worker."""
