-- SPDX-License-Identifier: Apache-2.0
-- A customer's WeChat (ADR 0066): who proved a phone may sign in by WeChat's code afterwards, and pays in WeChat. A person stands here as the
-- keyed hash of what WeChat calls them for one application (openid); the openid itself, which an order must name, is sealed.
CREATE TABLE customer_wechat (
  tenant_id   int NOT NULL REFERENCES tenant,
  open_blind  bytea NOT NULL CHECK (length(open_blind) = 32),
  blind       bytea NOT NULL CHECK (length(blind) = 32),        -- of the phone that was proved
  application text NOT NULL CHECK (application <> ''),
  key_id      bigint NOT NULL,
  nonce       bytea NOT NULL,
  sealed      bytea NOT NULL,
  made_us     bigint NOT NULL,
  PRIMARY KEY (tenant_id, open_blind)
);
CREATE INDEX customer_wechat_phone ON customer_wechat (tenant_id, blind);
ALTER TABLE customer_session ADD COLUMN open_blind bytea CHECK (length(open_blind) = 32); -- in whose WeChat it is, where that was proved
GRANT UPDATE (open_blind) ON customer_session TO openmains_api;

DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE customer_wechat ENABLE ROW LEVEL SECURITY;
  ALTER TABLE customer_wechat FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY tenant_only ON customer_wechat TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  EXECUTE format('CREATE POLICY owner_all ON customer_wechat TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, DELETE ON customer_wechat TO openmains_api; -- limited people see none of them (0110)

-- A number that is entered for somebody lets nobody in who proved it before: neither by a session nor by WeChat. As 0117, for both.
CREATE OR REPLACE FUNCTION end_sessions_of_numbers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM customer_session) AND NOT EXISTS (SELECT FROM customer_wechat) THEN
    RETURN NULL; -- an import of many
  END IF;
  IF TG_OP = 'INSERT' THEN
    WITH gone AS (
      DELETE FROM customer_wechat w USING is_now n
       WHERE w.tenant_id = n.tenant_id AND w.blind = n.blind AND n.field = 'phone' AND n.contact_id IS NULL
    )
    DELETE FROM customer_session s USING is_now n
     WHERE s.tenant_id = n.tenant_id AND s.blind = n.blind AND n.field = 'phone' AND n.contact_id IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    WITH gone AS (
      DELETE FROM customer_wechat w USING was o
       WHERE w.tenant_id = o.tenant_id AND w.blind = o.blind AND o.field = 'phone' AND o.contact_id IS NULL
    )
    DELETE FROM customer_session s USING was o
     WHERE s.tenant_id = o.tenant_id AND s.blind = o.blind AND o.field = 'phone' AND o.contact_id IS NULL;
  ELSE -- a key renewed leaves the number as it is
    WITH old AS (SELECT tenant_id, customer_id, blind FROM was WHERE field = 'phone' AND contact_id IS NULL),
         new AS (SELECT tenant_id, customer_id, blind FROM is_now WHERE field = 'phone' AND contact_id IS NULL),
         changed AS ((TABLE old EXCEPT TABLE new) UNION ALL (TABLE new EXCEPT TABLE old)),
         gone AS (DELETE FROM customer_wechat w USING changed x WHERE w.tenant_id = x.tenant_id AND w.blind = x.blind)
    DELETE FROM customer_session s USING changed x WHERE s.tenant_id = x.tenant_id AND s.blind = x.blind;
  END IF;
  RETURN NULL;
END $$;
