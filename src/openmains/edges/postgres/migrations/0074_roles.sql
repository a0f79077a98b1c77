-- SPDX-License-Identifier: Apache-2.0
-- Roles out of named permissions (R13.5, ADR 0043). What the built-in ones may do is said in the code; here are those of the utilities' own.
CREATE TABLE own_role (
  role_id     int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL CHECK (name <> ''),
  permissions text[] NOT NULL CHECK (permissions <> '{}'),
  revision    int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, role_id)
);
DO $$
DECLARE mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE own_role ENABLE ROW LEVEL SECURITY;
  ALTER TABLE own_role FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY tenant_only ON own_role TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  EXECUTE format('CREATE POLICY owner_all ON own_role TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON own_role TO openmains_api;

-- A person's role is a built-in one, or one of the same utility: the number in its code is held by a foreign key, so that no role goes
-- while somebody has it. The roles of before stay as they are, and may do what they might.
ALTER TABLE app_user DROP CONSTRAINT app_user_role_check;
ALTER TABLE api_token DROP CONSTRAINT api_token_role_check;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['app_user','api_token'] LOOP
    EXECUTE format($f$ALTER TABLE %I
      ADD CONSTRAINT role_known CHECK (role IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader', 'installer',
        'government', 'viewer') OR role ~ '^own-[1-9][0-9]{0,8}$'),
      ADD COLUMN own_role_id int GENERATED ALWAYS AS (CASE WHEN role LIKE 'own-%%' THEN substr(role, 5)::int END) STORED,
      ADD CONSTRAINT role_own FOREIGN KEY (tenant_id, own_role_id) REFERENCES own_role (tenant_id, role_id)$f$, t);
  END LOOP;
END $$;
CREATE INDEX app_user_own_role ON app_user (own_role_id) WHERE own_role_id IS NOT NULL;
CREATE INDEX api_token_own_role ON api_token (own_role_id) WHERE own_role_id IS NOT NULL;

-- As before, with what the role may do where it is the utility's own. A token may never do more than the person whose token it is.
DROP FUNCTION find_sign_in(text, text, text, text);
CREATE FUNCTION find_sign_in(p_tenant text, p_login text, p_address text, p_browser text)
  RETURNS TABLE (user_id bigint, tenant_id int, name text, password_hash text, role text, locale text, disabled boolean,
                 must_change boolean, zone text, place text, failed_count int, locked_until timestamptz, is_known boolean,
                 failed_elsewhere int, own text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.name, u.password_hash, u.role, u.locale, u.disabled, u.must_change, t.zone,
         coalesce(b.place, p_address), coalesce(b.failed_count, a.failed_count, 0), CASE WHEN b.place IS NULL THEN a.locked_until ELSE b.locked_until END,
         b.place IS NOT NULL OR a.known_at IS NOT NULL,
         (SELECT coalesce(sum(e.failed_count), 0)::int FROM sign_in_place e
           WHERE e.user_id = u.user_id AND e.known_at IS NULL AND e.failed_at > now() - interval '1 day' AND e.place <> p_address),
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id)
    FROM app_user u JOIN tenant t USING (tenant_id)
    LEFT JOIN sign_in_place b ON b.user_id = u.user_id AND b.place = p_browser AND b.known_at IS NOT NULL
    LEFT JOIN sign_in_place a ON a.user_id = u.user_id AND a.place = p_address
   WHERE t.code = p_tenant AND u.login = p_login
$$;
DROP FUNCTION find_credential(bytea);
CREATE FUNCTION find_credential(p_hash bytea)
  RETURNS TABLE (user_id bigint, tenant_id int, login text, name text, role text, locale text, zone text, kind text, must_change boolean,
                 own text[], holder_role text, holder_own text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.login, u.name, u.role, u.locale, t.zone, 'session', u.must_change,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id), NULL, NULL::text[]
    FROM session s JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE s.session_hash = p_hash AND s.expires_at > now() AND NOT u.disabled
  UNION ALL
  SELECT u.user_id, u.tenant_id, u.login, u.name, k.role, u.locale, t.zone, 'token', false,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = k.tenant_id AND r.role_id = k.own_role_id), u.role,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id)
    FROM api_token k JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE k.token_hash = p_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled
$$;
REVOKE ALL ON FUNCTION find_sign_in(text, text, text, text), find_credential(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_sign_in(text, text, text, text), find_credential(bytea) TO openmains_api;
