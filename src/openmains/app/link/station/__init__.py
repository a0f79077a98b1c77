# SPDX-License-Identifier: Apache-2.0
"""Concentrators, DTUs and always-on meters over TCP: the main-station protocol (R5.7) and the lines behind them."""
