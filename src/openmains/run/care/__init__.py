# SPDX-License-Identifier: Apache-2.0
"""Care for the files of an installation: looked at when we start and while we run, built anew where that can be done."""
