# SPDX-License-Identifier: Apache-2.0
"""Tables of rules: as people make them, as the pipeline keeps to them, and their clock."""
