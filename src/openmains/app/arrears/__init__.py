# SPDX-License-Identifier: Apache-2.0
"""What follows from arrears: warnings, closings that are proposed, reopenings."""
