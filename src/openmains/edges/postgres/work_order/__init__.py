# SPDX-License-Identifier: Apache-2.0
"""Work orders, technicians, inspections and hazards."""
