# SPDX-License-Identifier: Apache-2.0
"""The running system: what the database says of itself, how the stores grow."""
