-- SPDX-License-Identifier: Apache-2.0
-- A utility's own tags of meters (ADR 0056): a name and a colour, put on and taken off by people, for one meter or many.
CREATE TABLE tag (
  tag_id    int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  name      text NOT NULL CHECK (name <> '' AND name !~ '[,;，；、]'), -- a cell of a file holds several
  colour    text NOT NULL CHECK (colour IN ('grey', 'red', 'amber', 'green', 'blue', 'purple')),
  UNIQUE (tenant_id, tag_id)
);
CREATE UNIQUE INDEX tag_name ON tag (tenant_id, lower(name)); -- a file and a person write it in whatever case

CREATE TABLE meter_tag (
  tag_id    int NOT NULL,
  meter_id  bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  tenant_id int NOT NULL,
  PRIMARY KEY (tag_id, meter_id),
  FOREIGN KEY (tenant_id, tag_id) REFERENCES tag (tenant_id, tag_id) ON DELETE CASCADE
);
CREATE INDEX meter_tag_meter ON meter_tag (meter_id);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['tag', 'meter_tag'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t); -- imports run in the worker
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT, DELETE ON tag TO openmains_api;
GRANT UPDATE (name, colour) ON tag TO openmains_api;
GRANT SELECT ON tag TO openmains_pipeline;
GRANT SELECT, INSERT, DELETE ON meter_tag TO openmains_api, openmains_pipeline;

-- Search within a tag as within the list's other filters: the functions of 0022, as later migrations left them, with one more argument.
DO $$
DECLARE
  f regprocedure;
  made text;
  status text := 'AND (p_status IS NULL OR';
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.proname IN ('find_meters', 'find_meters_by_prefix') LOOP
    made := pg_get_functiondef(f);
    IF position('p_silent_us jsonb)' IN made) = 0 OR position(status IN made) = 0 THEN
      RAISE EXCEPTION '% is not as migration 0037 left it', f;
    END IF;
    made := replace(made, 'p_silent_us jsonb)', 'p_silent_us jsonb, p_tag int)');
    EXECUTE replace(made, status,
      'AND (p_tag IS NULL OR EXISTS (SELECT FROM meter_tag g WHERE g.tag_id = p_tag AND g.meter_id = m.meter_id)) ' || status);
    EXECUTE format('DROP FUNCTION %s', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.proname IN ('find_meters', 'find_meters_by_prefix') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO openmains_api, openmains_pipeline', f);
  END LOOP;
END $$;
