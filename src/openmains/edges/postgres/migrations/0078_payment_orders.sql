-- SPDX-License-Identifier: Apache-2.0
-- Payments through channels (R9.2, ADR 0041): channels with sealed secrets, orders, what was said of them, refunds.

-- Money that a customer paid for the meter itself: it is no credit that bills could spend.
ALTER TABLE ledger_line DROP CONSTRAINT ledger_line_account_check, DROP CONSTRAINT ledger_line_check;
ALTER TABLE ledger_line
  ADD CONSTRAINT ledger_line_account_check CHECK (account IN ('cash', 'clearing', 'receivable', 'credit', 'metered', 'revenue', 'late_fee',
                                                              'adjustment', 'write_off')),
  ADD CONSTRAINT ledger_line_check CHECK ((account IN ('receivable', 'credit', 'metered')) = (account_id IS NOT NULL));

CREATE TABLE payment_channel (
  channel_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  provider   text NOT NULL CHECK (provider IN ('wechat', 'alipay')),
  name       text NOT NULL CHECK (name <> ''),
  settings   jsonb NOT NULL,                     -- nothing secret
  secrets    text[] NOT NULL DEFAULT '{}',       -- names of what is sealed
  key_id     bigint,
  nonce      bytea,
  sealed     bytea,
  is_on      boolean NOT NULL DEFAULT true,
  changed_us bigint NOT NULL,
  changed_by bigint NOT NULL,
  UNIQUE (tenant_id, name),
  CHECK ((key_id IS NULL) = (sealed IS NULL) AND (key_id IS NULL) = (nonce IS NULL))
);

-- The sign-in at the signer by which paid top-ups are given to meters.
CREATE TABLE payment_signer (
  tenant_id  int PRIMARY KEY REFERENCES tenant,
  login      text NOT NULL CHECK (login <> ''),
  key_id     bigint NOT NULL,
  nonce      bytea NOT NULL,
  sealed     bytea NOT NULL,
  changed_us bigint NOT NULL,
  changed_by bigint NOT NULL
);

CREATE TABLE payment_order (
  order_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  key         text NOT NULL CHECK (key <> ''),        -- of whoever asked for it: once
  source      text NOT NULL CHECK (source IN ('wechat', 'alipay', 'third_party')), -- channel of the ledger
  channel_id  bigint REFERENCES payment_channel,
  number      text NOT NULL CHECK (number <> ''),     -- ours, at the provider
  scene       text NOT NULL CHECK (scene IN ('native', 'jsapi', 'third_party')),
  account_id  bigint NOT NULL,
  meter_id    bigint REFERENCES meter ON DELETE SET NULL,
  for_meter   boolean NOT NULL,
  fen         bigint NOT NULL CHECK (fen > 0 AND fen <= 100000000000),
  state       text NOT NULL CHECK (state IN ('created', 'open', 'unknown', 'paid', 'closed', 'refunded')),
  code        text NOT NULL DEFAULT '',               -- of the QR code
  invoke      jsonb NOT NULL DEFAULT '{}',
  reason      text NOT NULL DEFAULT '',               -- a code: why it is unknown, closed or not delivered
  transaction text,                                   -- the provider's number, once it is paid
  receipt_id  bigint REFERENCES receipt,
  delivery    text NOT NULL DEFAULT 'none' CHECK (delivery IN ('none', 'waiting', 'given', 'delivered', 'undeliverable', 'doubtful')),
  command_id  bigint,
  made_by     bigint NOT NULL,
  made_us     bigint NOT NULL,
  expires_us  bigint NOT NULL,
  paid_us     bigint,                                 -- by our clock
  delivered_us bigint,
  asked       int NOT NULL DEFAULT 0,
  due_us      bigint,                                 -- when the provider is asked, or the delivery is looked after; null: nothing to do
  UNIQUE (tenant_id, key),
  UNIQUE (channel_id, number),
  UNIQUE (channel_id, transaction),
  CHECK ((channel_id IS NULL) = (source = 'third_party')),
  CHECK ((state IN ('paid', 'refunded')) = (receipt_id IS NOT NULL)),
  CHECK (receipt_id IS NULL OR (transaction IS NOT NULL AND paid_us IS NOT NULL)),
  CHECK (for_meter OR delivery = 'none')
);
CREATE INDEX payment_order_newest ON payment_order (tenant_id, order_id DESC);
CREATE INDEX payment_order_account ON payment_order (tenant_id, account_id, order_id DESC);
CREATE INDEX payment_order_due ON payment_order (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX payment_order_paid ON payment_order (tenant_id, source, paid_us) WHERE paid_us IS NOT NULL;
CREATE INDEX payment_order_receipt ON payment_order (receipt_id) WHERE receipt_id IS NOT NULL;

CREATE TABLE payment_event (
  event_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  order_id  bigint NOT NULL REFERENCES payment_order,
  at_us     bigint NOT NULL,
  event     text NOT NULL,
  state     text NOT NULL,
  delivery  text NOT NULL,
  detail    text NOT NULL DEFAULT ''
);
CREATE INDEX payment_event_order ON payment_event (order_id, event_id);

-- Callbacks that were taken, by the provider's number of them: a repeat is known, also after a restart.
CREATE TABLE payment_notice (
  channel_id bigint NOT NULL REFERENCES payment_channel,
  event      text NOT NULL,
  tenant_id  int NOT NULL REFERENCES tenant,
  at_us      bigint NOT NULL,
  PRIMARY KEY (channel_id, event)
);

-- Callbacks that changed nothing, counted by day and why, so that a flood of them is a few rows.
CREATE TABLE payment_fault (
  channel_id bigint NOT NULL REFERENCES payment_channel,
  day        int NOT NULL,
  fault      text NOT NULL,
  tenant_id  int NOT NULL REFERENCES tenant,
  count      bigint NOT NULL,
  last_us    bigint NOT NULL,
  last_order text NOT NULL DEFAULT '',
  address    text NOT NULL DEFAULT '',
  PRIMARY KEY (channel_id, day, fault)
);

CREATE TABLE payment_refund (
  refund_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  order_id   bigint NOT NULL REFERENCES payment_order,
  number     text NOT NULL UNIQUE,               -- ours, at the provider
  fen        bigint NOT NULL CHECK (fen > 0),
  reason     text NOT NULL,
  state      text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'rejected', 'agreed', 'done', 'failed')),
  author_id  bigint NOT NULL,
  made_us    bigint NOT NULL,
  decided_by bigint,
  decided_us bigint,
  decision   text NOT NULL DEFAULT '',
  entry_id   bigint REFERENCES ledger_entry,
  transaction text NOT NULL DEFAULT '',
  fault      text NOT NULL DEFAULT '',
  done_us    bigint,
  asked      int NOT NULL DEFAULT 0,
  due_us     bigint,
  CHECK (state IN ('asked', 'rejected') OR (entry_id IS NOT NULL AND decided_by <> author_id)),
  CHECK ((state = 'asked') = (decided_by IS NULL))
);
CREATE INDEX payment_refund_order ON payment_refund (order_id);
CREATE INDEX payment_refund_newest ON payment_refund (tenant_id, refund_id DESC);
CREATE INDEX payment_refund_due ON payment_refund (due_us) WHERE due_us IS NOT NULL;

-- Never more is given back than was paid, whoever writes.
CREATE FUNCTION payment_refund_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_paid bigint;
BEGIN
  SELECT fen INTO v_paid FROM payment_order
   WHERE order_id = NEW.order_id AND tenant_id = NEW.tenant_id AND receipt_id IS NOT NULL FOR UPDATE;
  IF v_paid IS NULL OR (SELECT coalesce(sum(fen), 0) FROM payment_refund WHERE order_id = NEW.order_id AND state <> 'rejected') > v_paid THEN
    RAISE EXCEPTION 'order % is not paid by so much', NEW.order_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fits AFTER INSERT OR UPDATE ON payment_refund FOR EACH ROW EXECUTE FUNCTION payment_refund_fits();

-- What an order is stays; what is paid is never unpaid.
CREATE FUNCTION payment_order_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.tenant_id, OLD.key, OLD.source, OLD.channel_id, OLD.number, OLD.account_id, OLD.for_meter, OLD.fen, OLD.made_by, OLD.made_us)
     IS DISTINCT FROM (NEW.tenant_id, NEW.key, NEW.source, NEW.channel_id, NEW.number, NEW.account_id, NEW.for_meter, NEW.fen, NEW.made_by,
                       NEW.made_us)
     OR (OLD.receipt_id IS NOT NULL
         AND (OLD.receipt_id, OLD.transaction, OLD.paid_us) IS DISTINCT FROM (NEW.receipt_id, NEW.transaction, NEW.paid_us))
     OR (OLD.delivery = 'delivered' AND NEW.delivery <> 'delivered') THEN
    RAISE EXCEPTION 'order % is never changed so', OLD.order_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON payment_order FOR EACH ROW EXECUTE FUNCTION payment_order_moves();
CREATE TRIGGER stays BEFORE UPDATE ON payment_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE ON payment_notice FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['payment_channel', 'payment_signer', 'payment_order', 'payment_event', 'payment_notice', 'payment_fault',
                           'payment_refund'] LOOP
    EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['payment_order', 'payment_refund'] LOOP -- the worker asks whose turn it is
    EXECUTE format('CREATE POLICY all_tenants ON %I FOR SELECT TO openmains_pipeline USING (true)', t);
    EXECUTE format('GRANT SELECT ON %I TO openmains_pipeline', t);
  END LOOP;
END $$;
GRANT UPDATE (name, settings, secrets, key_id, nonce, sealed, is_on, changed_us, changed_by) ON payment_channel TO openmains_api;
GRANT UPDATE (login, key_id, nonce, sealed, changed_us, changed_by) ON payment_signer TO openmains_api;
GRANT UPDATE (state, code, invoke, reason, transaction, receipt_id, delivery, command_id, paid_us, delivered_us, asked, due_us)
  ON payment_order TO openmains_api;
GRANT UPDATE (count, last_us, last_order, address) ON payment_fault TO openmains_api;
GRANT UPDATE (state, decided_by, decided_us, decision, entry_id, transaction, fault, done_us, asked, due_us) ON payment_refund TO openmains_api;
