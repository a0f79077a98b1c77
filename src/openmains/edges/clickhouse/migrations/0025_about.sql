-- SPDX-License-Identifier: Apache-2.0
-- What is kept of this store itself: its name, which PostgreSQL keeps too (ADR 0017), so that an empty or foreign one is not taken for ours.
CREATE TABLE IF NOT EXISTS about (
  name  String,
  value String,
  at    DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ReplacingMergeTree(at) ORDER BY name
SETTINGS fsync_after_insert = 1
