# SPDX-License-Identifier: Apache-2.0
"""LwM2M operations on a meter while it is awake: who may, on what, and what came of it."""
