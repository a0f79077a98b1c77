-- SPDX-License-Identifier: Apache-2.0
-- Notices (R7.3, ADR 0034): who is told by what; each notice once for its key; timers that outlive a kill. What happened comes from
-- alarm_event (0053), taken in the transaction that books what is sent of it.

-- Ways to send. The API writes secrets and cannot read them.
CREATE TABLE notice_channel (
  channel_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  name       text NOT NULL CHECK (name <> ''),
  kind       text NOT NULL CHECK (kind IN ('inbox', 'email', 'webhook', 'wecom', 'dingtalk', 'feishu', 'sms_aliyun', 'sms_tencent',
                                           'wechat', 'apprise')),
  settings   jsonb NOT NULL DEFAULT '{}',
  secrets    text[] NOT NULL DEFAULT '{}',       -- names of what is sealed
  key_id     bigint,
  nonce      bytea,
  sealed     bytea,
  per_minute int NOT NULL DEFAULT 20 CHECK (per_minute BETWEEN 1 AND 6000),
  is_on      boolean NOT NULL DEFAULT true,
  is_gone    boolean NOT NULL DEFAULT false,     -- removed: its log stays
  changed_us bigint NOT NULL,
  accepted_us bigint,                            -- what the delivery log says last of it
  failed_us  bigint,
  reason     text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX notice_channel_name ON notice_channel (tenant_id, name) WHERE NOT is_gone;
CREATE UNIQUE INDEX notice_channel_inbox ON notice_channel (tenant_id) WHERE kind = 'inbox';

CREATE TABLE notice_person (
  user_id   bigint PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
  tenant_id int NOT NULL REFERENCES tenant,
  settings  jsonb NOT NULL                       -- PersonSettings of app/notice/model.py
);
CREATE TABLE notice_calendar (
  calendar_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL CHECK (name <> ''),
  shifts      jsonb NOT NULL,                    -- list of DutyShift
  UNIQUE (tenant_id, name)
);
CREATE TABLE notice_policy (
  policy_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  area_id    int REFERENCES area,
  settings   jsonb NOT NULL,                     -- PolicySettings
  is_gone    boolean NOT NULL DEFAULT false,
  changed_us bigint NOT NULL,
  changed_by bigint NOT NULL
);
CREATE INDEX notice_policy_tenant ON notice_policy (tenant_id) WHERE NOT is_gone;
CREATE TABLE notice_template (
  tenant_id int NOT NULL REFERENCES tenant,
  kind      text NOT NULL,
  locale    text NOT NULL CHECK (locale IN ('zh', 'en')),
  subject   text NOT NULL,
  body      text NOT NULL,
  PRIMARY KEY (tenant_id, kind, locale)
);

-- One row a notice: to one person or group by one channel, once for its key.
CREATE TABLE notice (
  notice_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  key         text NOT NULL CHECK (key <> ''),
  kind        text NOT NULL CHECK (kind IN ('raised', 'escalated', 'cleared', 'test')),
  state       text NOT NULL CHECK (state IN ('waiting', 'sending', 'accepted', 'failed')),
  severity    text NOT NULL,
  event       text NOT NULL DEFAULT '',
  alarm_id    bigint,
  subject     text NOT NULL DEFAULT '',          -- alarm:<id>, group:<id>
  policy_id   bigint,
  level       int NOT NULL DEFAULT 0,
  user_id     bigint,
  channel_id  bigint REFERENCES notice_channel,
  facts       jsonb NOT NULL DEFAULT '{}',
  received_us bigint,                            -- of the meter's message, at the edge
  made_us     bigint NOT NULL,
  due_us      bigint NOT NULL,
  held        text NOT NULL DEFAULT '',
  tries       int NOT NULL DEFAULT 0,
  claimed_us  bigint,
  accepted_us bigint,                            -- the channel's acknowledgement
  seen_us     bigint,                            -- the person read it in the console
  bundle      bigint,                            -- the first notice of those that went as one message
  reason      text NOT NULL DEFAULT '',
  UNIQUE (tenant_id, key)
);
CREATE INDEX notice_newest ON notice (tenant_id, notice_id DESC);
CREATE INDEX notice_due ON notice (channel_id, due_us) WHERE state = 'waiting';
CREATE INDEX notice_sending ON notice (notice_id) WHERE state = 'sending';
CREATE INDEX notice_rate ON notice (channel_id, claimed_us) WHERE claimed_us IS NOT NULL;
CREATE INDEX notice_subject ON notice (subject) WHERE subject <> '';
CREATE INDEX notice_inbox ON notice (user_id, notice_id DESC);
CREATE TABLE notice_attempt (
  notice_id bigint NOT NULL REFERENCES notice ON DELETE CASCADE,
  tenant_id int NOT NULL,
  at_us     bigint NOT NULL,
  took_ms   int NOT NULL DEFAULT 0,
  outcome   text NOT NULL DEFAULT '',            -- accepted, refused, failed; '': on its way, or cut off
  reason    text NOT NULL DEFAULT '',
  PRIMARY KEY (notice_id, at_us)
);
CREATE TABLE notice_timer (
  origin    bigint NOT NULL,                     -- alarm_event of the raise
  policy_id bigint NOT NULL,
  tenant_id int NOT NULL,
  subject   text NOT NULL,
  level     int NOT NULL,
  raised_us bigint NOT NULL,
  due_us    bigint NOT NULL,
  PRIMARY KEY (origin, policy_id)
);
CREATE INDEX notice_timer_due ON notice_timer (due_us);
CREATE INDEX notice_timer_subject ON notice_timer (subject);

-- Each utility has the inbox of its console.
CREATE FUNCTION seed_inbox() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO notice_channel (tenant_id, name, kind, per_minute, changed_us) VALUES (NEW.tenant_id, '控制台收件箱 Console inbox', 'inbox', 6000, 0);
  RETURN NULL;
END $$;
CREATE TRIGGER seeds_inbox AFTER INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION seed_inbox();
INSERT INTO notice_channel (tenant_id, name, kind, per_minute, changed_us)
SELECT tenant_id, '控制台收件箱 Console inbox', 'inbox', 6000, 0 FROM tenant;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['notice_channel', 'notice_person', 'notice_calendar', 'notice_policy', 'notice_template', 'notice',
                           'notice_attempt', 'notice_timer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline', t);
  END LOOP;
END $$;
GRANT SELECT (channel_id, tenant_id, name, kind, settings, secrets, per_minute, is_on, is_gone, changed_us, accepted_us, failed_us,
  reason), INSERT, UPDATE ON notice_channel TO openmains_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON notice_person, notice_calendar, notice_template TO openmains_api;
GRANT SELECT, INSERT, UPDATE ON notice_policy TO openmains_api;
GRANT SELECT, INSERT ON notice TO openmains_api;
GRANT UPDATE (state, due_us, tries, reason, accepted_us, seen_us) ON notice TO openmains_api;
GRANT SELECT ON notice_attempt, notice_timer TO openmains_api;
