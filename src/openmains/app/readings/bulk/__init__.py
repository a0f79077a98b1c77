# SPDX-License-Identifier: Apache-2.0
"""Readings of very many meters at once (R14.7): registers at an instant, values of quantities, sums, and questions that are kept."""
