-- SPDX-License-Identifier: Apache-2.0
-- The ledger is read newest first, of a kind or of all; and a root of the tree of areas waits for nobody.

CREATE INDEX ledger_entry_newest ON ledger_entry (tenant_id, entry_id DESC);
CREATE INDEX ledger_entry_kind ON ledger_entry (tenant_id, kind, entry_id DESC);

-- As in 0040, but a root takes no lock: it has no path above it that could change. An import that makes roots runs long, and who moved an
-- area waited for its end.
CREATE OR REPLACE FUNCTION place_area() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  v_above text := '';
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.parent_id IS NOT NULL THEN
      PERFORM pg_advisory_xact_lock_shared(1869414402, NEW.tenant_id);
    END IF;
  ELSE
    PERFORM pg_advisory_xact_lock(1869414402, NEW.tenant_id);
  END IF;
  IF NEW.parent_id IS NOT NULL THEN
    SELECT path INTO v_above FROM area WHERE area_id = NEW.parent_id AND tenant_id = NEW.tenant_id;
    IF NOT FOUND THEN
      RAISE foreign_key_violation USING MESSAGE = 'the area above is not of this tenant', CONSTRAINT = 'area_parent_tenant';
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND starts_with(v_above, (SELECT path FROM area WHERE area_id = NEW.area_id)) THEN
    RAISE check_violation USING MESSAGE = 'an area cannot lie below itself', CONSTRAINT = 'area_no_loop';
  END IF;
  NEW.path := v_above || lpad(to_hex(NEW.area_id), 8, '0');
  RETURN NEW;
END $$;
