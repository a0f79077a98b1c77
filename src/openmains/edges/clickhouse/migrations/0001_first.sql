-- SPDX-License-Identifier: Apache-2.0
-- Readings, frames, signals. Every table is idempotent: the same message writes the same key and version.
-- Statements are separated by a line holding only '--;'.

-- One row per meter and day (architecture: data model of a reading).
CREATE TABLE IF NOT EXISTS meter_day (
  tenant_id  UInt32,
  meter_id   UInt64 CODEC(Delta, ZSTD(1)),
  day        Date,
  area_id    UInt32,
  product_id UInt32,
  base       Int64 CODEC(ZSTD(1)),
  interval_s UInt32,
  increments Array(Int32) CODEC(ZSTD(1)),
  quality    Array(UInt8) CODEC(ZSTD(1)),   -- empty: all slots measured, no rule fired; read as arrayResize(quality, length(increments))
  total      Int64 CODEC(ZSTD(1)),
  flags      UInt32,
  slots      UInt16,                 -- how many slots hold a value (measured or estimated)
  measured   UInt16,                 -- of these, measured
  received_s UInt32 CODEC(ZSTD(1)),  -- when the newest message about this day came
  version    UInt64 CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day) ORDER BY (tenant_id, meter_id, day)
SETTINGS fsync_after_insert = 1, index_granularity = 512 -- one meter's rows are asked for: read little around them
--;
-- The same days in the other order, narrow: reports and sums of a day never touch the arrays.
CREATE TABLE IF NOT EXISTS day_total (
  tenant_id  UInt32,
  day        Date,
  area_id    UInt32,
  product_id UInt32,
  meter_id   UInt64 CODEC(Delta, ZSTD(1)),
  total      Int64 CODEC(ZSTD(1)),
  flags      UInt32,
  slots      UInt16,
  measured   UInt16,
  received_s UInt32 CODEC(ZSTD(1)),
  version    UInt64 CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day) ORDER BY (tenant_id, day, meter_id)
SETTINGS fsync_after_insert = 1
--;
CREATE MATERIALIZED VIEW IF NOT EXISTS day_total_from_meter_day TO day_total AS
SELECT tenant_id, day, area_id, product_id, meter_id, total, flags, slots, measured, received_s, version FROM meter_day
--;
-- Registers that came at arbitrary instants, each exactly as received.
CREATE TABLE IF NOT EXISTS register (
  tenant_id  UInt32,
  meter_id   UInt64,
  at         DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
  register   Int64 CODEC(Delta, ZSTD(1)),
  flags      UInt32,
  position   UInt16,                 -- place in its message
  received_us UInt64 CODEC(Delta, ZSTD(1)),
  version    UInt64
) ENGINE = ReplacingMergeTree(received_us)
PARTITION BY toYear(at) ORDER BY (tenant_id, meter_id, at, version, position)
SETTINGS fsync_after_insert = 1, index_granularity = 2048
--;
-- Every message as it came (communication log, 1 year: R14.3).
CREATE TABLE IF NOT EXISTS frame (
  tenant_id   UInt32,
  meter_id    UInt64,
  received_us UInt64 CODEC(Delta, ZSTD(1)),
  version     UInt64,
  direction   LowCardinality(String),
  channel     LowCardinality(String),
  path        LowCardinality(String),
  outcome     LowCardinality(String),  -- 'ok', 'repeat' or the reason it was refused
  payload     String CODEC(ZSTD(1)),
  at          DateTime('UTC') MATERIALIZED toDateTime(intDiv(received_us, 1000000), 'UTC')
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at) ORDER BY (tenant_id, meter_id, received_us, version, direction)
TTL at + INTERVAL 1 YEAR
SETTINGS fsync_after_insert = 1, index_granularity = 1024
--;
-- Radio and battery of every report (R12.3). Values in the units of drivers/points.toml; -2147483648 = not sent.
CREATE TABLE IF NOT EXISTS signal (
  tenant_id   UInt32,
  meter_id    UInt64,
  received_us UInt64 CODEC(Delta, ZSTD(1)),
  version     UInt64,
  rsrp_ddbm   Int32,
  sinr_ddb    Int32,
  ecl         Int32,
  pci         Int32,
  cell        Int64,
  earfcn      Int32,
  battery_pct Int32,
  battery_mv  Int32,
  at          DateTime('UTC') MATERIALIZED toDateTime(intDiv(received_us, 1000000), 'UTC')
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at) ORDER BY (tenant_id, meter_id, received_us, version)
SETTINGS fsync_after_insert = 1, index_granularity = 2048
--;
-- The registry's dimensions beside the readings, so that a report joins nothing across engines.
CREATE TABLE IF NOT EXISTS meter_dim (
  tenant_id    UInt32,
  meter_id     UInt64,
  area_id      UInt32,
  product_id   UInt32,
  installed_on Date,
  removed_on   Date DEFAULT '2149-06-06',
  revision     UInt64
) ENGINE = ReplacingMergeTree(revision)
ORDER BY (tenant_id, meter_id)
SETTINGS fsync_after_insert = 1
