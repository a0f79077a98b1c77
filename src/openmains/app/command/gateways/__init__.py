# SPDX-License-Identifier: Apache-2.0
"""Commands to gateways themselves: their parameters, read and set through the one life of commands (ADR 0075)."""
