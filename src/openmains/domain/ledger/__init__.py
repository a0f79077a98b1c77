# SPDX-License-Identifier: Apache-2.0
"""The ledger: double entry, in fen, append-only. Pure; definitions in ``docs/ledger.md``."""
