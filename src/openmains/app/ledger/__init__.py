# SPDX-License-Identifier: Apache-2.0
"""The ledger of a utility: book, ask and agree, close months, trial balance, journal."""
