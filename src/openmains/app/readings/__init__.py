# SPDX-License-Identifier: Apache-2.0
"""What people do with readings: judge exceptions, edit values, ask for the collection report."""
