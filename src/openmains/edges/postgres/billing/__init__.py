# SPDX-License-Identifier: Apache-2.0
"""Bill runs, bills, corrections, settlements."""
