-- SPDX-License-Identifier: Apache-2.0
-- Days in the order in which they changed (ADR 0022): what was written since a cursor is read from here, never from meter_day. ``shard``
-- and ``seq``: the batch that made the version, by the stream position at which it began. Below a shard's committed position
-- nothing is added any more. A batch that is written again after a crash writes the same rows.
CREATE TABLE IF NOT EXISTS day_change (
  tenant_id  UInt32 CODEC(ZSTD(1)),
  shard      UInt32 CODEC(ZSTD(1)),
  seq        UInt64 CODEC(Delta, ZSTD(1)),
  meter_id   UInt64 CODEC(Delta, ZSTD(1)),
  day        Date CODEC(ZSTD(1)),
  version    UInt64 CODEC(ZSTD(1)),
  product_id UInt32 CODEC(ZSTD(1)),
  base       Int64 CODEC(ZSTD(1)),
  total      Int64 CODEC(ZSTD(1)),
  flags      UInt32 CODEC(ZSTD(1)),
  grid       UInt16 CODEC(ZSTD(1)),  -- how many slots the day has
  slots      UInt16 CODEC(ZSTD(1)),  -- of these, with a value
  measured   UInt16 CODEC(ZSTD(1)),  -- of these, measured
  received_s UInt32 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(toDateTime(received_s, 'UTC')) ORDER BY (tenant_id, shard, seq, meter_id, day, version)
SETTINGS fsync_after_insert = 1
--;
-- What was stored before there were cursors stands before all of them, in the order of its meters.
INSERT INTO day_change (tenant_id, shard, seq, meter_id, day, version, product_id, base, total, flags, grid, slots, measured, received_s)
SELECT tenant_id, 4294967295, meter_id, meter_id, day, version, product_id, base, total, flags, length(increments), slots, measured, received_s
  FROM meter_day FINAL
SETTINGS max_partitions_per_insert_block = 0
