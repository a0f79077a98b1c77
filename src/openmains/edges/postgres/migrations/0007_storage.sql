-- SPDX-License-Identifier: Apache-2.0
-- What the stores held, once an hour: how fast the disk fills.
CREATE TABLE storage_sample (
  at    timestamptz NOT NULL,                  -- whole hours
  name  text NOT NULL,                         -- postgresql, stream, clickhouse.<table>
  bytes bigint NOT NULL,
  PRIMARY KEY (at, name)
);
GRANT SELECT, INSERT, DELETE ON storage_sample TO openmains_pipeline;
