# SPDX-License-Identifier: Apache-2.0
"""Commands, batches, their flow to the meters, what the signer reads."""
