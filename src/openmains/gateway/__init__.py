# SPDX-License-Identifier: Apache-2.0
"""A gateway of R5 without I/O: what it knows, decides and keeps (ADR 0065). Radio, broker, clock, file and randomness are given to it.

    radio ── AirFrame ──→ core.Gateway ── Item ──→ north (a broker)
          ←── AirFrame ──              ←── Down ──

Nothing is said that confirms something before that is on disk: ``Gateway.to_radio`` and ``to_north`` commit first. So a gateway that is killed
at any instant has either kept what it confirmed, or confirmed nothing, and is told again.
"""
