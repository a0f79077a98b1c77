# SPDX-License-Identifier: Apache-2.0
"""SQLite: what one edge node must not forget over a restart."""
