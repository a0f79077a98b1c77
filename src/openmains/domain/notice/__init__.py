# SPDX-License-Identifier: Apache-2.0
"""Who is told of what, when, and how often it is tried (R7.3)."""
