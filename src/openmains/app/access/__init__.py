# SPDX-License-Identifier: Apache-2.0
"""Terminals: what edges report of them, how it is judged, what operators do, and unknown ones that ask to come in."""
