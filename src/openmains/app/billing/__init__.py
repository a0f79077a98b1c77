# SPDX-License-Identifier: Apache-2.0
"""Bills of a utility: bill runs, what a bill rests on, corrections, what is owed since when."""
