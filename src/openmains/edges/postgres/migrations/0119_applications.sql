-- SPDX-License-Identifier: Apache-2.0
-- Client applications (R13.5, ADR 0061): accounts of other systems. Each is a row of app_user, so that whatever it makes has an author and its
-- rights hold within a reach (0110) as a person's do; the role 'application' is nobody's to give, and has no password. Beside it stand what
-- only a machine has: scopes, bound devices, a responsible person, secrets. Its access tokens are sessions (RFC 6749 section 4.4).
ALTER TABLE app_user DROP CONSTRAINT role_known,
  ADD CONSTRAINT role_known CHECK (role IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader', 'installer', 'maker',
    'government', 'viewer', 'application') OR role ~ '^own-[1-9][0-9]{0,8}$'),
  ADD CONSTRAINT application_password CHECK (role <> 'application' OR password_hash = '!'); -- no hash: no password is right
ALTER TABLE session ADD COLUMN scopes text[]; -- of an application that asked for fewer than it has; null: all

CREATE TABLE client_application (
  application_id bigint PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
  tenant_id      int NOT NULL REFERENCES tenant,
  client_id      text NOT NULL UNIQUE CHECK (client_id ~ '^omc-[0-9a-f]{16}$'),
  scopes         text[] NOT NULL CHECK (scopes <> '{}'),
  meters         bigint[] NOT NULL DEFAULT '{}' CHECK (cardinality(meters) <= 1000), -- bound devices; {}: whatever lies within its reach
  addresses      text[] NOT NULL DEFAULT '{}' CHECK (cardinality(addresses) <= 20),  -- networks it may ask from; {}: from everywhere
  rate           int CHECK (rate BETWEEN 1 AND 1000),                                -- requests in a second; null: as everybody
  responsible_id bigint REFERENCES app_user ON DELETE SET NULL,                      -- who answers for it; null: nobody, and it is refused
  made_by        text NOT NULL,
  made_at        timestamptz NOT NULL DEFAULT now(),
  expires_at     timestamptz,
  revoked_at     timestamptz,
  last_used_at   timestamptz,
  revision       int NOT NULL DEFAULT 1
);
CREATE INDEX client_application_tenant ON client_application (tenant_id, application_id);
CREATE INDEX client_application_responsible ON client_application (responsible_id);
CREATE TABLE client_secret (
  secret_hash    bytea PRIMARY KEY CHECK (length(secret_hash) = 32), -- SHA-256 of 256 random bits
  tenant_id      int NOT NULL REFERENCES tenant,
  application_id bigint NOT NULL REFERENCES client_application ON DELETE CASCADE,
  made_at        timestamptz NOT NULL DEFAULT now(),
  expires_at     timestamptz                                         -- null: while the application is valid
);
CREATE INDEX client_secret_application ON client_secret (application_id);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['client_application', 'client_secret'] LOOP -- closed to who is limited (0110): people are the whole utility's
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_api', t);
  END LOOP;
END $$;

-- Bound devices: of its meters only, and nothing that counts, names or concerns others. Products are said with them (find_credential), so that
-- whatever is closed to a maker's people is closed here.
CREATE FUNCTION reach_meters() RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_temp AS
  $$ SELECT coalesce(nullif(current_setting('openmains.meters', true), '')::bigint[], '{}') $$;
CREATE FUNCTION areas_of_meters() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.area_id FROM meter m JOIN area b ON b.area_id = m.area_id JOIN generate_series(1, length(b.path) / 8) AS level ON true
    JOIN area a ON a.tenant_id = b.tenant_id AND a.path = left(b.path, level * 8)
   WHERE m.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND m.meter_id = ANY (reach_meters())
$$;
REVOKE ALL ON FUNCTION reach_meters(), areas_of_meters() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reach_meters(), areas_of_meters() TO openmains_api, openmains_limited;
CREATE POLICY within_meters ON meter AS RESTRICTIVE TO openmains_limited
  USING ((SELECT reach_meters()) = '{}' OR meter_id = ANY ((SELECT reach_meters())::bigint[]));
CREATE POLICY within_meters ON area AS RESTRICTIVE TO openmains_limited
  USING ((SELECT reach_meters()) = '{}' OR area_id IN (SELECT areas_of_meters()));
CREATE POLICY within_meters ON alarm_mute AS RESTRICTIVE TO openmains_limited USING ((SELECT reach_meters()) = '{}' OR meter_id IS NOT NULL);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['area_tally', 'collection_due_count', 'rule_version', 'inspection_plan', 'collection_task'] LOOP
    EXECUTE format('CREATE POLICY within_meters ON %I AS RESTRICTIVE TO openmains_limited USING ((SELECT reach_meters()) = ''{}'')', t);
  END LOOP;
END $$;

-- Who asks for a token, before a utility is known: whether the secret is one of its own, and where it may be used.
CREATE FUNCTION find_application(p_client text, p_hash bytea)
  RETURNS TABLE (application_id bigint, tenant_id int, name text, scopes text[], addresses text[], expires_at timestamptz, is_right boolean,
                 is_valid boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.application_id, c.tenant_id, u.name, c.scopes, c.addresses, c.expires_at,
         EXISTS (SELECT FROM client_secret s WHERE s.application_id = c.application_id AND s.secret_hash = p_hash
                                               AND (s.expires_at IS NULL OR s.expires_at > now())),
         c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
           AND coalesce((SELECT NOT h.disabled AND h.places = '{}' AND h.media = '{}' AND h.products = '{}'
                           FROM app_user h WHERE h.user_id = c.responsible_id), false)
    FROM client_application c JOIN app_user u ON u.user_id = c.application_id WHERE c.client_id = p_client
$$;
DROP FUNCTION find_credential(bytea);
CREATE FUNCTION find_credential(p_hash bytea)
  RETURNS TABLE (user_id bigint, tenant_id int, login text, name text, role text, locale text, zone text, kind text, must_change boolean,
                 own text[], holder_role text, holder_own text[], places int[], media text[], products int[], meters bigint[],
                 addresses text[], rate int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.login, u.name, u.role, u.locale, t.zone, 'session', u.must_change,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id), NULL, NULL::text[],
         u.places, u.media, u.products, '{}'::bigint[], '{}'::text[], NULL::int
    FROM session s JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE s.session_hash = p_hash AND s.expires_at > now() AND NOT u.disabled AND u.role <> 'application'
  UNION ALL
  SELECT u.user_id, u.tenant_id, u.login, u.name, k.role, u.locale, t.zone, 'token', false,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = k.tenant_id AND r.role_id = k.own_role_id), u.role,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id),
         u.places, u.media, u.products, '{}', '{}', NULL
    FROM api_token k JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE k.token_hash = p_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled
  UNION ALL
  SELECT u.user_id, u.tenant_id, c.client_id, u.name, u.role, u.locale, t.zone, 'application', false,
         CASE WHEN s.scopes IS NULL THEN c.scopes ELSE ARRAY(SELECT unnest(c.scopes) INTERSECT SELECT unnest(s.scopes)) END,
         h.role, (SELECT r.permissions FROM own_role r WHERE r.tenant_id = h.tenant_id AND r.role_id = h.own_role_id),
         u.places, u.media,
         CASE WHEN c.meters = '{}' THEN u.products -- product 0 is none: where no bound device is left, nothing is open
              ELSE (SELECT coalesce(array_agg(DISTINCT m.product_id), '{0}') FROM meter m
                     WHERE m.tenant_id = c.tenant_id AND m.meter_id = ANY (c.meters)
                       AND (u.products = '{}' OR m.product_id = ANY (u.products))) END,
         c.meters, c.addresses, c.rate
    FROM session s JOIN app_user u USING (user_id) JOIN client_application c ON c.application_id = u.user_id
    JOIN app_user h ON h.user_id = c.responsible_id JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE s.session_hash = p_hash AND s.expires_at > now() AND u.role = 'application' AND c.revoked_at IS NULL
     AND (c.expires_at IS NULL OR c.expires_at > now()) AND NOT h.disabled AND h.places = '{}' AND h.media = '{}' AND h.products = '{}'
$$;
REVOKE ALL ON FUNCTION find_application(text, bytea), find_credential(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_application(text, bytea), find_credential(bytea) TO openmains_api;
