-- SPDX-License-Identifier: Apache-2.0
-- Rights limited to places, media and products (R13.5, ADR 0050). Whoever is limited works as openmains_limited, which sees what
-- openmains_api sees and of that only the rows within the person's reach: restrictive policies, for this role alone, so that the plans of
-- everybody else stay what they are. A table that is not in the list below is closed to this role: a table that is new is closed until
-- somebody says where it hangs.

ALTER TABLE app_user
  ADD COLUMN places   int[] NOT NULL DEFAULT '{}',   -- areas, each with what is below it; {}: everywhere
  ADD COLUMN media    text[] NOT NULL DEFAULT '{}' CHECK (media <@ ARRAY['gas', 'water']),
  ADD COLUMN products int[] NOT NULL DEFAULT '{}',   -- a maker's own models; {}: all
  ADD CHECK (cardinality(places) <= 100 AND cardinality(products) <= 1000);
ALTER TABLE customer ADD COLUMN made_by bigint DEFAULT nullif(current_setting('openmains.user', true), '')::bigint;

-- What the transaction says of the person, beside its tenant. Read once a query, as sub-selects.
CREATE FUNCTION reach_places() RETURNS int[] LANGUAGE sql STABLE SET search_path = pg_temp AS
  $$ SELECT coalesce(nullif(current_setting('openmains.places', true), '')::int[], '{}') $$;
CREATE FUNCTION reach_media() RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_temp AS
  $$ SELECT coalesce(nullif(current_setting('openmains.media', true), '')::text[], '{}') $$;
CREATE FUNCTION reach_products() RETURNS int[] LANGUAGE sql STABLE SET search_path = pg_temp AS
  $$ SELECT coalesce(nullif(current_setting('openmains.products', true), '')::int[], '{}') $$;
CREATE FUNCTION reach_user() RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_temp AS
  $$ SELECT nullif(current_setting('openmains.user', true), '')::bigint $$;

-- Owner's rights: they read the tree and the products past the policies that ask them. A branch is one range of the paths' index (0040).
CREATE FUNCTION areas_in_reach() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
   WHERE t.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND t.area_id = ANY (reach_places())
$$;
CREATE FUNCTION areas_above_reach() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.area_id FROM area t JOIN generate_series(1, length(t.path) / 8 - 1) AS level ON true
    JOIN area a ON a.tenant_id = t.tenant_id AND a.path = left(t.path, level * 8)
   WHERE t.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND t.area_id = ANY (reach_places())
$$;
CREATE FUNCTION products_in_reach() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p.product_id FROM product p
   WHERE p.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int
     AND (reach_media() = '{}' OR p.medium = ANY (reach_media())) AND (reach_products() = '{}' OR p.product_id = ANY (reach_products()))
$$;
-- A customer who never held an account and has no meter is at no place: seen by who entered it, until it has one.
CREATE FUNCTION is_unplaced(p_customer bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM account_holder WHERE customer_id = p_customer) AND NOT EXISTS (SELECT FROM meter WHERE customer_id = p_customer)
$$;
REVOKE ALL ON FUNCTION reach_places(), reach_media(), reach_products(), reach_user(), areas_in_reach(), areas_above_reach(),
  products_in_reach(), is_unplaced(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reach_places(), reach_media(), reach_products(), reach_user(), areas_in_reach(), areas_above_reach(),
  products_in_reach(), is_unplaced(bigint) TO openmains_api, openmains_limited;
GRANT EXECUTE ON FUNCTION reach_user() TO openmains_pipeline;
GRANT USAGE ON SCHEMA public TO openmains_limited;

DO $$
DECLARE
  -- Macros: {area:x} the area x lies within the places, {product:x} the product x within media and products, {medium:x} a medium,
  -- {meter}, {account}, {customer}, {order}, {alarm}: the row named by this table's column is seen; {me}: the person; {peer:x}: the
  -- person x sees no place that this one does not, or the whole; {us}: not a maker's; {all}: everything.
  v_rules text[][] := ARRAY[
    -- places and what stands in them
    ['area', '({area:area_id}) OR area_id IN (SELECT areas_above_reach())'],
    ['area_tally', '{area:area_id}'],
    ['premises', '{us} AND {area:area_id}'],
    ['product', '{product:product_id}'],
    ['meter', '{area:area_id} AND {product:product_id}'],
    -- what hangs on a meter
    ['alarm', '{meter}'], ['command', '{meter}'], ['command_batch_meter', '{meter}'], ['command_waiting', '{meter}'],
    ['concentrator_meter', '{meter}'], ['dimension_fault', '{meter}'], ['identity_change', '{meter}'], ['limit_standing', '{meter}'],
    ['manual_reading', '{us} AND {meter}'], ['meter_act', '{us} AND {meter}'], ['meter_safety', '{meter}'], ['meter_search', '{meter}'],
    ['meter_shadow', '{meter}'], ['meter_state', '{meter}'], ['meter_to_hang', '{meter}'], ['outbox_event', '{meter}'],
    ['reading_edit', '{us} AND {meter}'], ['reading_exception', '{meter}'], ['reading_route_meter', '{us} AND {meter}'], ['reread_ask', '{meter}'],
    ['reread_gap', '{meter}'], ['rule_proposal', '{meter}'], ['rule_standing', '{meter}'], ['site_photo', '{us} AND {meter}'],
    ['meter_tag', '{meter}'], ['site_visit', '{us} AND {meter}'], ['terminal', '{meter}'], ['terminal_finding', '{us} AND {meter}'], ['dead_letter', '{meter}'],
    ['installation', '{us} AND {meter}'],
    ['onboarding', '{meter}'],
    ['access_refusal', 'EXISTS (SELECT FROM meter m WHERE m.imei = access_refusal.imei)'],
    ['collection_due_count', '{area:area_id} AND {product:product_id}'],
    ['device_key', 'EXISTS (SELECT FROM meter m WHERE m.imei = device_key.imei)'],
    ['terminal_change', 'EXISTS (SELECT FROM meter m WHERE m.imei = terminal_change.imei)'],
    ['quantity_limit', '(meter_id IS NULL AND product_id IS NOT NULL) OR {meter}'],
    ['collection_task', 'meter_id IS NULL OR {meter}'],
    -- one hop further
    ['command_event', 'EXISTS (SELECT FROM command c WHERE c.command_id = command_event.command_id)'],
    ['command_batch', 'created_by = {me}'],
    ['alarm_group', '{area:area_id} AND (SELECT reach_media()) = ''{}'' AND (SELECT reach_products()) = ''{}'''],
    ['alarm_mute', 'CASE WHEN meter_id IS NULL THEN {area:area_id} ELSE {meter} END'],
    ['alarm_event', 'CASE WHEN alarm_id IS NULL THEN EXISTS (SELECT FROM alarm_group g WHERE g.group_id = alarm_event.group_id) ELSE {alarm} END'],
    ['concentrator', '{us} AND EXISTS (SELECT FROM concentrator_meter c WHERE c.concentrator_id = concentrator.concentrator_id)'],
    ['concentrator_state', '{us} AND EXISTS (SELECT FROM concentrator_meter c WHERE c.concentrator_id = concentrator_state.concentrator_id)'],
    ['reading_route', 'reader_id = {me} OR EXISTS (SELECT FROM reading_route_meter r WHERE r.route_id = reading_route.route_id)'],
    -- parties
    ['account', '{medium:medium} AND EXISTS (SELECT FROM premises p WHERE p.premises_id = account.premises_id)'],
    ['account_act', '{account}'], ['account_holder', '{account}'],
    ['customer', '{us} AND (EXISTS (SELECT FROM account_holder h WHERE h.customer_id = customer.customer_id)
        OR EXISTS (SELECT FROM meter m WHERE m.customer_id = customer.customer_id) OR (made_by = {me} AND is_unplaced(customer_id)))'],
    ['contact', '{customer}'], ['customer_search', '{customer}'], ['personal', '{customer}'],
    -- money: read only, no permission to change it goes with a limit
    ['bill', '{account}'], ['bill_correction', '{account}'], ['bill_fee', '{account}'], ['bill_refusal', '{account}'],
    ['bill_settlement', '{account}'], ['receipt', '{account}'], ['ledger_line', '{account}'], ['ledger_act', '{account}'],
    ['ledger_entry', 'EXISTS (SELECT FROM ledger_line l WHERE l.entry_id = ledger_entry.entry_id)'],
    ['payment_return', 'EXISTS (SELECT FROM receipt r WHERE r.receipt_id = payment_return.receipt_id)'],
    ['bill_run', 'EXISTS (SELECT FROM bill b WHERE b.run_id = bill_run.run_id)'], ['till_shift', 'clerk_id = {me}'],
    ['tariff_simulation', 'false'],
    ['tariff_member', 'CASE WHEN meter_id IS NULL THEN {account} ELSE {meter} END'],
    ['payment_order', '{account}'], ['arrears_step', '{account}'], ['arrears_hold', '{account}'],
    ['debit_authorisation', '{account}'], ['debit_item', '{account}'], ['debit_file', 'false'], ['debit_answer', 'false'], -- with sums of the whole
    ['invoice', '{account}'],
    ['payment_event', 'EXISTS (SELECT FROM payment_order o WHERE o.order_id = payment_event.order_id)'],
    ['payment_refund', 'EXISTS (SELECT FROM payment_order o WHERE o.order_id = payment_refund.order_id)'],
    -- rules of one's own products and areas, or of the areas above; what a trial found is of the whole
    ['rule_version', '(area_id IS NULL OR {area:area_id} OR area_id IN (SELECT areas_above_reach())) AND (product_id IS NULL OR {product:product_id})'],
    ['rule', 'EXISTS (SELECT FROM rule_version v WHERE v.rule_id = rule.rule_id)'], ['rule_trial', 'false'],
    -- orders
    ['work_order', 'CASE WHEN meter_id IS NOT NULL THEN {meter} WHEN account_id IS NOT NULL THEN {account}
        WHEN premises_id IS NOT NULL THEN EXISTS (SELECT FROM premises p WHERE p.premises_id = work_order.premises_id)
        ELSE {us} AND (SELECT reach_media()) = ''{}'' AND {area:area_id} END'],
    ['work_order_act', '{order}'], ['work_order_part', '{order}'], ['work_order_photo', '{order}'], ['hazard', '{order}'],
    ['inspection_plan', '(area_id IS NULL OR {area:area_id}) AND {medium:medium}'],
    -- the person's own
    ['session', 'user_id = {me}'], ['api_token', 'user_id = {me}'], ['sign_in_place', 'user_id = {me}'],
    ['job', 'created_by = {me}'], ['audit', 'user_id = {me}'], ['notice', 'user_id = {me} OR {customer}'], ['notice_person', 'user_id = {me}'],
    ['announcement', '{us} AND {area:area_id} AND {medium:medium}'],
    ['import_tag', 'EXISTS (SELECT FROM job j WHERE j.job_id = import_tag.job_id)'],
    ['notice_channel', 'kind = ''inbox'''],
    ['saved_query', 'owner_id = {me} OR {peer:owner_id}'], ['list_view', 'owner_id = {me} OR {peer:owner_id}'],
    -- how the utility is set up: of no place
    ['collection_due', '{all}'], ['notice_calendar', '{all}'], ['reread_scan', '{all}'],
    ['tenant', '{all}'], ['app_user', '{all}'], ['own_role', '{all}'], ['area_kind', '{all}'], ['access_policy', '{all}'],
    ['cell_capacity', '{all}'], ['command_policy', '{all}'], ['command_setting', '{all}'], ['lifetime_rule', '{all}'],
    ['tariff', '{all}'], ['tag', '{all}'], ['invoice_tax', '{all}'], ['tariff_plan', '{all}'], ['meter_price', '{all}'],
    ['technician', '{all}'], ['work_order_kind', '{all}'], ['ledger_month', '{all}'],
    ['arrears_rule', '{all}'], ['calendar_year', '{all}'], ['bill_letterhead', '{all}'],
    ['driver_page', '{all}'], ['driver_page_version', '{all}'], ['personal_key', '{all}'], ['tenant_key', '{all}'],
    ['restore_epoch', '{all}'], ['platform_choice', '{all}'], ['outbox_place', '{all}'], ['import_heading', '{all}']
  ];
  v_table text;
  v_rule  text;
  v_row   record;
BEGIN
  FOR i IN 1 .. array_length(v_rules, 1) LOOP
    v_table := v_rules[i][1];
    v_rule := v_rules[i][2];
    FOR v_row IN SELECT x.privilege_type FROM pg_class c, aclexplode(c.relacl) x
                  WHERE c.oid = v_table::regclass AND x.grantee = 'openmains_api'::regrole LOOP
      EXECUTE format('GRANT %s ON %I TO openmains_limited', v_row.privilege_type, v_table);
    END LOOP;
    FOR v_row IN SELECT x.privilege_type, a.attname FROM pg_attribute a, aclexplode(a.attacl) x
                  WHERE a.attrelid = v_table::regclass AND a.attnum > 0 AND NOT a.attisdropped AND x.grantee = 'openmains_api'::regrole LOOP
      EXECUTE format('GRANT %s (%I) ON %I TO openmains_limited', v_row.privilege_type, v_row.attname, v_table);
    END LOOP;
    FOR v_row IN SELECT p.policyname, p.roles FROM pg_policies p
                  WHERE p.schemaname = 'public' AND p.tablename = v_table AND 'openmains_api' = ANY (p.roles) LOOP
      EXECUTE format('ALTER POLICY %I ON %I TO %s, openmains_limited', v_row.policyname, v_table,
                     (SELECT string_agg(quote_ident(r), ', ') FROM unnest(v_row.roles) r));
    END LOOP;
    CONTINUE WHEN v_rule = '{all}';
    v_rule := regexp_replace(v_rule, '\{area:(\w+)\}', '((SELECT reach_places()) = ''{}'' OR \1 IN (SELECT areas_in_reach()))', 'g');
    v_rule := regexp_replace(v_rule, '\{product:(\w+)\}', '\1 IN (SELECT products_in_reach())', 'g');
    v_rule := regexp_replace(v_rule, '\{medium:(\w+)\}', '((SELECT reach_media()) = ''{}'' OR \1 = ANY ((SELECT reach_media())::text[]))', 'g');
    v_rule := regexp_replace(v_rule, '\{peer:(\w+)\}', 'EXISTS (SELECT FROM app_user u WHERE u.user_id = \1 AND u.places <@ (SELECT reach_places())
        AND u.media <@ (SELECT reach_media()) AND u.products <@ (SELECT reach_products()))', 'g');
    v_rule := replace(v_rule, '{us}', '(SELECT reach_products()) = ''{}''');
    v_rule := replace(v_rule, '{me}', '(SELECT reach_user())');
    v_rule := replace(v_rule, '{meter}', format('EXISTS (SELECT FROM meter m WHERE m.meter_id = %I.meter_id)', v_table));
    v_rule := replace(v_rule, '{account}', format('EXISTS (SELECT FROM account a WHERE a.account_id = %I.account_id)', v_table));
    v_rule := replace(v_rule, '{customer}', format('EXISTS (SELECT FROM customer c WHERE c.customer_id = %I.customer_id)', v_table));
    v_rule := replace(v_rule, '{order}', format('EXISTS (SELECT FROM work_order o WHERE o.order_id = %I.order_id)', v_table));
    v_rule := replace(v_rule, '{alarm}', format('EXISTS (SELECT FROM alarm l WHERE l.alarm_id = %I.alarm_id)', v_table));
    EXECUTE format('CREATE POLICY within_reach ON %I AS RESTRICTIVE TO openmains_limited USING (%s)', v_table, v_rule);
  END LOOP;
  FOR v_row IN SELECT p.oid::regprocedure AS f FROM pg_proc p, aclexplode(p.proacl) x
                WHERE p.pronamespace = 'public'::regnamespace AND x.grantee = 'openmains_api'::regrole LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO openmains_limited', v_row.f);
  END LOOP;
END $$;

-- As before (0074), with where the person's rights hold.
DROP FUNCTION find_sign_in(text, text, text, text);
CREATE FUNCTION find_sign_in(p_tenant text, p_login text, p_address text, p_browser text)
  RETURNS TABLE (user_id bigint, tenant_id int, name text, password_hash text, role text, locale text, disabled boolean,
                 must_change boolean, zone text, place text, failed_count int, locked_until timestamptz, is_known boolean,
                 failed_elsewhere int, own text[], places int[], media text[], products int[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.name, u.password_hash, u.role, u.locale, u.disabled, u.must_change, t.zone,
         coalesce(b.place, p_address), coalesce(b.failed_count, a.failed_count, 0), CASE WHEN b.place IS NULL THEN a.locked_until ELSE b.locked_until END,
         b.place IS NOT NULL OR a.known_at IS NOT NULL,
         (SELECT coalesce(sum(e.failed_count), 0)::int FROM sign_in_place e
           WHERE e.user_id = u.user_id AND e.known_at IS NULL AND e.failed_at > now() - interval '1 day' AND e.place <> p_address),
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id),
         u.places, u.media, u.products
    FROM app_user u JOIN tenant t USING (tenant_id)
    LEFT JOIN sign_in_place b ON b.user_id = u.user_id AND b.place = p_browser AND b.known_at IS NOT NULL
    LEFT JOIN sign_in_place a ON a.user_id = u.user_id AND a.place = p_address
   WHERE t.code = p_tenant AND u.login = p_login
$$;
DROP FUNCTION find_credential(bytea);
CREATE FUNCTION find_credential(p_hash bytea)
  RETURNS TABLE (user_id bigint, tenant_id int, login text, name text, role text, locale text, zone text, kind text, must_change boolean,
                 own text[], holder_role text, holder_own text[], places int[], media text[], products int[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.tenant_id, u.login, u.name, u.role, u.locale, t.zone, 'session', u.must_change,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id), NULL, NULL::text[],
         u.places, u.media, u.products
    FROM session s JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE s.session_hash = p_hash AND s.expires_at > now() AND NOT u.disabled
  UNION ALL
  SELECT u.user_id, u.tenant_id, u.login, u.name, k.role, u.locale, t.zone, 'token', false,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = k.tenant_id AND r.role_id = k.own_role_id), u.role,
         (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id),
         u.places, u.media, u.products
    FROM api_token k JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE k.token_hash = p_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled
$$;
REVOKE ALL ON FUNCTION find_sign_in(text, text, text, text), find_credential(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_sign_in(text, text, text, text), find_credential(bytea) TO openmains_api;

-- A search of customers works with the owner's rights (0061), past the policies: within the reach it must find for itself, or a page of
-- what is seen would end where others' rows fill it. Searches of meters are told their areas and products (fleet/search.py).
CREATE OR REPLACE FUNCTION find_customers(p_grams int[], p_terms text[], p_after bigint, p_limit int)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
BEGIN
  IF reach_places() = '{}' AND reach_media() = '{}' AND reach_products() = '{}' THEN
    RETURN QUERY SELECT f.customer_id FROM customer_search f
      WHERE f.tenant_id = v_tenant AND f.grams @> p_grams AND f.text LIKE ALL (p_terms) AND f.customer_id > p_after
      ORDER BY f.customer_id LIMIT p_limit;
    RETURN;
  END IF;
  RETURN QUERY SELECT f.customer_id FROM customer_search f
    WHERE f.tenant_id = v_tenant AND f.grams @> p_grams AND f.text LIKE ALL (p_terms) AND f.customer_id > p_after
      AND (EXISTS (SELECT FROM account_holder h JOIN account a USING (account_id) JOIN premises p USING (premises_id)
                    WHERE h.customer_id = f.customer_id AND (reach_media() = '{}' OR a.medium = ANY (reach_media()))
                      AND (reach_places() = '{}' OR p.area_id IN (SELECT areas_in_reach())))
        OR EXISTS (SELECT FROM meter m WHERE m.customer_id = f.customer_id AND m.product_id IN (SELECT products_in_reach())
                      AND (reach_places() = '{}' OR m.area_id IN (SELECT areas_in_reach()))))
    ORDER BY f.customer_id LIMIT p_limit;
END $$;
