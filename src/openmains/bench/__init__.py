# SPDX-License-Identifier: Apache-2.0
"""Measures a running system: ``openmains bench …``. Nothing imports it; it may use everything."""
