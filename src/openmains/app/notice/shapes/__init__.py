# SPDX-License-Identifier: Apache-2.0
"""What each channel wants to hear and how its answers are read; no I/O: ``talk.py``."""
