# SPDX-License-Identifier: Apache-2.0
"""Makers' own frames, whatever their maker thought of, as pages of data: any check, nesting, repetition, clocks, floats."""
