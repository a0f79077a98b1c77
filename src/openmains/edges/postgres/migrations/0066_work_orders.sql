-- SPDX-License-Identifier: Apache-2.0
-- Work orders, technicians, safety inspections and hazards (R7.2, R8.6, G4.5; ADR 0038). States and steps are those of
-- domain/work_order/life.py. Money in fen, instants in µs; each act once for its key, so that a phone's offline queue may repeat it.

-- What a utility set in place of a kind of domain/work_order/kinds.py, or of its own.
CREATE TABLE work_order_kind (
  tenant_id  int NOT NULL REFERENCES tenant,
  code       text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
  settings   jsonb NOT NULL,                      -- KindSettings of app/work_order/model.py
  changed_us bigint NOT NULL,
  changed_by bigint NOT NULL,
  PRIMARY KEY (tenant_id, code)
);
-- Users who go out.
CREATE TABLE technician (
  user_id   bigint PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
  tenant_id int NOT NULL REFERENCES tenant,
  skills    text[] NOT NULL DEFAULT '{}',
  area_ids  int[] NOT NULL DEFAULT '{}',          -- with all below; none: everywhere
  is_on     boolean NOT NULL DEFAULT true
);
CREATE INDEX technician_tenant ON technician (tenant_id);

-- A plan of safety inspections: every account of a medium in an area, each period.
CREATE TABLE inspection_plan (
  plan_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  name       text NOT NULL CHECK (name <> ''),
  kind       text NOT NULL,                       -- of its orders
  area_id    int NOT NULL REFERENCES area,
  medium     text NOT NULL CHECK (medium IN ('gas', 'water')),
  months     int NOT NULL CHECK (months BETWEEN 1 AND 120),
  begins_day int NOT NULL,
  a_day      int NOT NULL CHECK (a_day BETWEEN 1 AND 10000),  -- orders made in a day at most
  is_on      boolean NOT NULL DEFAULT true,
  changed_us bigint NOT NULL,
  changed_by bigint NOT NULL,
  UNIQUE (tenant_id, name)
);

CREATE TABLE work_order (
  order_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  key          text NOT NULL CHECK (key <> ''),
  asked        text NOT NULL,                     -- fingerprint of the request, by which a repeat is known
  kind         text NOT NULL,
  source       text NOT NULL CHECK (source IN ('alarm', 'customer', 'lost_reading', 'inspection', 'hazard', 'hand')),
  state        text NOT NULL DEFAULT 'new'
    CHECK (state IN ('new', 'assigned', 'accepted', 'working', 'waiting', 'done', 'closed', 'cancelled')),
  severity     text NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'info')),
  title        text NOT NULL CHECK (title <> ''),
  what         text NOT NULL DEFAULT '',
  reporter     text NOT NULL DEFAULT '',
  area_id      int NOT NULL REFERENCES area,
  address      text NOT NULL DEFAULT '',
  premises_id  bigint REFERENCES premises,
  account_id   bigint REFERENCES account,
  meter_id     bigint REFERENCES meter,
  alarm_id     bigint,
  group_id     bigint,
  plan_id      bigint REFERENCES inspection_plan,
  hazard_id    bigint,
  assignee_id  bigint,
  made_us      bigint NOT NULL,
  made_by      bigint,                            -- null: the platform
  due_us       bigint,                            -- null: the clock stands still
  left_s       int,                               -- working seconds that were left when it stopped
  overdue_told_us bigint,
  started_us   bigint,
  done_us      bigint,
  done_by      bigint,
  ended_us     bigint,
  ended_by     bigint,
  outcome      text CHECK (outcome IN ('mended', 'not_mended', 'nothing_found', 'no_entry', 'entry_refused')),
  result       text NOT NULL DEFAULT '',
  is_remote    boolean NOT NULL DEFAULT false,
  command_id   bigint,
  new_meter_id bigint REFERENCES meter,
  reading_id   bigint,
  answers      jsonb NOT NULL DEFAULT '{}',
  signer       text NOT NULL DEFAULT '',
  labour_min   int NOT NULL DEFAULT 0 CHECK (labour_min BETWEEN 0 AND 100000),
  fen_an_hour  bigint NOT NULL DEFAULT 0 CHECK (fen_an_hour BETWEEN 0 AND 10000000),
  UNIQUE (tenant_id, key),
  CHECK ((due_us IS NULL) = (left_s IS NOT NULL)),
  CHECK ((state IN ('done', 'closed')) <= (outcome IS NOT NULL)),
  CHECK ((state IN ('closed', 'cancelled')) = (ended_us IS NOT NULL)),
  CHECK ((state IN ('assigned', 'accepted', 'working')) <= (assignee_id IS NOT NULL))
);
CREATE INDEX work_order_newest ON work_order (tenant_id, order_id DESC);
CREATE INDEX work_order_open ON work_order (tenant_id, state, order_id DESC) WHERE ended_us IS NULL;
CREATE INDEX work_order_assignee ON work_order (assignee_id, order_id DESC) WHERE assignee_id IS NOT NULL;
CREATE INDEX work_order_meter ON work_order (meter_id, order_id DESC) WHERE meter_id IS NOT NULL;
CREATE INDEX work_order_account ON work_order (account_id, order_id DESC) WHERE account_id IS NOT NULL;
CREATE INDEX work_order_overdue ON work_order (due_us) WHERE ended_us IS NULL AND overdue_told_us IS NULL AND done_us IS NULL;
-- One open order for an alarm, a group, a hazard, and a plan's account.
CREATE UNIQUE INDEX work_order_alarm ON work_order (alarm_id) WHERE alarm_id IS NOT NULL AND ended_us IS NULL;
CREATE UNIQUE INDEX work_order_group ON work_order (group_id) WHERE group_id IS NOT NULL AND ended_us IS NULL;
CREATE UNIQUE INDEX work_order_hazard ON work_order (hazard_id) WHERE hazard_id IS NOT NULL AND ended_us IS NULL;
CREATE UNIQUE INDEX work_order_plan ON work_order (plan_id, account_id) WHERE plan_id IS NOT NULL AND ended_us IS NULL;
CREATE INDEX work_order_inspected ON work_order (account_id, plan_id, done_us DESC) WHERE plan_id IS NOT NULL;

-- What was done with an order, in order. acted_us: when the phone says that it was done, offline or not.
CREATE TABLE work_order_act (
  act_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  order_id  bigint NOT NULL REFERENCES work_order,
  key       text NOT NULL CHECK (key <> ''),
  asked     text NOT NULL,
  step      text NOT NULL,                        -- of life.py, and make, photo, exchange, reading, hazard
  state     text NOT NULL,                        -- after it
  at_us     bigint NOT NULL,
  acted_us   bigint NOT NULL,
  user_id   bigint,
  reason    text NOT NULL DEFAULT '',
  facts     jsonb NOT NULL DEFAULT '{}',
  UNIQUE (tenant_id, key)
);
CREATE INDEX work_order_act_order ON work_order_act (order_id, act_id);
CREATE FUNCTION work_order_act_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was done with a work order is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON work_order_act FOR EACH ROW EXECUTE FUNCTION work_order_act_stays();

CREATE TABLE work_order_part (
  part_id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id      int NOT NULL REFERENCES tenant,
  order_id       bigint NOT NULL REFERENCES work_order,
  act_id         bigint NOT NULL REFERENCES work_order_act,
  code           text NOT NULL DEFAULT '',
  name           text NOT NULL CHECK (name <> ''),
  unit           text NOT NULL DEFAULT '',
  quantity_milli bigint NOT NULL CHECK (quantity_milli BETWEEN 1 AND 1000000000),
  fen            bigint NOT NULL CHECK (fen BETWEEN 0 AND 1000000000)
);
CREATE INDEX work_order_part_order ON work_order_part (order_id, part_id);

-- Pictures, and what somebody signed. Never changed.
CREATE TABLE work_order_photo (
  photo_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  order_id   bigint NOT NULL REFERENCES work_order,
  act_id     bigint NOT NULL REFERENCES work_order_act,
  purpose    text NOT NULL CHECK (purpose IN ('photo', 'signature')),
  note       text NOT NULL DEFAULT '',            -- of a signature: whose
  media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
  sha256     bytea NOT NULL CHECK (length(sha256) = 32),
  content    bytea NOT NULL CHECK (length(content) BETWEEN 1 AND 4194304)
);
CREATE INDEX work_order_photo_order ON work_order_photo (order_id, photo_id);
ALTER TABLE work_order_photo ALTER COLUMN content SET STORAGE EXTERNAL; -- pictures are compressed already

-- What an inspection, or any visit, found wrong at a place. Open until a re-check finds it removed.
CREATE TABLE hazard (
  hazard_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  key         text NOT NULL CHECK (key <> ''),
  asked       text NOT NULL,
  order_id    bigint NOT NULL REFERENCES work_order,
  item        text NOT NULL DEFAULT '',           -- of the checklist; '': something else
  grade       text NOT NULL CHECK (grade IN ('general', 'serious', 'critical')),
  what        text NOT NULL CHECK (what <> ''),
  is_shut     boolean NOT NULL DEFAULT false,     -- the supply was shut at the place
  found_us    bigint NOT NULL,
  found_by    bigint NOT NULL,
  until_day   int NOT NULL,                       -- to be removed by the end of this day
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'removed')),
  removed_us  bigint,
  removed_in  bigint REFERENCES work_order,
  notice_means  text CHECK (notice_means IN ('handed', 'posted', 'sms', 'app', 'refused')),
  notice_to   text NOT NULL DEFAULT '',
  notice_us   bigint,
  notice_by   bigint,
  UNIQUE (tenant_id, key),
  CHECK ((state = 'removed') = (removed_us IS NOT NULL)),
  CHECK ((notice_means IS NULL) = (notice_us IS NULL)),
  CHECK (grade <> 'critical' OR is_shut)
);
CREATE INDEX hazard_order ON hazard (order_id, hazard_id);
CREATE INDEX hazard_newest ON hazard (tenant_id, hazard_id DESC);
CREATE INDEX hazard_open ON hazard (tenant_id, until_day, hazard_id) WHERE state = 'open';
ALTER TABLE work_order ADD FOREIGN KEY (hazard_id) REFERENCES hazard;

-- Notices of orders go the way of all notices; they concern no alarm.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check,
  ADD CONSTRAINT notice_kind_check CHECK (kind IN ('raised', 'escalated', 'cleared', 'test', 'order', 'order_overdue'));

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['work_order_kind', 'technician', 'inspection_plan', 'work_order', 'work_order_act', 'work_order_part',
                           'work_order_photo', 'hazard'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api, openmains_pipeline', t);
  END LOOP;
END $$;
GRANT UPDATE, DELETE ON work_order_kind, technician TO openmains_api;
GRANT UPDATE ON inspection_plan TO openmains_api;
GRANT UPDATE (state, assignee_id, due_us, left_s, overdue_told_us, started_us, done_us, done_by, ended_us, ended_by, outcome, result, is_remote,
  command_id, new_meter_id, reading_id, answers, signer, labour_min, fen_an_hour) ON work_order TO openmains_api, openmains_pipeline;
GRANT UPDATE (state, removed_us, removed_in, notice_means, notice_to, notice_us, notice_by) ON hazard TO openmains_api;
