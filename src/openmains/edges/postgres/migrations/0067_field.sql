-- SPDX-License-Identifier: Apache-2.0
-- Work outside (ADR 0039): routes of meters that a reader walks through, what was found at a meter, and photographs, sealed.
CREATE TABLE reading_route (
  route_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  name       text NOT NULL CHECK (name <> ''),
  reader_id  bigint REFERENCES app_user ON DELETE SET NULL,   -- whose phone it is on; null: nobody's yet
  revision   int NOT NULL DEFAULT 1,
  changed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, name)
);
CREATE INDEX reading_route_reader ON reading_route (reader_id);

-- A meter is in one route at a time.
CREATE TABLE reading_route_meter (
  meter_id   bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  route_id    bigint NOT NULL REFERENCES reading_route ON DELETE CASCADE,
  tenant_id  int NOT NULL REFERENCES tenant,
  place      int NOT NULL
);
CREATE INDEX reading_route_meter_route ON reading_route_meter (route_id, place);

-- What a person found or did at a meter; once for the caller's key. Rows are written once.
CREATE TABLE site_visit (
  visit_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  key        text NOT NULL,
  asked      text NOT NULL,                 -- fingerprint of the request: the key again must mean the same
  kind       text NOT NULL CHECK (kind IN ('no_access', 'installation', 'test')),
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  at         timestamptz NOT NULL,
  reason     text NOT NULL DEFAULT '',
  note       text NOT NULL DEFAULT '',
  facts      jsonb NOT NULL DEFAULT '{}',   -- answers of the checklist, or what the test found
  made_by    bigint NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, key)
);
CREATE INDEX site_visit_meter ON site_visit (meter_id, visit_id DESC);

-- Photographs and signatures, sealed under the tenant's key for photographs and bound to their row's key.
CREATE TABLE site_photo (
  photo_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  key        text NOT NULL,
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  act        text NOT NULL,                 -- key of the act that it belongs to
  purpose    text NOT NULL CHECK (purpose IN ('register', 'site', 'form', 'signature')),
  media      text NOT NULL CHECK (media IN ('image/jpeg', 'image/png', 'image/webp')),
  size       int NOT NULL CHECK (size > 0),
  sha256     bytea NOT NULL CHECK (length(sha256) = 32),
  taken_at   timestamptz NOT NULL,
  key_id     int NOT NULL,
  nonce      bytea NOT NULL CHECK (length(nonce) = 12),
  sealed     bytea NOT NULL,
  made_by    bigint NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, key_id) REFERENCES personal_key
);
CREATE INDEX site_photo_meter ON site_photo (meter_id, photo_id DESC);
CREATE INDEX site_photo_maker ON site_photo (tenant_id, made_by, made_at);
ALTER TABLE site_photo ALTER COLUMN sealed SET STORAGE EXTERNAL; -- ciphertext does not get smaller

ALTER TABLE personal_key DROP CONSTRAINT personal_key_purpose_check;
ALTER TABLE personal_key ADD CONSTRAINT personal_key_purpose CHECK (purpose IN ('personal', 'personal_index', 'photo'));

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['reading_route', 'reading_route_meter', 'site_visit', 'site_photo'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT DELETE ON reading_route, reading_route_meter TO openmains_api;
GRANT UPDATE (name, reader_id, revision, changed_at) ON reading_route TO openmains_api;
