# SPDX-License-Identifier: Apache-2.0
"""The signer's edges: ledger (SQLite), socket (both ends), stop switch (files). Nothing of it needs an engine."""
