# SPDX-License-Identifier: Apache-2.0
"""What the pipeline loads and commits; dead letters."""
