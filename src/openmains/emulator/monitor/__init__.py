# SPDX-License-Identifier: Apache-2.0
"""Emulated monitors (R3.7): a supply network with causes and effects, and terminals that say what they feel of it."""
