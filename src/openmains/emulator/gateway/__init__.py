# SPDX-License-Identifier: Apache-2.0
"""The radio south of a gateway, emulated: the air, relays and meters, on whatever clock the caller has (R5.1, R5.3)."""
