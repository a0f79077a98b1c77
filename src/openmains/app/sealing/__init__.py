# SPDX-License-Identifier: Apache-2.0
"""Sealing at rest: the master key, keys of tenants under it, and who keeps those (ADR 0010). What they seal is each context's own."""
