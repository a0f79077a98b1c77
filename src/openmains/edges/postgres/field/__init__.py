# SPDX-License-Identifier: Apache-2.0
"""Work outside in PostgreSQL."""
