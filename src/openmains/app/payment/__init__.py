# SPDX-License-Identifier: Apache-2.0
"""Money taken at the counter and through channels: shifts, receipts, taking a payment back."""
