# SPDX-License-Identifier: Apache-2.0
"""``openmains backup`` and ``openmains restore`` (ADR 0018): all stores of one ``var`` at one moment, and back into an empty folder."""
