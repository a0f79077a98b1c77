# SPDX-License-Identifier: Apache-2.0
"""``openmains gateway``: the gateway as a program for a small Linux box (ADR 0065). It needs none of the platform's engines."""
