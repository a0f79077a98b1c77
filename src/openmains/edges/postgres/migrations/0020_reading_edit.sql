-- SPDX-License-Identifier: Apache-2.0
-- What persons set in place of readings, and took back: who wanted it, who agreed, the value that stood there. The value itself is a
-- version of its day in ClickHouse (ADR 0014); a row here is never changed but by the second person's word.
CREATE TABLE reading_edit (
  edit_id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  meter_id     bigint NOT NULL,
  day          int NOT NULL,
  exception_id bigint NOT NULL,
  undoes       bigint REFERENCES reading_edit,   -- the edit or undo that this takes back
  start_s      bigint NOT NULL,
  end_s        bigint NOT NULL,
  volume       bigint NOT NULL,                  -- units of the meter's driver
  old_volume   bigint NOT NULL,                  -- what stood there when it was wanted
  alone        bigint NOT NULL,                  -- above this a second person was needed
  reason       text NOT NULL,
  state        text NOT NULL CHECK (state IN ('pending', 'applied', 'rejected')),
  author_id    bigint NOT NULL,
  made_us      bigint NOT NULL,
  decided_by   bigint,
  decided_us   bigint,
  decision     text NOT NULL DEFAULT '',         -- the second person's reason
  CHECK (state <> 'applied' OR decided_by IS NULL OR decided_by <> author_id), -- its author may withdraw it, not approve it
  CHECK (end_s > start_s)
);
CREATE INDEX reading_edit_newest ON reading_edit (tenant_id, edit_id DESC);
CREATE INDEX reading_edit_day ON reading_edit (meter_id, day, edit_id DESC);
CREATE INDEX reading_edit_undoes ON reading_edit (undoes) WHERE undoes IS NOT NULL;
CREATE UNIQUE INDEX reading_edit_waits ON reading_edit (meter_id, day) WHERE state = 'pending'; -- one question at a time

ALTER TABLE reading_edit ENABLE ROW LEVEL SECURITY;
ALTER TABLE reading_edit FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON reading_edit TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON reading_edit TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT ON reading_edit TO openmains_api;
GRANT UPDATE (state, decided_by, decided_us, decision) ON reading_edit TO openmains_api;
