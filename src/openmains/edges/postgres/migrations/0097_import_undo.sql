-- SPDX-License-Identifier: Apache-2.0
-- What an import of meters wrote, row by row, so that it can be taken back (ADR 0052): edges/postgres/fleet/undo.sql. Kept for 30 days, as the file is.
CREATE TABLE import_change (
  job_id    bigint NOT NULL,
  tenant_id int NOT NULL,
  meter_id  bigint NOT NULL,                     -- no foreign key: what was withdrawn is told here as long as the row is kept
  line      int NOT NULL,                        -- of the file
  before    jsonb,                               -- imported_columns() of a meter that was there; null: the import made it
  after     jsonb,                               -- and what the import made of it
  PRIMARY KEY (job_id, meter_id),
  CHECK ((before IS NULL) = (after IS NULL))
);
CREATE TABLE import_customer (
  job_id      bigint NOT NULL,
  tenant_id   int NOT NULL,
  customer_id bigint NOT NULL,
  before      jsonb,                             -- imported_customer(); null: the import made the customer
  after       jsonb NOT NULL,
  PRIMARY KEY (job_id, customer_id)
);
CREATE TABLE import_area (
  job_id    bigint NOT NULL,
  tenant_id int NOT NULL,
  area_id   int NOT NULL,
  PRIMARY KEY (job_id, area_id)
);
-- Meters that an undone import had made. They are in the registry no more; what follows it (edges, the copy beside the readings) learns it here.
CREATE TABLE withdrawn_meter (
  meter_id     bigint PRIMARY KEY,
  tenant_id    int NOT NULL,
  number       text NOT NULL,
  area_id      int NOT NULL,
  product_id   int NOT NULL,
  revision     bigint NOT NULL,                  -- above the one that was copied
  withdrawn_at timestamptz NOT NULL DEFAULT now()
);

-- The columns that a file of meters can change, and what it can say of a customer. Personal data stay sealed.
CREATE FUNCTION imported_columns(m meter) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('bar_code', m.bar_code, 'imei', m.imei, 'imsi', m.imsi, 'iccid', m.iccid, 'product_id', m.product_id,
    'area_id', m.area_id, 'customer_id', m.customer_id, 'address', m.address, 'place', m.place, 'dn', m.dn, 'qmax_l_h', m.qmax_l_h,
    'installed_on', m.installed_on, 'expected_from', m.expected_from)
$$;
CREATE FUNCTION imported_customer(c customer) RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('name', c.name, 'address', c.address, 'is_protected', c.is_protected, 'is_critical', c.is_critical,
    'phone', (SELECT jsonb_build_object('key_id', p.key_id, 'nonce', encode(p.nonce, 'hex'), 'sealed', encode(p.sealed, 'hex'), 'blind', encode(p.blind, 'hex'))
                FROM personal p WHERE p.customer_id = c.customer_id AND p.contact_id IS NULL AND p.field = 'phone'))
$$;

-- The book keeps its past, and nobody deletes a meter (0021). What may go is what an undone import alone brought and nobody has used, by
-- withdraw_meters() and by nothing else: no role but the owner may delete there.
CREATE FUNCTION is_withdrawing() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('openmains.withdrawing', true) = 'on'
$$;
CREATE OR REPLACE FUNCTION installation_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF is_withdrawing() AND OLD.entered_by IS NULL AND upper_inf(OLD.during) THEN
    RETURN OLD; -- hung by the platform, never touched since
  END IF;
  RAISE EXCEPTION 'an installation is never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE OR REPLACE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('account', 'account_act', 'account_holder') AND is_withdrawing() THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% of % is refused: the past of an account is never changed', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['import_change', 'import_customer', 'import_area', 'withdrawn_meter'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format(CASE WHEN t = 'withdrawn_meter' THEN 'GRANT SELECT ON %I TO openmains_pipeline'
                   ELSE 'GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline' END, t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['meter', 'meter_state', 'product', 'command'] LOOP -- the owner sees no tenant's rows there otherwise
    IF NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = t AND current_user = ANY (p.roles)) THEN
      EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    END IF;
  END LOOP;
END $$;

-- Takes these meters out of the registry, with where the platform hung them and the accounts that it opened for them and of which nothing else
-- became. Returns the premises of those accounts. Whoever calls it, whatever was asked before: only meters that this import made, as it made
-- them, never heard and never told anything; the last rows of the book that go are those that no person wrote.
CREATE FUNCTION withdraw_meters(p_tenant int, p_job bigint, p_meters bigint[]) RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$
DECLARE
  v_accounts bigint[];
  v_premises bigint[];
BEGIN
  PERFORM set_config('openmains.withdrawing', 'on', true); -- no SET of the function: the owner may not name a setting of no extension there
  IF (SELECT count(*) FROM import_change c JOIN meter m USING (meter_id) JOIN meter_state s USING (meter_id)
       WHERE c.tenant_id = p_tenant AND m.tenant_id = p_tenant AND c.job_id = p_job AND c.before IS NULL AND m.meter_id = ANY (p_meters)
         AND m.revision = 1 AND s.last_seen_us IS NULL AND NOT EXISTS (SELECT FROM command x WHERE x.meter_id = m.meter_id)) <> cardinality(p_meters) THEN
    RAISE check_violation USING MESSAGE = 'a meter is not as the import made it', CONSTRAINT = 'meter_withdrawn';
  END IF;
  INSERT INTO withdrawn_meter (meter_id, tenant_id, number, area_id, product_id, revision)
    SELECT m.meter_id, m.tenant_id, m.number, m.area_id, m.product_id, m.revision + 1 FROM meter m WHERE m.meter_id = ANY (p_meters);
  WITH gone AS (DELETE FROM installation i WHERE i.tenant_id = p_tenant AND i.meter_id = ANY (p_meters) RETURNING i.account_id)
    SELECT array_agg(DISTINCT account_id) INTO v_accounts FROM gone;
  DELETE FROM meter m WHERE m.tenant_id = p_tenant AND m.meter_id = ANY (p_meters);
  SELECT array_agg(a.account_id), array_agg(DISTINCT a.premises_id) INTO v_accounts, v_premises FROM account a
   WHERE a.tenant_id = p_tenant AND a.account_id = ANY (v_accounts)
     AND NOT EXISTS (SELECT FROM installation i WHERE i.account_id = a.account_id)
     AND NOT EXISTS (SELECT FROM account_act c WHERE (c.account_id = a.account_id AND c.made_by IS NOT NULL) OR c.other_id = a.account_id)
     AND NOT EXISTS (SELECT FROM account_act c WHERE c.account_id = a.account_id AND c.key NOT LIKE 'hung:%')
     AND NOT EXISTS (SELECT FROM work_order w WHERE w.account_id = a.account_id);
  DELETE FROM account_holder h WHERE h.account_id = ANY (v_accounts);
  DELETE FROM account_act c WHERE c.account_id = ANY (v_accounts);
  DELETE FROM account a WHERE a.account_id = ANY (v_accounts);
  PERFORM set_config('openmains.withdrawing', 'off', true);
  RETURN coalesce(v_premises, '{}');
END $$;
REVOKE ALL ON FUNCTION withdraw_meters(int, bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION withdraw_meters(int, bigint, bigint[]) TO openmains_pipeline;

-- A meter that was withdrawn never comes back under its number of the registry: what was signed of the one would be another's.
CREATE FUNCTION meters_stay_withdrawn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM new_meters n JOIN withdrawn_meter w USING (meter_id)) THEN
    RAISE check_violation USING MESSAGE = 'a withdrawn meter does not come back', CONSTRAINT = 'meter_withdrawn';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER meter_stays_withdrawn AFTER INSERT ON meter REFERENCING NEW TABLE AS new_meters
  FOR EACH STATEMENT EXECUTE FUNCTION meters_stay_withdrawn();
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_stays_withdrawn; -- also where an import writes without the other triggers (0003)
GRANT SELECT (job_id, tenant_id) ON import_change TO openmains_api; -- whether anything is left to undo
GRANT SELECT (tenant_id, object_type, object_id) ON audit TO openmains_pipeline; -- whether a person made the premises
-- What the worker looks at before it lets a meter go: it must see all of it, or it would take away what is used.
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['alarm', 'alarm_mute', 'arrears_step', 'bill', 'bill_refusal', 'collection_task', 'command', 'command_batch_meter', 'command_onboarding',
    'concentrator_meter', 'manual_reading', 'meter_act', 'meter_safety', 'meter_shadow', 'payment_order', 'quantity_limit', 'reading_edit', 'reading_exception',
    'reading_route_meter', 'receipt', 'rule_proposal', 'site_photo', 'site_visit', 'tariff_member', 'work_order', 'contact', 'personal'] LOOP
    EXECUTE format('GRANT SELECT ON %I TO openmains_pipeline', t);
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = t::regclass)
       AND NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = t AND 'openmains_pipeline' = ANY (p.roles)) THEN
      EXECUTE format('CREATE POLICY worker_looks ON %I FOR SELECT TO openmains_pipeline USING (true)', t);
    END IF;
  END LOOP;
END $$;
