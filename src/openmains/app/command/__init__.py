# SPDX-License-Identifier: Apache-2.0
"""Commands to meters: drafted and called off by the API, taken in, sent and ended by the pipeline's role (docs/commands.md)."""
