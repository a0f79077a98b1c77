# SPDX-License-Identifier: Apache-2.0
"""What a person sees first: the state of all meters and the work that waits. It reads of every context and changes nothing (ADR 0036)."""
