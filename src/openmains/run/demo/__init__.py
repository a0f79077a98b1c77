# SPDX-License-Identifier: Apache-2.0
"""The demo utility: a made-up town with history and living meters."""
