-- SPDX-License-Identifier: Apache-2.0
-- From when and in which mode a meter is asked. A mode is 0 (the product's counts), 1 day, 2 week, 3 ten days, 4 month.
ALTER TABLE meter_dim
  ADD COLUMN IF NOT EXISTS first_day    Date DEFAULT installed_on + 1,
  ADD COLUMN IF NOT EXISTS own_mode     UInt8,
  ADD COLUMN IF NOT EXISTS own_since    Date,
  ADD COLUMN IF NOT EXISTS own_before   UInt8,
  ADD COLUMN IF NOT EXISTS registered_s UInt32
--;
-- Without a position every meter is copied anew, with the new columns.
TRUNCATE TABLE sync_position
