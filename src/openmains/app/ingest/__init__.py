# SPDX-License-Identifier: Apache-2.0
"""The way of a message in: ``edge`` admits and batches it, ``pipeline`` turns it into rows; ``uplink`` is what passes between."""
