# SPDX-License-Identifier: Apache-2.0
"""Terminals and their keys: what edges report, how it is scored, what operators do, unknown ones that ask to come in."""
