# SPDX-License-Identifier: Apache-2.0
"""Products, areas and meters: the registry, its import and export, and how it is searched."""
