# SPDX-License-Identifier: Apache-2.0
"""From a batch of uplinks to everything they mean for the stores; see ``process.py`` for the list of steps."""
