# SPDX-License-Identifier: Apache-2.0
"""Pre-shared keys of devices: sealed at rest, opened in batches at the edge, made and imported by jobs (R13.1, ADR 0010)."""
