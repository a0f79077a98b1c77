# SPDX-License-Identifier: Apache-2.0
"""The registry: products, areas, meters, their import and search."""
