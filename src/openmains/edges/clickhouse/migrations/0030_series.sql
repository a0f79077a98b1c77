-- SPDX-License-Identifier: Apache-2.0
-- Every quantity but volume, as the messages said it (ADR 0019): a row is a run of values of one point on one grid, or one spot
-- value (interval_s 0). The message's version is in the key: the same message writes the same row, a later one stands beside it, and
-- whoever reads takes of each instant the newest value that is one (domain/readings/quantities.py).
CREATE TABLE IF NOT EXISTS series (
  tenant_id   UInt32 CODEC(ZSTD(1)),
  meter_id    UInt64 CODEC(Delta, ZSTD(1)),
  point       UInt16 CODEC(ZSTD(1)),             -- number in [quantities] of drivers/points.toml
  start_s     UInt32 CODEC(Delta, ZSTD(1)),      -- instant of the first value
  version     UInt64 CODEC(ZSTD(1)),
  interval_s  UInt32 CODEC(ZSTD(1)),
  values      Array(Int64) CODEC(Delta, ZSTD(1)),  -- x 10^exponent of the point; any number where quality says MISSING
  quality     Array(UInt8) CODEC(ZSTD(1)),       -- empty: all measured, no rule fired; flags as in meter_day
  received_us UInt64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(toDateTime(start_s, 'UTC')) ORDER BY (tenant_id, meter_id, point, start_s, version)
SETTINGS fsync_after_insert = 1, index_granularity = 512
--;
-- A balance is said with every report, like radio and battery. Its unit is told by its kind. -2147483648 = not sent.
ALTER TABLE signal
  ADD COLUMN IF NOT EXISTS balance      Int64 DEFAULT -2147483648,
  ADD COLUMN IF NOT EXISTS balance_kind Int32 DEFAULT -2147483648
