# SPDX-License-Identifier: Apache-2.0
"""Collection tasks: set, ended, put together for a meter (R4.7)."""
