# SPDX-License-Identifier: Apache-2.0
"""Subcommands for the people who run a platform: tenants, users, keys, imports, reports, signer."""
