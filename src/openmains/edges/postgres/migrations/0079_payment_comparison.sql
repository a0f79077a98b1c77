-- SPDX-License-Identifier: Apache-2.0
-- A day's comparison (R9.2, ADR 0041): what a channel's file said, how it was compared with the ledger and the meters, and what was made of differences.
CREATE TABLE payment_comparison (
  comparison_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  channel_id  bigint REFERENCES payment_channel,    -- null: third parties
  day         int NOT NULL,
  lines_there int NOT NULL,
  lines_here  int NOT NULL,
  paid_there_fen bigint NOT NULL,
  paid_here_fen  bigint NOT NULL,
  back_there_fen bigint NOT NULL,
  back_here_fen  bigint NOT NULL,
  found       int NOT NULL,
  made_by     bigint,                               -- null: the platform
  made_us     bigint NOT NULL
);
CREATE INDEX payment_comparison_newest ON payment_comparison (tenant_id, comparison_id DESC);
CREATE INDEX payment_comparison_day ON payment_comparison (tenant_id, day, channel_id);

-- Lines of a channel's file, as they were read last.
CREATE TABLE payment_statement (
  tenant_id   int NOT NULL REFERENCES tenant,
  channel_id  bigint NOT NULL,                      -- 0: third parties
  day         int NOT NULL,
  place       int NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('payment', 'refund')),
  number      text NOT NULL,
  transaction text NOT NULL,
  fen         bigint NOT NULL,
  PRIMARY KEY (tenant_id, channel_id, day, place)
);
CREATE INDEX payment_statement_number ON payment_statement (tenant_id, channel_id, number);

CREATE TABLE payment_difference (
  difference_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  channel_id bigint NOT NULL,                       -- 0: third parties
  day        int NOT NULL,
  what       text NOT NULL CHECK (what IN ('missing-here', 'missing-there', 'amount-differs', 'twice', 'not-delivered')),
  kind       text NOT NULL CHECK (kind IN ('payment', 'refund')),
  number     text NOT NULL,
  here_fen   bigint,
  there_fen  bigint,
  order_id   bigint REFERENCES payment_order,
  state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'asked', 'settled', 'gone')), -- gone: it is no longer there
  remedy     text NOT NULL DEFAULT '' CHECK (remedy IN ('', 'explained', 'booked')),
  account_id bigint,                                -- to be booked to
  reason     text NOT NULL DEFAULT '',
  author_id  bigint,
  decided_by bigint,
  decision   text NOT NULL DEFAULT '',
  entry_id   bigint REFERENCES ledger_entry,
  found_us   bigint NOT NULL,
  changed_us bigint NOT NULL,
  UNIQUE (tenant_id, channel_id, what, kind, number),
  CHECK (state NOT IN ('asked', 'settled') OR (author_id IS NOT NULL AND reason <> '')),
  CHECK (remedy <> 'booked' OR state <> 'settled' OR (decided_by <> author_id AND entry_id IS NOT NULL))
);
CREATE INDEX payment_difference_newest ON payment_difference (tenant_id, difference_id DESC);
CREATE INDEX payment_difference_open ON payment_difference (tenant_id, difference_id DESC) WHERE state IN ('open', 'asked');

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['payment_comparison', 'payment_statement', 'payment_difference'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON payment_comparison FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_there BEFORE DELETE ON payment_difference FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT DELETE ON payment_statement TO openmains_api;
GRANT UPDATE (what, here_fen, there_fen, order_id, state, remedy, account_id, reason, author_id, decided_by, decision, entry_id, changed_us)
  ON payment_difference TO openmains_api;
CREATE POLICY all_tenants ON payment_comparison FOR SELECT TO openmains_pipeline USING (true); -- the worker asks whose day was not compared
CREATE POLICY all_tenants ON payment_channel FOR SELECT TO openmains_pipeline USING (true);
GRANT SELECT ON payment_comparison TO openmains_pipeline;
GRANT SELECT (channel_id, tenant_id, is_on, changed_us) ON payment_channel TO openmains_pipeline;
