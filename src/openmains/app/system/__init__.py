# SPDX-License-Identifier: Apache-2.0
"""The running system: what runs, how far behind it is, and what happens now."""
