# SPDX-License-Identifier: Apache-2.0
"""Tariffs: what a volume costs, to the fen, and what a meter can hold of it. Pure; definitions in ``docs/charging.md``."""
