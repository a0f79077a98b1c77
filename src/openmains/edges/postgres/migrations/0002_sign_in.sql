-- SPDX-License-Identifier: Apache-2.0
-- Sign-in without a tenant code where there is only one tenant. The functions that look across tenants belong to the
-- migrations' owner, who is bound by FORCE ROW LEVEL SECURITY unless a superuser: let the owner see what they look up.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['app_user','session','api_token','tenant','area','audit'] LOOP
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;

CREATE FUNCTION only_tenant_code() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT CASE WHEN count(*) = 1 THEN min(code) END FROM tenant
$$;
REVOKE ALL ON FUNCTION only_tenant_code() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION only_tenant_code() TO openmains_api;

-- Session and token ends belong to their user; the list of one user's tokens is asked by user.
CREATE INDEX session_of_user ON session (user_id);
CREATE INDEX api_token_user ON api_token (user_id);
