# SPDX-License-Identifier: Apache-2.0
"""Payments through channels: the life of an order, what a callback must say, how a top-up stands, a day's comparison."""
