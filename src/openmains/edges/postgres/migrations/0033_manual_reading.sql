-- SPDX-License-Identifier: Apache-2.0
-- Registers that persons read: who, when, by which door, and what became of each. The values themselves are registers and days in
-- ClickHouse; a row here is changed by the pipeline only, which notes the version it made (app/readings/manual/).
CREATE TABLE manual_reading (
  reading_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  at_s       bigint NOT NULL,                 -- when it was read
  register   bigint NOT NULL,                 -- units of the meter's driver
  digit      bigint NOT NULL CHECK (digit > 0), -- unit of the last digit that was read
  note       text NOT NULL DEFAULT '',
  source     text NOT NULL CHECK (source IN ('form', 'import')),
  job_id     bigint,                          -- of the import it came by
  author_id  bigint NOT NULL,
  made_us    bigint NOT NULL,                 -- when it was entered
  sent_us    bigint NOT NULL DEFAULT 0,       -- when it was last put into the stream; 0: not yet
  version    bigint,                          -- that it made; null: it waits
  flags      bigint NOT NULL DEFAULT 0,       -- bits of domain/readings/quality.py
  UNIQUE (meter_id, at_s)                     -- a meter shows one register at an instant
);
CREATE INDEX manual_reading_newest ON manual_reading (tenant_id, reading_id DESC);
CREATE INDEX manual_reading_waits ON manual_reading (job_id, meter_id, at_s) WHERE version IS NULL;

ALTER TABLE manual_reading ENABLE ROW LEVEL SECURITY;
ALTER TABLE manual_reading FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON manual_reading TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
CREATE POLICY all_tenants ON manual_reading TO openmains_pipeline USING (true) WITH CHECK (true);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON manual_reading TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT ON manual_reading TO openmains_api;
GRANT UPDATE (sent_us) ON manual_reading TO openmains_api;
GRANT SELECT, INSERT, UPDATE ON manual_reading TO openmains_pipeline;

-- Who reads a meter at a door may have its bar code only.
CREATE INDEX meter_bar_code ON meter (tenant_id, bar_code) WHERE bar_code <> '';

-- Unit of the last digit of a meter's newest register where a person read it; 0: the meter said it itself.
ALTER TABLE meter_state ADD COLUMN read_digit bigint NOT NULL DEFAULT 0;
