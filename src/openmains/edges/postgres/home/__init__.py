# SPDX-License-Identifier: Apache-2.0
"""The first page's figures, over the tables of all contexts; it writes nothing."""
