# SPDX-License-Identifier: Apache-2.0
"""The radio network as meters see it (R12)."""
