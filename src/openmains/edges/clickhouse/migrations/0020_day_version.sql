-- SPDX-License-Identifier: Apache-2.0
-- Versions of a day that others took the place of (ADR 0014). A day that came once has no row here.
CREATE TABLE IF NOT EXISTS day_version (
  tenant_id    UInt32,
  meter_id     UInt64 CODEC(Delta, ZSTD(1)),
  day          Date,
  version      UInt64 CODEC(ZSTD(1)),
  base         Int64 CODEC(ZSTD(1)),
  interval_s   UInt32 CODEC(ZSTD(1)),
  increments   Array(Int32) CODEC(ZSTD(1)),
  quality      Array(UInt8) CODEC(ZSTD(1)),  -- empty as in meter_day
  total        Int64 CODEC(ZSTD(1)),
  flags        UInt32 CODEC(ZSTD(1)),
  received_s   UInt32 CODEC(ZSTD(1)),        -- when its newest message came
  superseded_s UInt32 CODEC(ZSTD(1))         -- instant of what took its place: it is kept from then on
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (tenant_id, meter_id, day, version)
TTL toDateTime(superseded_s) + toIntervalDay(1096)
SETTINGS fsync_after_insert = 1, index_granularity = 512
--;
-- What persons made of a day: who, when and why. It stays as long as the day: the newest version has its cause here too.
CREATE TABLE IF NOT EXISTS day_cause (
  tenant_id   UInt32,
  meter_id    UInt64 CODEC(Delta, ZSTD(1)),
  day         Date,
  version     UInt64 CODEC(ZSTD(1)),
  why         LowCardinality(String),
  user_id     UInt64 CODEC(ZSTD(1)),
  approved_by UInt64 CODEC(ZSTD(1)),         -- 0: no second person was needed
  edit_id     UInt64 CODEC(ZSTD(1)),         -- 0: a replay
  made_s      UInt32 CODEC(ZSTD(1)),
  reason      String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (tenant_id, meter_id, day, version)
SETTINGS fsync_after_insert = 1, index_granularity = 512
