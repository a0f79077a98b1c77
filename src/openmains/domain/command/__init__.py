# SPDX-License-Identifier: Apache-2.0
"""Commands to meters (R4): what each kind is, its life cycle, what may be sent when, and what must never be sent.

Pure rules. ``life`` is the life cycle as a table, ``kinds`` the kinds as a table, ``order`` says which command of a
meter goes next, ``safety`` and ``quota`` guard valves and money, ``batch`` leads many meters through one change,
``flow`` keeps radio cells within their load and ``planner`` spreads the reports over the night.
"""
