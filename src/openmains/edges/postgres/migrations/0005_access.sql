-- SPDX-License-Identifier: Apache-2.0
-- Keys of devices, and what is known of the terminals that speak under a meter's IMEI (ADR 0010).

-- Keys. A PSK is sealed under its tenant's data key, that one under the master key, which is not in the database. ----------
CREATE TABLE tenant_key (
  tenant_id  int NOT NULL REFERENCES tenant,
  key_id     int NOT NULL,
  master     text NOT NULL,                     -- fingerprint of the master key that wraps it
  nonce      bytea NOT NULL,
  wrapped    bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key_id)
);
-- By IMEI and tenant: a tenant that imports a key for another's IMEI must neither replace nor hinder the owner's. The IMEI
-- alone ties a key to its meter, so that keys may come before the meters.
CREATE TABLE device_key (
  imei             bigint NOT NULL,
  tenant_id        int NOT NULL,
  version          int NOT NULL DEFAULT 1,
  key_id           int NOT NULL,
  nonce            bytea NOT NULL,
  sealed           bytea NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  first_used_at    timestamptz,
  previous_key_id  int,                         -- until the meter has used the new key (rotation by bootstrap)
  previous_nonce   bytea,
  previous_sealed  bytea,
  rotating         boolean NOT NULL GENERATED ALWAYS AS (previous_sealed IS NOT NULL) STORED,
  PRIMARY KEY (imei, tenant_id),
  FOREIGN KEY (tenant_id, key_id) REFERENCES tenant_key
);
CREATE INDEX device_key_of_tenant ON device_key (tenant_id, key_id);

-- Terminals -------------------------------------------------------------------------------------------------------------------
CREATE TABLE terminal (
  imei              bigint NOT NULL,
  tenant_id         int NOT NULL,
  meter_id          bigint NOT NULL,            -- a row of a former meter of this IMEI counts for nothing
  state             text NOT NULL DEFAULT 'allowed' CHECK (state IN ('allowed', 'observe', 'quarantine', 'blocked')),
  held              boolean NOT NULL DEFAULT false, -- a person put it there
  score             int NOT NULL DEFAULT 0,     -- thousandths of a point as of score_at
  score_at          bigint NOT NULL DEFAULT 0,  -- s
  reasons           jsonb NOT NULL DEFAULT '{}', -- kind → findings since the last release
  state_at          timestamptz NOT NULL DEFAULT now(),
  state_by          bigint,
  note              text NOT NULL DEFAULT '',
  seen_imsi         text NOT NULL DEFAULT '',
  seen_iccid        text NOT NULL DEFAULT '',
  address           text NOT NULL DEFAULT '',
  online_since_us   bigint,                     -- first handshake of this IMEI under this meter
  last_handshake_us bigint,
  handshakes        bigint NOT NULL DEFAULT 0,
  turns             jsonb NOT NULL DEFAULT '{}', -- domain/security/turns.py
  PRIMARY KEY (imei, tenant_id)                 -- an IMEI that goes to another tenant leaves a row that counts for nothing
);
CREATE INDEX terminal_online ON terminal (tenant_id, online_since_us DESC, meter_id DESC) WHERE online_since_us IS NOT NULL;
CREATE INDEX terminal_meter ON terminal (meter_id);
CREATE INDEX terminal_not_allowed ON terminal (tenant_id, meter_id) WHERE state <> 'allowed';
CREATE INDEX terminal_held_back ON terminal (meter_id) WHERE state IN ('quarantine', 'blocked');
CREATE TABLE terminal_finding (
  finding_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  meter_id   bigint NOT NULL,
  imei       bigint NOT NULL,
  kind       text NOT NULL,
  at_us      bigint NOT NULL,
  count      int NOT NULL,
  address    text NOT NULL,
  detail     text NOT NULL,
  score      int NOT NULL,                      -- after it
  state      text NOT NULL                      -- after it
);
CREATE INDEX terminal_finding_meter ON terminal_finding (meter_id, finding_id DESC);
CREATE INDEX terminal_finding_newest ON terminal_finding (tenant_id, finding_id DESC);
CREATE INDEX terminal_finding_age ON terminal_finding (at_us);
-- Edges keep what is not allowed in memory and follow this list, as they follow identity_change.
CREATE TABLE terminal_change (
  seq       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL,
  imei      bigint NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  xid       xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX terminal_change_xid ON terminal_change (xid);
CREATE FUNCTION tell_terminal_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO terminal_change (tenant_id, imei) VALUES (NEW.tenant_id, NEW.imei);
  RETURN NULL;
END $$;
CREATE TRIGGER terminal_state_new AFTER INSERT ON terminal
  FOR EACH ROW WHEN (NEW.state <> 'allowed') EXECUTE FUNCTION tell_terminal_change();
CREATE TRIGGER terminal_state_changed AFTER UPDATE ON terminal
  FOR EACH ROW WHEN (NEW.state <> OLD.state OR NEW.meter_id <> OLD.meter_id) EXECUTE FUNCTION tell_terminal_change();
-- What a tenant wants done at once when a SIM is not the registered one; a product's settings go before it.
CREATE TABLE access_policy (
  tenant_id        int PRIMARY KEY REFERENCES tenant,
  on_sim_separated text NOT NULL DEFAULT 'alarm' CHECK (on_sim_separated IN ('alarm', 'quarantine', 'block'))
);

-- Unknown terminals -----------------------------------------------------------------------------------------------------------
-- tenant_id 0: nobody's; no key of any tenant proves whose it is, and there is more than one tenant.
CREATE TABLE onboarding (
  imei       bigint NOT NULL,
  tenant_id  int NOT NULL,
  first_us   bigint NOT NULL,
  last_us    bigint NOT NULL,
  attempts   bigint NOT NULL DEFAULT 1,
  address    text NOT NULL,
  proven     boolean NOT NULL,                  -- it knows the key that this tenant has for it
  status     text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'dismissed')),
  handled_by bigint,
  handled_at timestamptz,
  meter_id   bigint,
  PRIMARY KEY (imei, tenant_id)
);
CREATE INDEX onboarding_newest ON onboarding (tenant_id, status, last_us DESC, imei);
CREATE INDEX onboarding_age ON onboarding (last_us);

-- Isolation and rights --------------------------------------------------------------------------------------------------------
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant_key','device_key','terminal','terminal_finding','terminal_change','access_policy','onboarding'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int) WITH CHECK (tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int)', t);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline', t);
  END LOOP;
END $$;
-- The API knows that a key is there and since when, and may destroy it. It can neither read nor write one: keys are made and
-- imported by the worker.
GRANT SELECT (imei, tenant_id, version, created_at, first_used_at, rotating), DELETE ON device_key TO openmains_api;
GRANT SELECT (tenant_id, key_id, created_at) ON tenant_key TO openmains_api;
GRANT SELECT, INSERT, UPDATE ON terminal, access_policy TO openmains_api;
GRANT SELECT ON terminal_finding TO openmains_api;
GRANT SELECT (tenant_id, imei, seq, at), INSERT ON terminal_change TO openmains_api;
GRANT SELECT, UPDATE (status, handled_by, handled_at, meter_id) ON onboarding TO openmains_api;
