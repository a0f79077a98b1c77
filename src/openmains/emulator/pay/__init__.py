# SPDX-License-Identifier: Apache-2.0
"""Providers of payments as they answer and sign, for the demo and the tests; they misbehave on command."""
