-- SPDX-License-Identifier: Apache-2.0
-- How far tables that follow PostgreSQL have come. It lies beside the copies, so a lost ClickHouse is filled anew by itself.
CREATE TABLE IF NOT EXISTS sync_position (
  name     String,
  position UInt64,
  at       DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ReplacingMergeTree(at) ORDER BY name
SETTINGS fsync_after_insert = 1
