# SPDX-License-Identifier: Apache-2.0
"""Admitting messages at the edge: who sent it, is it sound, and when may it be answered."""
