-- SPDX-License-Identifier: Apache-2.0
-- Announcements to customers (R7.5): written by one person, approved by another, then a notice to each customer whom it concerns. A notice is
-- to a user, to a group, or to a customer, whose number stays sealed (0060) until it is sent.
CREATE TABLE announcement (
  announcement_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id      int NOT NULL REFERENCES tenant,
  state          text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'cancelled')),
  topic          text NOT NULL CHECK (topic IN ('outage', 'price', 'safety')),
  title_zh       text NOT NULL CHECK (title_zh <> ''),
  title_en       text NOT NULL CHECK (title_en <> ''),
  text_zh        text NOT NULL CHECK (text_zh <> ''),
  text_en        text NOT NULL CHECK (text_en <> ''),
  language       text NOT NULL CHECK (language IN ('zh', 'en', 'both')),
  area_id        int REFERENCES area,            -- with what is below; null: everywhere
  customer_class text,                           -- null: all
  medium         text CHECK (medium IN ('gas', 'water')),
  channel_id     bigint NOT NULL REFERENCES notice_channel,
  made_by        bigint NOT NULL REFERENCES app_user,
  made_us        bigint NOT NULL,
  approved_by    bigint REFERENCES app_user,
  approved_us    bigint,
  cancelled_by   bigint REFERENCES app_user,
  cancelled_us   bigint,
  recipients     int NOT NULL DEFAULT 0,         -- customers that a notice was made for
  unreachable    int NOT NULL DEFAULT 0,         -- customers that it concerns and that have no phone
  CHECK ((approved_by IS NULL) = (approved_us IS NULL) AND (state <> 'approved' OR approved_by IS NOT NULL)),
  CHECK (approved_by <> made_by)
);
CREATE INDEX announcement_newest ON announcement (tenant_id, announcement_id DESC);
ALTER TABLE announcement ENABLE ROW LEVEL SECURITY;
ALTER TABLE announcement FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  EXECUTE format('CREATE POLICY tenant_all ON announcement TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  EXECUTE format('CREATE POLICY owner_all ON announcement TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE ON announcement TO openmains_api;

ALTER TABLE notice ADD COLUMN customer_id bigint REFERENCES customer ON DELETE CASCADE,
  ADD CONSTRAINT notice_recipient CHECK (user_id IS NULL OR customer_id IS NULL),
  DROP CONSTRAINT notice_kind_check,
  ADD CONSTRAINT notice_kind_check CHECK (kind IN ('raised', 'escalated', 'cleared', 'test', 'order', 'order_overdue', 'announcement'));
-- What goes to customers waits in an index of its own: a hundred thousand of them do not stand before an alarm.
DROP INDEX notice_due;
CREATE INDEX notice_due ON notice (channel_id, due_us) WHERE state = 'waiting' AND customer_id IS NULL;
CREATE INDEX notice_due_customers ON notice (channel_id, due_us) WHERE state = 'waiting' AND customer_id IS NOT NULL;
CREATE INDEX notice_customer ON notice (customer_id) WHERE customer_id IS NOT NULL;
