# SPDX-License-Identifier: Apache-2.0
"""Work orders, who is sent, until when, and what safety inspections find; no clock, no store."""
