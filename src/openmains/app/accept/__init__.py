# SPDX-License-Identifier: Apache-2.0
"""Accepting messages at the edge: who sent it, is it sound, may it come in, and when may it be answered."""
