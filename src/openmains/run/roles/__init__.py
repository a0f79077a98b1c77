# SPDX-License-Identifier: Apache-2.0
"""The roles of the program and where adapters meet use cases: one file a role, ``main`` starts one."""
