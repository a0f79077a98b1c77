# SPDX-License-Identifier: Apache-2.0
"""Meters that speak the standard LwM2M objects and no maker's frames."""
