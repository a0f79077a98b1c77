-- SPDX-License-Identifier: Apache-2.0
-- Whoever gives work to somebody has it told (R7.3, ADR 0071), a person too whose rights are limited and who sees neither the channels nor
-- how others are reached (0110): by these functions it learns whether and when somebody can be told, not where, and books that notice alone.

CREATE FUNCTION persons_told() RETURNS TABLE (user_id bigint, locale text, settings jsonb, has_email boolean, has_phone boolean,
                                              has_openid boolean, has_browser boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.user_id, u.locale, p.settings - '{email,phone,openid}'::text[], coalesce(p.settings->>'email', '') <> '',
         coalesce(p.settings->>'phone', '') <> '', coalesce(p.settings->>'openid', '') <> '',
         EXISTS (SELECT FROM push_browser b WHERE b.user_id = u.user_id)
    FROM app_user u LEFT JOIN notice_person p USING (user_id)
   WHERE u.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND NOT u.disabled AND u.role <> 'application'
   ORDER BY u.user_id
$$;
CREATE FUNCTION channels_told() RETURNS TABLE (channel_id bigint, kind text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.channel_id, c.kind FROM notice_channel c
   WHERE c.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND c.is_on AND NOT c.is_gone
$$;
-- One notice of work to one person of the utility by one of its channels, once for its key. True: it was not there before.
CREATE FUNCTION book_personal(p_key text, p_kind text, p_severity text, p_user bigint, p_channel bigint, p_facts jsonb, p_now_us bigint,
                              p_due_us bigint, p_held text)
  RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH made AS (
    INSERT INTO notice (tenant_id, key, kind, state, severity, user_id, channel_id, facts, made_us, due_us, held)
    SELECT u.tenant_id, p_key, p_kind, 'waiting', p_severity, u.user_id, c.channel_id, p_facts, p_now_us, p_due_us, p_held
      FROM app_user u JOIN notice_channel c ON c.tenant_id = u.tenant_id AND c.channel_id = p_channel AND c.is_on AND NOT c.is_gone
     WHERE u.user_id = p_user AND u.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int
       AND p_kind IN ('order', 'order_overdue') AND p_key LIKE 'order:%'
    ON CONFLICT (tenant_id, key) DO NOTHING RETURNING notice_id)
  SELECT EXISTS (SELECT FROM made)
$$;
REVOKE ALL ON FUNCTION persons_told(), channels_told(), book_personal(text, text, text, bigint, bigint, jsonb, bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION persons_told(), channels_told(), book_personal(text, text, text, bigint, bigint, jsonb, bigint, bigint, text)
  TO openmains_api, openmains_limited, openmains_pipeline; -- and the worker, of a rule's orders and of late ones

-- The utility's own words of notices are of no place: who is limited reads the own inbox in them (without this it was out of reach).
GRANT SELECT ON notice_template TO openmains_limited;
CREATE POLICY read_limited ON notice_template FOR SELECT TO openmains_limited
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
