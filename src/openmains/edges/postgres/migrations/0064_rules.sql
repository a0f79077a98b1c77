-- SPDX-License-Identifier: Apache-2.0
-- Rules that people make (R7.2, ADR 0037): versions that are written once; where the condition of each is fulfilled, which is also the clock of
-- conditions that must hold for a while – what stands here, and since when, no kill loses –; and commands that rules propose.

CREATE TABLE rule (
  rule_id   int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  name      text NOT NULL CHECK (name <> ''),
  is_on     boolean NOT NULL DEFAULT false,
  revision  bigint NOT NULL DEFAULT 1,           -- one more with each change: who keeps rules in memory looks at the sum
  made_by   bigint NOT NULL,
  UNIQUE (tenant_id, name)
);
CREATE TABLE rule_version (
  rule_id      int NOT NULL REFERENCES rule ON DELETE CASCADE,
  version      int NOT NULL,
  tenant_id    int NOT NULL REFERENCES tenant,
  draft        jsonb NOT NULL,                   -- RuleDraft of app/rule/model.py
  zh           text NOT NULL,                    -- its condition as a sentence
  en           text NOT NULL,
  product_id   int REFERENCES product,
  area_id      int REFERENCES area,
  effective_us bigint NOT NULL,
  made_by      bigint NOT NULL,
  made_us      bigint NOT NULL,
  reason       text NOT NULL DEFAULT '',
  PRIMARY KEY (rule_id, version)
);
CREATE TABLE rule_standing (
  meter_id  bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  rule_id   int NOT NULL REFERENCES rule ON DELETE CASCADE,
  tenant_id int NOT NULL,
  version   int NOT NULL,
  since_us  bigint NOT NULL,
  due_us    bigint,                              -- when it will have held for long enough; NULL: it has fired, or need not hold
  PRIMARY KEY (meter_id, rule_id)
);
CREATE INDEX rule_standing_rule ON rule_standing (rule_id);
CREATE INDEX rule_standing_due ON rule_standing (due_us) WHERE due_us IS NOT NULL;
-- What a meter said last of points whose change a rule asks about.
CREATE TABLE rule_value (
  meter_id  bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  point     text NOT NULL,
  tenant_id int NOT NULL,
  value     bigint NOT NULL,
  at_s      bigint NOT NULL,
  PRIMARY KEY (meter_id, point)
) WITH (fillfactor = 70);
-- Places where so many meters fulfil a rule at once; the alarm is at one of them.
CREATE TABLE rule_place (
  rule_id   int NOT NULL REFERENCES rule ON DELETE CASCADE,
  place     text NOT NULL,                       -- a<area>, c<cell>, or s: all that the rule is for
  tenant_id int NOT NULL,
  version   int NOT NULL,
  meter_id  bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  since_us  bigint NOT NULL,
  PRIMARY KEY (rule_id, place)
);
CREATE TABLE rule_proposal (
  proposal_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  rule_id     int NOT NULL REFERENCES rule,
  version     int NOT NULL,
  alarm_id    bigint NOT NULL UNIQUE,            -- one an alarm, whoever raises it, and after whatever kill
  meter_id    bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  kind        text NOT NULL,
  params      jsonb NOT NULL,
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'given', 'declined', 'over')),
  made_us     bigint NOT NULL,
  decided_us  bigint,
  decided_by  bigint,
  reason      text NOT NULL DEFAULT '',
  command_id  bigint
);
CREATE INDEX rule_proposal_newest ON rule_proposal (tenant_id, proposal_id DESC);
CREATE INDEX rule_proposal_open ON rule_proposal (alarm_id) WHERE state = 'open';

-- For whom a rule is: with what is below its areas; a DN that nobody knows (0) is none.
CREATE FUNCTION ruled_meters(p_tenant int, p_product int, p_areas int[], p_classes text[], p_dn_from int, p_dn_to int)
  RETURNS TABLE (meter_id bigint, area_id int, number text) LANGUAGE sql STABLE AS $$
  SELECT m.meter_id, m.area_id, m.number FROM meter m
   WHERE m.tenant_id = p_tenant AND m.removed_on IS NULL AND (p_product IS NULL OR m.product_id = p_product)
     AND (p_areas IS NULL OR m.area_id = ANY (p_areas)) AND m.dn BETWEEN p_dn_from AND p_dn_to
     AND (p_classes IS NULL OR (SELECT c.customer_class FROM customer c WHERE c.customer_id = m.customer_id) = ANY (p_classes))
$$;

-- Which rule an alarm or a group of them is of: its name; '' for all others.
CREATE FUNCTION rule_of(p_tenant int, p_event text, p_quantity text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_event = 'rule_fired' THEN coalesce((SELECT r.name FROM rule r WHERE r.tenant_id = p_tenant
    AND r.rule_id = nullif(substr(p_quantity, 6), '')::int), '') ELSE '' END
$$;

-- A command that a rule proposes, whatever raised its alarm; and no more of it once the alarm is over.
CREATE FUNCTION propose_by_rules() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh WHERE event = 'rule_fired' AND cleared_us IS NULL) THEN
    INSERT INTO rule_proposal (tenant_id, rule_id, version, alarm_id, meter_id, kind, params, made_us)
    SELECT n.tenant_id, r.rule_id, v.version, n.alarm_id, n.meter_id, v.draft #>> '{command,kind}', v.draft #> '{command,params}', n.shown_us
      FROM fresh n JOIN rule r ON r.tenant_id = n.tenant_id AND n.quantity = 'rule.' || r.rule_id
           JOIN LATERAL (SELECT w.version, w.draft FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= n.shown_us
                          ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true
     WHERE n.event = 'rule_fired' AND n.cleared_us IS NULL AND jsonb_typeof(v.draft -> 'command') = 'object'
    ON CONFLICT (alarm_id) DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION end_proposals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE rule_proposal p SET state = 'over', decided_us = n.cleared_us FROM fresh n
   WHERE p.alarm_id = n.alarm_id AND p.state = 'open' AND n.cleared_us IS NOT NULL AND n.event = 'rule_fired';
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION propose_by_rules(), end_proposals() FROM PUBLIC;
CREATE TRIGGER proposes AFTER INSERT ON alarm REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION propose_by_rules();
CREATE TRIGGER ends_proposals AFTER UPDATE ON alarm REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION end_proposals();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['rule', 'rule_version', 'rule_standing', 'rule_value', 'rule_place', 'rule_proposal'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT ON rule, rule_version TO openmains_api;
GRANT UPDATE (is_on, revision, name) ON rule TO openmains_api;
GRANT SELECT ON rule_standing, rule_proposal TO openmains_api;
GRANT UPDATE (state, decided_us, decided_by, reason, command_id) ON rule_proposal TO openmains_api;
GRANT SELECT ON rule, rule_version TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON rule_standing, rule_value, rule_place TO openmains_pipeline;
GRANT EXECUTE ON FUNCTION rule_of(int, text, text) TO openmains_api, openmains_pipeline;
GRANT EXECUTE ON FUNCTION ruled_meters(int, int, int[], text[], int, int) TO openmains_api, openmains_pipeline;
