# SPDX-License-Identifier: Apache-2.0
"""The collection report of a day: counted, listed, written as files."""
