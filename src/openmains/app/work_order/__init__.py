# SPDX-License-Identifier: Apache-2.0
"""Work orders: made of alarms, reports, inspections or by hand, sent to technicians, mended, looked at, closed."""
