-- SPDX-License-Identifier: Apache-2.0
-- Which pipeline process works on which shard (ADR 0021). A lease only keeps two processes from doing the same work twice; what keeps them from
-- booking it twice is pipeline_position, which a commit moves from where it read to where it ended, or fails.
CREATE TABLE pipeline_process (
  holder  text PRIMARY KEY,                      -- of a process and of those started after it in its place
  seen_at timestamptz NOT NULL
);
CREATE TABLE pipeline_lease (
  shard      int PRIMARY KEY,
  holder     text NOT NULL,
  expires_at timestamptz NOT NULL                -- from then on anybody may take it
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline_process, pipeline_lease TO openmains_pipeline;
GRANT SELECT ON pipeline_process, pipeline_lease TO openmains_api;
