-- SPDX-License-Identifier: Apache-2.0
-- A customer's session ends with its number (ADR 0059): whoever writes a customer's own phone, by form, import, sealing or removal, ends the
-- sessions of the number it was and of the number it is. A number that is entered for somebody else shows them to nobody who signed in before.
CREATE FUNCTION end_sessions_of_numbers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM customer_session) THEN
    RETURN NULL; -- an import of many
  END IF;
  IF TG_OP = 'INSERT' THEN
    DELETE FROM customer_session s USING is_now n
     WHERE s.tenant_id = n.tenant_id AND s.blind = n.blind AND n.field = 'phone' AND n.contact_id IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    DELETE FROM customer_session s USING was w
     WHERE s.tenant_id = w.tenant_id AND s.blind = w.blind AND w.field = 'phone' AND w.contact_id IS NULL;
  ELSE -- a key renewed leaves the number as it is
    WITH old AS (SELECT tenant_id, customer_id, blind FROM was WHERE field = 'phone' AND contact_id IS NULL),
         new AS (SELECT tenant_id, customer_id, blind FROM is_now WHERE field = 'phone' AND contact_id IS NULL)
    DELETE FROM customer_session s
     USING ((TABLE old EXCEPT TABLE new) UNION ALL (TABLE new EXCEPT TABLE old)) AS x
     WHERE s.tenant_id = x.tenant_id AND s.blind = x.blind;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION end_sessions_of_numbers() FROM PUBLIC;
CREATE TRIGGER personal_numbered AFTER INSERT ON personal REFERENCING NEW TABLE AS is_now
  FOR EACH STATEMENT EXECUTE FUNCTION end_sessions_of_numbers();
CREATE TRIGGER personal_renumbered AFTER UPDATE ON personal REFERENCING OLD TABLE AS was NEW TABLE AS is_now
  FOR EACH STATEMENT EXECUTE FUNCTION end_sessions_of_numbers();
CREATE TRIGGER personal_unnumbered AFTER DELETE ON personal REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION end_sessions_of_numbers();
