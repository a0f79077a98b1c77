# SPDX-License-Identifier: Apache-2.0
"""The signer: the only code that can make a valve move or credit rise. Runs in a process of its own (ADR 0012).

It trusts nobody who asks. It knows people by passwords of its own, reads the registry itself, counts for itself, makes
the frame itself from kind and parameters (it never signs bytes that it was given), and writes to its ledger before it answers.
"""
