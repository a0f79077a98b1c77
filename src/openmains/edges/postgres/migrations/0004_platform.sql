-- SPDX-License-Identifier: Apache-2.0
-- What is chosen once for the whole installation, at its first start (the number of shards, for one).
CREATE TABLE platform_choice (
  name      text PRIMARY KEY,
  value     text NOT NULL,
  chosen_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON platform_choice TO openmains_pipeline;
GRANT SELECT ON platform_choice TO openmains_api;
