-- SPDX-License-Identifier: Apache-2.0
-- Handshakes and registrations that were refused, and why: one row a name, stage and reason. tenant_id 0: nobody's, as in onboarding.
CREATE TABLE access_refusal (
  refusal_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  tenant_id  int NOT NULL,
  name       text NOT NULL,                     -- what it called itself
  imei       bigint,
  stage      text NOT NULL CHECK (stage IN ('handshake', 'registration', 'bootstrap')),
  reason     text NOT NULL,
  detail     text NOT NULL,
  address    text NOT NULL,
  first_us   bigint NOT NULL,
  last_us    bigint NOT NULL,
  attempts   bigint NOT NULL,
  PRIMARY KEY (tenant_id, name, stage, reason)
);
CREATE INDEX access_refusal_newest ON access_refusal (tenant_id, last_us DESC, refusal_id DESC);
CREATE INDEX access_refusal_age ON access_refusal (last_us);

ALTER TABLE access_refusal ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_refusal FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON access_refusal TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
CREATE POLICY all_tenants ON access_refusal TO openmains_pipeline USING (true) WITH CHECK (true);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON access_refusal TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON access_refusal TO openmains_pipeline;
GRANT SELECT ON access_refusal TO openmains_api;
