# SPDX-License-Identifier: Apache-2.0
"""Network management (R5.5): gateways, relays and meters as a network with how each stands, what happened and how well it carries."""
