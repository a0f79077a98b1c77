-- SPDX-License-Identifier: Apache-2.0
-- Failures are counted where they come from: whoever guesses elsewhere locks out nobody but himself. A place is an address, a browser that
-- signed in before (its cookie, hashed), or the session in which the present password is asked for again.
CREATE TABLE sign_in_place (
  tenant_id    int NOT NULL REFERENCES tenant,
  user_id      bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  place        text NOT NULL,
  failed_count int NOT NULL DEFAULT 0,
  failed_at    timestamptz,
  locked_until timestamptz,
  known_at     timestamptz,                      -- the newest sign-in from there; null: there was none
  PRIMARY KEY (user_id, place)
);
CREATE INDEX sign_in_place_old ON sign_in_place (tenant_id, failed_at) WHERE known_at IS NULL;

ALTER TABLE sign_in_place ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_place FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON sign_in_place TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON sign_in_place TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_place TO openmains_api;

-- Who signs in, and what is known of the place: the browser where it signed in before, else the address. One question, so that an
-- unknown login takes no less time than a known one. failed_elsewhere: of a day, at places where the person never signed in.
DROP FUNCTION find_sign_in(text, text);
CREATE FUNCTION find_sign_in(p_tenant text, p_login text, p_address text, p_browser text)
  RETURNS TABLE (user_id bigint, tenant_id int, name text, password_hash text, role text, locale text, disabled boolean,
                 must_change boolean, zone text, place text, failed_count int, locked_until timestamptz, is_known boolean,
                 failed_elsewhere int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.name, u.password_hash, u.role, u.locale, u.disabled, u.must_change, t.zone,
         coalesce(b.place, p_address), coalesce(b.failed_count, a.failed_count, 0), CASE WHEN b.place IS NULL THEN a.locked_until ELSE b.locked_until END,
         b.place IS NOT NULL OR a.known_at IS NOT NULL,
         (SELECT coalesce(sum(e.failed_count), 0)::int FROM sign_in_place e
           WHERE e.user_id = u.user_id AND e.known_at IS NULL AND e.failed_at > now() - interval '1 day' AND e.place <> p_address)
    FROM app_user u JOIN tenant t USING (tenant_id)
    LEFT JOIN sign_in_place b ON b.user_id = u.user_id AND b.place = p_browser AND b.known_at IS NOT NULL
    LEFT JOIN sign_in_place a ON a.user_id = u.user_id AND a.place = p_address
   WHERE t.code = p_tenant AND u.login = p_login
$$;
REVOKE ALL ON FUNCTION find_sign_in(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_sign_in(text, text, text, text) TO openmains_api;

ALTER TABLE app_user DROP COLUMN failed_count, DROP COLUMN locked_until;
