# SPDX-License-Identifier: Apache-2.0
"""Operators' platforms as their public documents describe them, with what goes wrong at them."""
