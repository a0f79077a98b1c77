# SPDX-License-Identifier: Apache-2.0
"""What is done outside, at the meter, by people with a phone (R6.11, R8.1, R8.4)."""
