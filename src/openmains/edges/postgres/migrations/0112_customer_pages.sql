-- SPDX-License-Identifier: Apache-2.0
-- Customers' own pages (R9, ADR 0059): codes by which a phone signs in, its sessions, and what customers ask for. A phone stands here as its
-- keyed hash only (0060), a code as one of its own; whose phone it is is looked up anew at each request.
CREATE TABLE customer_code (
  code_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  challenge  bytea NOT NULL UNIQUE CHECK (length(challenge) = 32), -- SHA-256 of what the asking page holds
  blind      bytea NOT NULL CHECK (length(blind) = 32),            -- of the phone, known here or not
  mark       bytea NOT NULL CHECK (length(mark) = 32),             -- of the code, under the utility's key
  guesses    int NOT NULL DEFAULT 0 CHECK (guesses BETWEEN 0 AND 5),
  made_us    bigint NOT NULL,
  expires_us bigint NOT NULL,
  used_us    bigint,
  address    text NOT NULL DEFAULT ''
);
CREATE INDEX customer_code_phone ON customer_code (tenant_id, blind, made_us DESC);
CREATE INDEX customer_code_old ON customer_code (made_us);

CREATE TABLE customer_session (
  session_hash bytea PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  blind        bytea NOT NULL CHECK (length(blind) = 32),
  made_at      timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  address      text NOT NULL DEFAULT ''
);
CREATE INDEX customer_session_phone ON customer_session (tenant_id, blind);
CREATE INDEX customer_session_old ON customer_session (expires_at);

-- Which work orders a customer made by the pages: who else holds the account later does not see them.
CREATE TABLE customer_request (
  order_id    bigint PRIMARY KEY REFERENCES work_order,
  tenant_id   int NOT NULL REFERENCES tenant,
  customer_id bigint NOT NULL REFERENCES customer ON DELETE CASCADE,
  account_id  bigint NOT NULL REFERENCES account
);
CREATE INDEX customer_request_account ON customer_request (account_id, order_id DESC);
CREATE INDEX customer_request_customer ON customer_request (customer_id);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['customer_code', 'customer_session', 'customer_request'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t); -- limited people see none of them (0110)
  END LOOP;
END $$;
GRANT UPDATE (guesses, used_us) ON customer_code TO openmains_api;
GRANT DELETE ON customer_code, customer_session TO openmains_api;

-- Before a utility is known: by its code, by a challenge, by a session. Owner's rights, as find_credential() of 0110.
CREATE FUNCTION find_utility(p_code text) RETURNS TABLE (tenant_id int, zone text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.tenant_id, t.zone FROM tenant t WHERE t.code = p_code
$$;
CREATE FUNCTION find_challenge(p_challenge bytea) RETURNS TABLE (tenant_id int, zone text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.tenant_id, t.zone FROM customer_code c JOIN tenant t USING (tenant_id) WHERE c.challenge = p_challenge
$$;
CREATE FUNCTION find_customer_session(p_hash bytea)
  RETURNS TABLE (tenant_id int, zone text, expires_at timestamptz, customer_ids bigint[], codes text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT s.tenant_id, t.zone, s.expires_at, array_agg(c.customer_id ORDER BY c.customer_id), array_agg(c.code ORDER BY c.customer_id)
    FROM customer_session s JOIN tenant t ON t.tenant_id = s.tenant_id
    JOIN personal p ON p.tenant_id = s.tenant_id AND p.field = 'phone' AND p.blind = s.blind AND p.contact_id IS NULL
    JOIN customer c ON c.customer_id = p.customer_id
   WHERE s.session_hash = p_hash AND s.expires_at > now()
   GROUP BY s.tenant_id, t.zone, s.expires_at
$$;
REVOKE ALL ON FUNCTION find_utility(text), find_challenge(bytea), find_customer_session(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_utility(text), find_challenge(bytea), find_customer_session(bytea) TO openmains_api;

-- Codes go to phones as notices do. They stand first: a hundred thousand announcements do not hold up a sign-in.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check,
  ADD CONSTRAINT notice_kind_check CHECK (kind IN ('raised', 'escalated', 'cleared', 'test', 'order', 'order_overdue', 'announcement',
                                                   'customer_code'));
