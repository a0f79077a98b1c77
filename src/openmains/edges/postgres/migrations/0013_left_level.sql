-- SPDX-License-Identifier: Apache-2.0
-- The level that a register left: a dial that falls to 0 and comes back is taken up where it was, and its life is not booked
-- as a day's use. Register and instant there, where the level that counts now began, and the use that was usual before.
ALTER TABLE meter_state
  ADD COLUMN left_register bigint,
  ADD COLUMN left_at       bigint,
  ADD COLUMN left_for      bigint,
  ADD COLUMN left_habit    bigint NOT NULL DEFAULT 0;
