-- SPDX-License-Identifier: Apache-2.0
-- With a balance stands the register of the moment at which the meter said it, and when that was by its clock (ADR 0063): the deduction
-- between two of them can be worked out again. -2147483648 = not said, or of another moment. Registers in the driver's unit.
ALTER TABLE signal
  ADD COLUMN IF NOT EXISTS register    Int64 DEFAULT -2147483648 CODEC(Delta, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS register_at UInt32 DEFAULT 0 CODEC(Delta, ZSTD(1))
