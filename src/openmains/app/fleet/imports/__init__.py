# SPDX-License-Identifier: Apache-2.0
"""The registry from a file: rows read in a child process, staged, compared, applied in one transaction."""
